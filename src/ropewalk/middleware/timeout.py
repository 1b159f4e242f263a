"""A limit for the time until a response begins to be sent."""

from asyncio import CancelledError
from asyncio import _get_running_loop as running_loop
from collections.abc import Coroutine, Generator
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from twisted.internet.defer import CancelledError as DeferredCancelled
from twisted.logger import Logger, LogLevel

from ropewalk.errors import CATALOGUE, HTTPError, KnownOptions, named
from ropewalk.middleware.chain import Middleware, Next
from ropewalk.middleware.describing import RETRY_AFTER, MiddlewareDescription, MiddlewareResponse, describes
from ropewalk.middleware.options import check_choice, check_count, check_kind, check_seconds
from ropewalk.request import Request
from ropewalk.response import Response
from ropewalk.waiting import call_later
from ropewalk.waiting_places import waiting_place

log = Logger(namespace="ropewalk.handlers")

_DETAIL: Final = "The response took too long."


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeoutOptions(KnownOptions):
    """The options of `timeout`. Raises HandlerError (RW230) for an invalid value."""

    seconds: float
    """How long a response may take to begin, in seconds greater than 0. The time begins when the middleware is called,
    and includes the wait for the request body."""
    status: Literal[503, 504] = 503
    """The status of the error: 503, or 504 if the app is a gateway to another server (RFC 9110, sections 15.6.4 and
    15.6.5)."""
    retry_after: int | None = None
    """The value of the Retry-After field, in seconds (RFC 9110, section 10.2.3)."""

    def __post_init__(self) -> None:
        check_seconds(self, "seconds")
        check_choice(self, "status", (503, 504))
        check_count(self, "retry_after", optional=True)


def timeout(options: TimeoutOptions) -> Middleware:
    """A middleware that cancels the handler and responds with an error if the response does not begin in time.

    A warning (RW308) names the handler and the line at which it waits.

    A Deferred that the handler waits for is cancelled, and a coroutine gets CancelledError at its await. Once the first
    part of a stream has been sent, the handler is not cancelled any more. Code that does not wait cannot be cancelled:
    a long loop blocks the reactor. A thread, such as that of a WSGI application, continues, but its response is
    dropped.
    """
    check_kind(options, TimeoutOptions)
    headers = {} if options.retry_after is None else {"retry-after": str(options.retry_after)}
    seconds = options.seconds

    described = {} if options.retry_after is None else RETRY_AFTER

    @describes(MiddlewareDescription(responses=[MiddlewareResponse(options.status, _DETAIL, described)]))
    async def timeout(request: Request, next: Next) -> Response:
        coroutine = cast("Coroutine[Any, Any, Response]", next(request))
        try:
            awaited = coroutine.send(None)
        except StopIteration as stop:  # most handlers do not wait, so they need no timer
            return cast("Response", stop.value)
        limited = _Limited(request, coroutine, awaited, seconds)
        try:
            response = await limited
        except (CancelledError, DeferredCancelled):
            if not limited.expired or request.gone:
                raise
        else:
            if not limited.expired or response.error is None:
                return response
        raise HTTPError(options.status, _DETAIL, headers)

    return timeout


class _Limited:
    """Drives a coroutine from its first await to its end. If the time expires first, the operation that the coroutine
    awaits is cancelled."""

    __slots__ = ("_awaited", "_coroutine", "_request", "_seconds", "expired")

    def __init__(
        self, request: Request, coroutine: Coroutine[Any, Any, Response], awaited: Any, seconds: float
    ) -> None:
        self._request = request
        self._coroutine = coroutine
        self._awaited = awaited
        self._seconds = seconds
        self.expired = False

    def __await__(self) -> Generator[Any, Any, Response]:
        driven, awaited = self._coroutine, self._awaited  # `waiting_place` reads the variable `driven` of this frame
        cancel = call_later(self._seconds, self._expire)
        try:
            while True:
                try:
                    sent = yield awaited
                except GeneratorExit:
                    driven.close()
                    raise
                except BaseException as error:  # noqa: BLE001 - passed to the coroutine, as `yield from` does
                    awaited = driven.throw(self._for_coroutine(error))
                else:
                    awaited = driven.send(sent)
        except StopIteration as stop:
            return cast("Response", stop.value)
        finally:
            if self.expired:
                self._request.uncancel()
            else:
                cancel()

    def _expire(self) -> None:
        if not self._request.started and not self._request.finished:
            self.expired = True
            self._log()
            self._request.cancel_handler()

    def _log(self) -> None:
        """Log the place at which the handler waits. If it waits for a slow client's body, only at the level debug."""
        request, handler = self._request, self._request.engine_handler
        who = "The handler" if handler is None else named(handler.call)
        if request.awaits_body:
            level, waits = LogLevel.debug, "The client has not sent the whole body."
        else:
            place = waiting_place(self._coroutine)
            level, waits = LogLevel.warn, f"{who} waits{'' if place is None else f' at {place}'}."
        log.emit(
            level,
            "{code} {method} {path}: no response began within {seconds:g} s. {waits} {remedy}",
            code="RW308",
            method=request.method,
            path=request.raw_path.decode("ascii"),
            seconds=self._seconds,
            waits=waits,
            remedy=CATALOGUE["RW308"].remedy,
        )

    def _for_coroutine(self, error: BaseException) -> BaseException:
        """Convert a cancellation to Twisted's CancelledError if no asyncio loop runs.

        Middleware lets this exception pass (see `passes_through`). Without a loop, asyncio's CancelledError would
        become an error response.
        """
        if self.expired and isinstance(error, CancelledError) and running_loop() is None:
            return DeferredCancelled()
        return error
