"""An answer on its way from the application's thread to the reactor's.

The thread puts in the head, then parts, then the end; the reactor takes them out. What is complete when the reactor
comes to it leaves in one piece, everything else as a stream of parts. A thread that is too far ahead of the client
waits. What the one thread writes the other only reads, and each tells the other behind what there is to be read, so
there are no locks.
"""

from collections import deque
from threading import Event
from typing import Final

from ropewalk.errors import Disconnected, interrupts
from ropewalk.headers import Text
from ropewalk.open_files import OpenFile
from ropewalk.request import Request
from ropewalk.response import ExactResponse, Response
from ropewalk.waiting import Waiter
from ropewalk.wsgi.reactor_queue import ReactorQueue

AHEAD: Final = 256 * 1024
"""Bytes of a body that may lie here before the thread has to wait."""


class ThreadResponse:
    """The answer to one request, between two threads. To the reactor it is an async iterator of parts, too."""

    __slots__ = (
        "_closed",
        "_handed",
        "_news",
        "_parts",
        "_posted",
        "_reactor_queue",
        "_response",
        "_room",
        "_streamed",
        "_taken",
        "ended",
        "error",
        "fields",
        "file",
        "length",
        "reason",
        "request",
        "status",
    )

    def __init__(self, request: Request, queue: ReactorQueue) -> None:
        self.request = request
        self._reactor_queue = queue
        self._parts: deque[bytes] = deque()
        self._posted = False

        # Written by the thread
        self.status = 0
        """0 as long as there is no head."""
        self.reason: bytes | None
        self.fields: list[tuple[str, Text]]
        self.length: int | None
        """What Content-Length says, in bytes."""
        self.file: tuple[OpenFile, int, int] | None = None
        """An open file, offset and length, in place of parts."""
        self.ended = False
        self.error: Exception | None = None
        self._handed = 0
        """Bytes of parts."""
        self._room: Event | None = None

        # Written by the reactor
        self._closed = False
        self._response: Waiter[Response] | None = None
        """Where somebody else is to send the answer."""
        self._news: Waiter[None] | None = None
        self._streamed = False
        self._taken = 0
        """Bytes of parts."""

    # For the thread

    @property
    def direct(self) -> bool:
        """Whether it goes to the client as it is, rather than through somebody's hands."""
        return self._response is None

    @property
    def over(self) -> bool:
        """Whether nobody wants the rest."""
        return self._closed or self.request.gone

    def add(self, part: bytes) -> None:
        """Put in a part of the body."""
        self._handed += len(part)
        self._parts.append(part)

    def post(self) -> None:
        """Have the reactor come to it."""
        if not self._posted:
            self._posted = True
            self._reactor_queue.post(self)

    def end(self) -> None:
        """The answer is complete."""
        self.ended = True
        self.post()

    def fail(self, error: Exception) -> None:
        """The answer will never be complete."""
        self.error = error
        self.post()

    def rest(self) -> None:
        """Wait until the client has taken enough. Raises Disconnected where it has left."""
        while self._is_full() and not self.over:
            if self._room is None:
                self._room = Event()
            self._room.clear()
            if self._is_full() and not self.over:
                self._room.wait()
        if self.over:
            raise Disconnected

    def _is_full(self) -> bool:
        return self._handed - self._taken > AHEAD

    # For the reactor

    def respond(self) -> Waiter[Response]:
        """A Response, in place of sending the answer. Cancelling the wait lets the application go."""
        self._response = Waiter(lambda _: self.close())
        return self._response

    def run_in_reactor(self) -> None:
        """The thread has posted it."""
        self._posted = False
        try:
            if self._streamed:
                self._tell()
            elif self.ended:
                self._send()
            elif self.over:
                self.close()
            elif self.error is not None:
                raise self.error
            else:
                self._stream()
        except BaseException as error:
            if interrupts(error):
                raise
            self._refuse(error)

    def close(self) -> None:
        """Nobody wants the rest."""
        self._closed = True
        self._parts.clear()
        if self._room is not None:
            self._room.set()

    def __aiter__(self) -> "ThreadResponse":
        return self

    async def __anext__(self) -> bytes:
        while True:
            # In this order: the thread puts in all parts before it says that they are all.
            ended, error = self.ended, self.error
            part = self._take()
            if part:
                return part
            if ended:
                raise StopAsyncIteration
            if error is not None:
                raise error
            if self._closed:
                raise Disconnected
            self._news = Waiter()
            await self._news

    async def aclose(self) -> None:
        """As `close`."""
        self.close()

    def _send(self) -> None:
        """Send a complete answer."""
        request = self.request
        silent = request.method == "HEAD"
        if self._response is not None:
            self._deliver(self if silent else self._take())
            return
        if self.reason is not None:
            request.set_reason(self.status, self.reason)
        if self.file is not None:
            file, offset, length = self.file
            request.respond_file(self.status, self.fields, file.fd, offset, length)
        elif silent:
            request.begin(self.status, self.fields)  # of the body there need not be all that GET would get
            request.end()
        else:
            request.respond(self.status, self.fields, self._take())

    def _stream(self) -> None:
        """Send parts as they come."""
        self._streamed = True
        self.request.notifyFinish().addBoth(lambda _: self.close())  # somebody may have dropped the Response
        self._deliver(self)

    def _deliver(self, body: "bytes | ThreadResponse") -> None:
        """Hand over a Response."""
        response = ExactResponse(None, self.status, self.fields, reason=self.reason)
        response.body = body
        if self._response is None:
            self.request.service.deliver(self.request, response)
        elif not self._response.called:
            self._response.callback(response)

    def _refuse(self, error: BaseException) -> None:
        """Hand an error to what makes the response."""
        self.close()
        if self._response is None:
            self.request.service.fail(self.request, error)
        elif not self._response.called:
            self._response.errback(error)

    def _tell(self) -> None:
        """Let go on who waits for a part."""
        news, self._news = self._news, None
        if news is not None and not news.called:
            news.callback(None)

    def _take(self) -> bytes:
        """All parts that are there, joined."""
        parts = self._parts
        count = len(parts)
        part = parts.popleft() if count == 1 else b"".join([parts.popleft() for _ in range(count)])
        self._taken += len(part)
        if self._room is not None and not self._is_full():
            self._room.set()
        return part
