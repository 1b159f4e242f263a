"""The body of a request: in memory, as a stream, or in a temporary file."""

import os
from io import BufferedReader, BytesIO, FileIO
from typing import Any, BinaryIO, Final, TypeVar, cast, overload

from ropewalk.charsets import UTF_8, find_codec
from ropewalk.errors import BadBody, BodyTooLarge, HandlerError, HTTPError
from ropewalk.headers import content_type
from ropewalk.request.json_types import read_json_body
from ropewalk.request.unsupported_media_type import JSON, JSON_ONLY
from ropewalk.request.waits import WaitableExchange
from ropewalk.waiting import Waiter, failed, ready

Type = TypeVar("Type")

PART: Final = 64 * 1024
"""The size in bytes of the parts that `stream` yields if the body has already arrived."""

UNREAD: Final = "The response was complete before the request body."


class BodyReader(WaitableExchange):
    """An exchange (a request and its response) with the methods that read the request body."""

    __slots__ = ("_arrival", "_body", "_content", "_refusal")

    _arrival: Waiter[None]
    """Fires when more of the body arrives. Unset if no code waits."""
    _body: bytes
    _content: BinaryIO
    _refusal: str
    """Why later reads of the body are refused with 403. Unset if they are not."""

    def body(self, body_limit: int | None = None) -> Waiter[bytes]:
        """Return the whole body. `body_limit` (bytes) replaces the limits of the route and the engine.

        Fails with BodyTooLarge, with BadBody if the body is malformed, and with Disconnected if the client disconnects.
        Fails with ResponseEnded if the response is complete before the body, because the rest of the body is then
        dropped.
        """
        try:
            body = self._collected(body_limit)
            return self._body_later() if body is None else ready(body)
        except Exception as error:  # noqa: BLE001 - callers need to handle errors in one place only: the Waiter
            return failed(error)

    def text(self, body_limit: int | None = None) -> Waiter[str]:
        """Return the whole body as str, decoded with the charset of its Content-Type, or else as UTF-8.

        Fails with HTTPError 415 for an unsupported charset (see `ropewalk.charsets`), with HTTPError 400 if the body
        cannot be decoded, and with the errors of `body`.
        """
        return cast("Waiter[str]", self.body(body_limit).addCallback(self.decode))

    @overload
    def json(self, type: type[Type], *, body_limit: int | None = None) -> Waiter[Type]: ...
    @overload
    def json(self, type: Any = Any, *, body_limit: int | None = None) -> Waiter[Any]: ...
    def json(self, type: Any = Any, *, body_limit: int | None = None) -> Waiter[Any]:
        """Parse the whole body as JSON (RFC 8259) and convert it to a type that msgspec supports, or a type with
        pydantic models.

        Fails with HTTPError 415 if the Content-Type is not JSON, and with HTTPError 400 if the body is not JSON or
        nests arrays and objects more than 200 levels deep. Fails with InvalidInput (422), which lists every invalid
        value, if the body does not match the type, and with HandlerError (RW211) if no JSON can be converted to the
        type. Fails with the errors of `body`, too.
        """
        try:
            given = self.header("content-type")
            if given != JSON:  # the usual Content-Type needs no check
                JSON_ONLY.check(given)
            body = self._collected(body_limit)
            if body is None:
                return cast("Waiter[Any]", self._body_later().addCallback(read_json_body, type))
            return ready(read_json_body(body, type))
        except Exception as error:  # noqa: BLE001 - as in `body`
            return failed(error)

    def stream(self, body_limit: int | None = None) -> "BodyStream":
        """Return the body in parts as it arrives: `async for part in request.stream()`.

        The client cannot send more while parts are unread. If the body has already arrived, as is always so in plain
        handlers, the parts are read from memory or from the temporary file.
        """
        self._refuse_streamed()
        if self.body_complete:
            self.content.seek(0)
            return BodyStream(self, self.content)
        self.receive(body_limit)
        self.streamed = True
        return BodyStream(self, None)

    @property
    def content(self) -> BinaryIO:
        """The complete body as a file, positioned at its start. Use it in plain handlers, which are called when the
        body has arrived.

        Raises HandlerError (RW207) while the body is incomplete.
        """
        try:
            return self._content
        except AttributeError:
            pass
        self._refuse_streamed()
        if self.has_body and not self.body_complete:
            raise HandlerError("RW207", "`content` was read before the body was complete.")
        body = getattr(self, "_body", None)
        if body is None and self.spool is not None:
            self._content = _as_spool(self.spool)
        else:
            self._content = BytesIO(self._whole() if body is None else body)
        return self._content

    def limit_body(self, body_limit: int) -> None:
        """Allow at most `body_limit` bytes of body, whichever method reads it.

        If the route, or the call that reads the body, has a smaller limit, that limit applies.

        Call it in a middleware, before the body is read. Raises BodyTooLarge if Content-Length is over the limit.
        """
        length = self.content_length
        if length is not None and length > body_limit:
            raise BodyTooLarge(f"The body is larger than {body_limit} bytes.")
        handler = self.engine_handler
        of_route = None if handler is None else handler.body_limit
        most = self.middleware_body_limit
        self.middleware_body_limit = min(each for each in (body_limit, most, of_route) if each is not None)

    def lowered(self, limit: int | None) -> int | None:
        """The lower of `limit` and the limit that `limit_body` has set. None if neither limit is set."""
        most = self.middleware_body_limit
        return limit if most is None else most if limit is None else min(limit, most)

    def _collected(self, limit: int | None) -> bytes | None:
        """The whole body if it has arrived. Otherwise begin to collect it, and return None."""
        # First, because this usually succeeds, and reading an unset `_body` is slow.
        body = self.collect_and_take(limit)
        if body:
            self._body = body
            return body
        kept = self.kept_body
        if kept is not None:
            return kept
        self._refuse_streamed()
        if not self.body_complete:
            self.collect(limit)
        return self._whole() if self.body_complete else None

    def _body_later(self) -> Waiter[bytes]:
        """Return a Waiter that fires with the whole body when it has been collected."""
        return cast("Waiter[bytes]", self._readable().addCallback(self._whole))

    def refuse_body(self, detail: str) -> None:
        """Refuse later reads of the body with 403 and this text. The CSRF check has parsed the body as a form to find
        its token, and only `form` still has the data. The client can avoid the refusal: it can send the token in a
        header field.
        """
        self._refusal = detail
        self.streamed = True
        if hasattr(self, "_body"):
            del self._body
        if hasattr(self, "_content"):
            self._content.close()
            del self._content

    def _refuse_streamed(self) -> None:
        if self.streamed:
            if hasattr(self, "_refusal"):
                raise HTTPError(403, self._refusal)
            raise HandlerError("RW207", "The body was already read in parts, by `stream`, `form` or `multipart`.")

    def _readable(self) -> Waiter[None]:
        """Return a Waiter that fires when more of the body arrives. Raises HandlerError (RW207) if other code waits."""
        if self.finished:
            return failed(self.end_error(UNREAD))
        if self.awaits_body:
            raise HandlerError("RW207", "The body is being read already.")
        self.notify_done = True
        self._arrival = Waiter()
        return self._arrival

    def _whole(self, _: None = None) -> bytes:
        body = self.take() or b""
        if self.spool is not None:
            position = self.content.tell()
            self.content.seek(0)
            body = self.content.read()
            self.content.seek(position)
        self._body = body
        return body

    @property
    def awaits_body(self) -> bool:
        """Whether code waits for more of the body, which the client has not sent yet."""
        arrival = getattr(self, "_arrival", None)
        return arrival is not None and not arrival.called

    @property
    def kept_body(self) -> bytes | None:
        """The whole body if other code, such as a middleware, has read it with `body`, `text` or `json`; else None."""
        return getattr(self, "_body", None)

    def whole_body(self) -> bytes:
        """The whole body. Call this only after the body has arrived."""
        body = self.take()  # first, because this usually succeeds, and reading an unset `_body` is slow
        if body and self.spool is None:
            self._body = body
            return body
        try:
            return self._body
        except AttributeError:
            return self._whole()

    def decode(self, body: bytes) -> str:
        """Decode a body with the charset of the request's Content-Type.

        Raises HTTPError 400 and 415, as `text` does.
        """
        charset = content_type(self.header("content-type"))[1].get("charset", UTF_8)
        codec = find_codec(charset)
        if codec is None:
            raise HTTPError(415, "The charset of the body is unknown.")
        try:
            return body.decode(codec)
        except UnicodeDecodeError:
            raise BadBody(f"The body is not valid {charset}.") from None


class BodyStream:
    """An iterator over the parts of a body as they arrive, each at least one byte long.

    Raises the errors of `Request.body`.
    """

    __slots__ = ("_request", "_whole")

    def __init__(self, request: BodyReader, whole: BinaryIO | None) -> None:
        self._request = request
        self._whole = whole

    def __aiter__(self) -> "BodyStream":
        return self

    async def __anext__(self) -> bytes:
        part: bytes | None
        if self._whole is not None:
            part = self._whole.read(PART)
        else:
            while (part := self._request.take()) is None:
                await self._request._readable()  # noqa: SLF001 - BodyStream and BodyReader work together
        if not part:
            raise StopAsyncIteration
        return part


class _Spool(BufferedReader):
    """A temporary file that is closed without a ResourceWarning when the last reference to it is deleted."""

    def __del__(self) -> None:
        self.close()


class _SpoolFile(FileIO):
    """The raw file of a `_Spool`. It needs its own `__del__`, because the garbage collector may finalize it before the
    `_Spool`."""

    def __del__(self) -> None:
        self.close()


def _as_spool(file: Any) -> _Spool:
    with file:
        return _Spool(_SpoolFile(os.dup(file.fileno())))
