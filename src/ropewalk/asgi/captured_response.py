"""Turns the messages of an ASGI application into a Response for middleware.

If the application sends its body in one message, the Response has this body. Otherwise the body of the Response is an
async iterator. Its first part is empty, so that the head is sent as soon as all middleware has returned the Response.
"""

import os
from collections.abc import Callable, Iterable
from typing import Any, Final

from ropewalk.asgi.messages import pairs
from ropewalk.errors import Disconnected, ResponseEnded
from ropewalk.open_files import OpenFile
from ropewalk.request import BODILESS, Request, check_status
from ropewalk.response import ExactResponse, Response
from ropewalk.waiting import Waiter, failed, ready

AHEAD: Final = 64 * 1024
"""Bytes of a body that are buffered before the application has to wait."""


class CapturedResponse:
    """Replaces the Request as the object that takes a call's response, and passes the response to middleware."""

    __slots__ = (
        "_cut",
        "_dropped",
        "_error",
        "_left",
        "_new_part",
        "_over",
        "_parts",
        "_size",
        "_space",
        "bytes_sent",
        "response",
        "trailers",
    )

    def __init__(self, request: Request) -> None:
        self.bytes_sent = 0
        """The number of body bytes that the application has sent."""
        self.response: Waiter[Response] = Waiter(lambda _: self.drop())
        self.trailers: list[tuple[bytes, bytes]] | None = None
        self._cut = False
        self._error: BaseException | None = None
        self._left: Callable[[], None] = _nothing
        self._new_part: Waiter[None] | None = None
        self._over = False
        self._parts: list[bytes] = []
        self._size = 0
        self._space: list[Waiter[None]] = []
        self._dropped = False
        # Middleware may discard the Response, so the rest of it is also dropped when the request ends.
        request.notifyFinish().addCallbacks(self._request_finished, lambda _: self.drop())

    def when_left(self, left: Callable[[], None]) -> None:
        """Register a function to call when the rest of the response is dropped."""
        self._left = left

    def respond(self, status: int, fields: Iterable[Any], body: bytes) -> None:
        """Take a whole response from the application."""
        self._deliver(status, fields, body)

    def respond_file(self, status: int, fields: Iterable[Any], fd: int, offset: int, length: int) -> None:
        """Take a whole response whose body is a part of a file."""
        self._deliver(status, fields, OpenFile(os.dup(fd), offset, length))

    def begin(self, status: int, fields: Iterable[Any]) -> None:
        """Take the head of a response whose body follows. If the status allows no body, the response is complete."""
        if status in BODILESS:
            self._deliver(status, fields, b"")
            return
        self._parts.append(b"")
        self._deliver(status, fields, self)

    def write(self, data: bytes) -> bool:
        """Take a part of the body. Returns whether the buffer has room for more. Raises Disconnected after `drop`."""
        if self._dropped:
            raise Disconnected
        self._parts.append(data)
        self._size += len(data)
        self.bytes_sent += len(data)
        self._wake_reader()
        return not self.pressure

    def end(self, trailers: list[tuple[bytes, bytes]] | None = None) -> None:
        """Mark the body as complete."""
        self.trailers = trailers
        self._over = True
        self._wake_reader()

    @property
    def pressure(self) -> bool:
        """Whether the buffer is full, so that the application should wait."""
        return self._size > AHEAD and not self._dropped

    def writable(self) -> Waiter[None]:
        """Return an awaitable that fires when the buffer has room for more. It fails with Disconnected after `drop`."""
        if self._dropped:
            return failed(Disconnected())
        if not self.pressure:
            return ready(None)
        waiter: Waiter[None] = Waiter()
        self._space.append(waiter)
        return waiter

    def end_stream_by(self, end: Callable[[], object]) -> None:
        """Do nothing, because the Response that middleware returns ends an event stream itself."""

    def fail(self, error: BaseException) -> None:
        """Pass an error of the application to the code that awaits the Response or reads its body."""
        if not self.response.called:
            self.response.errback(error)
            return
        self._error = error
        self._wake_reader()

    def __aiter__(self) -> "CapturedResponse":
        return self

    async def __anext__(self) -> bytes:
        while not self._parts:
            if self._error is not None:
                raise self._error
            if self._cut:
                raise Disconnected
            if self._over:
                raise StopAsyncIteration
            self._new_part = Waiter()
            await self._new_part
        part = self._parts.pop(0) if len(self._parts) == 1 else b"".join(self._parts)
        self._parts.clear()
        self._size = 0
        self._make_room()
        return part

    async def aclose(self) -> None:
        """Drop the rest of the body, because the code that reads the body has stopped."""
        self._parts.clear()
        self._over = True
        self.drop()

    def drop(self) -> None:
        """Drop the rest of the response. Code that still reads an incomplete body gets Disconnected."""
        if not self._dropped:
            self._dropped = True
            self._cut = bool(self._parts) or not self._over
            self._parts.clear()
            self._make_room()
            self._wake_reader()
            self._left()
            self._left = _nothing

    def _request_finished(self, _: object) -> None:
        """Drop the rest of this response, because the client has a complete response: this one or another."""
        self.drop()
        if not self.response.called:
            self.response.errback(
                ResponseEnded(
                    "The request has a complete response already, so the response of this application is dropped."
                )
            )

    def _deliver(self, status: int, fields: Iterable[Any], body: Any) -> None:
        check_status(status)
        response = ExactResponse(None, status, pairs(fields))
        response.body = body
        if not self.response.called:
            self.response.callback(response)

    def _make_room(self) -> None:
        space, self._space = self._space, []
        for waiter in space:
            if not waiter.called:
                waiter.callback(None)

    def _wake_reader(self) -> None:
        waiter, self._new_part = self._new_part, None
        if waiter is not None and not waiter.called:
            waiter.callback(None)


def _nothing() -> None:
    """Do nothing, because no callback is registered."""
