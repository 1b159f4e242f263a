"""What an application sends, as a Response in the hands of middleware.

A whole response has its body. One that goes on is a Response whose body is an async iterator; its first part is empty,
so that its head leaves as soon as the application has sent it and all middleware has let it pass.
"""

import os
from collections.abc import Callable, Iterable
from typing import Any, Final

from ropewalk.asgi.messages import pairs
from ropewalk.errors import AnswerOver, Disconnected
from ropewalk.open_files import OpenFile
from ropewalk.request import BODILESS, Request, check_status
from ropewalk.response import ExactResponse, Response
from ropewalk.waiting import Waiter, failed, ready

AHEAD: Final = 64 * 1024
"""Bytes of a body that may lie here before the application has to wait."""


class CapturedResponse:
    """Takes what a call has for its request. `left` is called when nothing more of it is wanted."""

    __slots__ = (
        "_cut",
        "_error",
        "_left",
        "_news",
        "_over",
        "_parts",
        "_size",
        "_space",
        "_unwanted",
        "bytes_sent",
        "response",
        "trailers",
    )

    def __init__(self, request: Request) -> None:
        self.bytes_sent = 0
        """Bytes of the body that the application has sent."""
        self.response: Waiter[Response] = Waiter(lambda _: self.drop())
        self.trailers: list[tuple[bytes, bytes]] | None = None
        self._cut = False
        self._error: BaseException | None = None
        self._left: Callable[[], None] = _nothing
        self._news: Waiter[None] | None = None
        self._over = False
        self._parts: list[bytes] = []
        self._size = 0
        self._space: list[Waiter[None]] = []
        self._unwanted = False
        # Middleware may have dropped the Response. Where the client has left, it is cancelled.
        request.notifyFinish().addCallbacks(self._answered, lambda _: self.drop())

    def when_left(self, left: Callable[[], None]) -> None:
        """Have something called when nothing more is wanted."""
        self._left = left

    # As a request, for the call

    def respond(self, status: int, fields: Iterable[Any], body: bytes) -> None:
        """A whole response."""
        self._deliver(status, fields, body)

    def respond_file(self, status: int, fields: Iterable[Any], fd: int, offset: int, length: int) -> None:
        """A whole response whose body is a file."""
        self._deliver(status, fields, OpenFile(os.dup(fd), offset, length))

    def begin(self, status: int, fields: Iterable[Any]) -> None:
        """The head of a response that goes on. One whose status has no body is whole, whatever the application adds."""
        if status in BODILESS:
            self._deliver(status, fields, b"")
            return
        self._parts.append(b"")
        self._deliver(status, fields, self)

    def write(self, data: bytes) -> bool:
        """A part of the body; whether there is room for more. Raises Disconnected where nothing more is wanted."""
        if self._unwanted:
            raise Disconnected
        self._parts.append(data)
        self._size += len(data)
        self.bytes_sent += len(data)
        self._tell()
        return not self.pressure

    def end(self, trailers: list[tuple[bytes, bytes]] | None = None) -> None:
        """The body is complete."""
        self.trailers = trailers
        self._over = True
        self._tell()

    @property
    def pressure(self) -> bool:
        """Whether the application should wait."""
        return self._size > AHEAD and not self._unwanted

    def writable(self) -> Waiter[None]:
        """Fires when there is room for more. Fails with Disconnected."""
        if self._unwanted:
            return failed(Disconnected())
        if not self.pressure:
            return ready(None)
        waiter: Waiter[None] = Waiter()
        self._space.append(waiter)
        return waiter

    def end_stream_by(self, end: Callable[[], object]) -> None:
        """Whoever sends a stream of events ends it."""

    def fail(self, error: BaseException) -> None:
        """The application has failed, before the head or behind it."""
        if not self.response.called:
            self.response.errback(error)
            return
        self._error = error
        self._tell()

    # As the parts of a body

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
            self._news = Waiter()
            await self._news
        part = self._parts.pop(0) if len(self._parts) == 1 else b"".join(self._parts)
        self._parts.clear()
        self._size = 0
        self._make_room()
        return part

    async def aclose(self) -> None:
        """Nothing more is wanted: it has its end here."""
        self._parts.clear()
        self._over = True
        self.drop()

    def drop(self) -> None:
        """Nothing more is wanted. A reader that still iterates finds it cut, if it is not complete."""
        if not self._unwanted:
            self._unwanted = True
            self._cut = bool(self._parts) or not self._over
            self._parts.clear()
            self._make_room()
            self._tell()
            self._left()
            self._left = _nothing

    def _answered(self, _: object) -> None:
        """The response to the client is complete, be it this one or another."""
        self.drop()
        if not self.response.called:
            self.response.errback(AnswerOver("The answer was complete before the application had one."))

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

    def _tell(self) -> None:
        news, self._news = self._news, None
        if news is not None and not news.called:
            news.callback(None)


def _nothing() -> None:
    """There is no one to tell."""
