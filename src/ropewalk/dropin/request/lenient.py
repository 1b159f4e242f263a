"""The request class for `ropewalk exec`: a resource may also return `str`, a Deferred or a coroutine."""

from asyncio import CancelledError
from inspect import iscoroutine
from typing import Any

from twisted.internet.defer import CancelledError as DeferredCancelled
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.web.error import UnsupportedMethod
from twisted.web.http import NO_BODY_CODES
from twisted.web.server import NOT_DONE_YET

from ropewalk.calling import start
from ropewalk.charsets import codec_for, encode
from ropewalk.dropin.request.rendered import Rendered
from ropewalk.dropin.request.request import Request, named_like_twisted


@named_like_twisted
class LenientRequest(Request):
    """A `Request` whose resources may return values for which Twisted would respond with 500.

    | a resource returns | the response |
    |---|---|
    | `str` | the text in the charset of its Content-Type, or else in UTF-8, which is added to the Content-Type |
    | a Deferred or a coroutine | the response for its result or failure; it is cancelled if the client disconnects |

    If the result of a coroutine is NOT_DONE_YET, the program sends the response itself. A coroutine may await Deferreds
    and, with the asyncio reactor, asyncio futures.
    """

    _rw_awaited: Deferred[Any] | None = None

    def connectionLost(self, reason: Any) -> None:
        """Cancel the Deferred or coroutine, because the client has disconnected."""
        super().connectionLost(reason)
        if self._rw_awaited is not None:
            self._rw_awaited.cancel()

    def _rw_leave_to_twisted(self, resrc: Any, outcome: Any) -> None:
        if isinstance(outcome, str):
            self._rw_declare_utf8(outcome)
            Request.render(self, Rendered(resrc, self._rw_encode(outcome)))
        elif isinstance(outcome, Deferred):
            self._rw_wait(resrc, outcome)
        elif iscoroutine(outcome):
            self._rw_wait(resrc, start(outcome))
        else:
            super()._rw_leave_to_twisted(resrc, outcome)

    def _rw_render_again(self, resrc: Any) -> Any:
        value = super()._rw_render_again(resrc)
        if isinstance(value, str):
            return self._rw_encode(value)
        if isinstance(value, Deferred) or iscoroutine(value):
            result = value if isinstance(value, Deferred) else start(value)
            result.addErrback(lambda failure: self._log.failure("", failure=failure))
            return NOT_DONE_YET  # Twisted sends the head of a response to HEAD without waiting for the result
        return value

    def _rw_declare_utf8(self, body: str) -> None:
        default: Any = self.defaultContentType or ""
        if isinstance(default, bytes):
            default = default.decode("latin-1")
        if (
            body
            and default.startswith("text/")
            and "charset" not in default
            and self.code not in NO_BODY_CODES
            and not self.responseHeaders.getRawHeaders(b"Content-Type")
        ):
            self.setHeader(b"Content-Type", f"{default}; charset=utf-8")

    def _rw_encode(self, body: str) -> bytes:
        """Encode text in the charset of its Content-Type. Raises HandlerError (RW213) if that is not possible."""
        lines: Any = self.responseHeaders.getRawHeaders(b"Content-Type") or (self.defaultContentType,)
        field = lines[-1]
        return encode(body, codec_for(field.decode("latin-1") if isinstance(field, bytes) else field))

    def _rw_wait(self, resrc: Any, result: Deferred[Any]) -> None:
        self._rw_awaited = result
        result.addCallbacks(self._rw_succeeded, self._rw_failed, callbackArgs=(resrc,), errbackArgs=(resrc,))

    def _rw_succeeded(self, value: Any, resrc: Any) -> None:
        if value is NOT_DONE_YET or self._disconnected or (value is None and self.finished):
            return
        try:
            Request.render(self, Rendered(resrc, value))
        except BaseException:  # noqa: BLE001 - as in Twisted, even SystemExit makes only the request fail
            self._rw_failed(Failure(), resrc)

    def _rw_failed(self, failure: Failure, resrc: Any) -> None:
        error = failure.value
        if self._disconnected and isinstance(error, CancelledError | DeferredCancelled):
            return
        if self._disconnected or self.finished:
            self._log.failure("", failure=failure)
        elif isinstance(error, UnsupportedMethod):
            self._rw_leave_to_twisted(resrc, error)
        else:
            self.processingFailed(failure)
