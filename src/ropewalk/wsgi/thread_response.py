"""Pass a response from the application's thread to the reactor's thread.

The application's thread adds the head, the parts and the end; the reactor's thread sends them. A response that is
already complete when the reactor handles it is sent as a whole. Any other response is sent as a stream. A thread that
is too far ahead of the client waits.

There are no locks: each attribute is written by one thread and read by the other, and each thread notifies the other
after it has written.
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
"""The number of queued body bytes above which the application's thread waits."""


class ThreadResponse:
    """The response to one request, shared by two threads. The reactor iterates over the parts of its body."""

    __slots__ = (
        "_added",
        "_closed",
        "_new_part",
        "_parts",
        "_posted",
        "_queue",
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
        self._queue = queue
        self._parts: deque[bytes] = deque()
        self._posted = False

        # The following attributes are written by the application's thread.
        self.status = 0
        """The status; 0 until `start_response` is called."""
        self.reason: bytes | None
        self.fields: list[tuple[str, Text]]
        self.length: int | None
        """The value of Content-Length, in bytes; None if absent."""
        self.file: tuple[OpenFile, int, int] | None = None
        """An open file, with the offset and length of the part to send instead of body parts."""
        self.ended = False
        self.error: Exception | None = None
        self._added = 0
        """The number of body bytes that the application's thread has added."""
        self._room: Event | None = None

        # The following attributes are written by the reactor's thread.
        self._closed = False
        self._response: Waiter[Response] | None = None
        """A Waiter that fires with the Response, for a response that passes through middleware; otherwise None."""
        self._new_part: Waiter[None] | None = None
        self._streamed = False
        self._taken = 0
        """The number of body bytes that the reactor has taken."""

    @property
    def direct(self) -> bool:
        """Whether the response is sent directly to the client, not through middleware."""
        return self._response is None

    @property
    def over(self) -> bool:
        """Whether the rest of the response is dropped, because the client has disconnected or middleware has replaced
        the response."""
        return self._closed or self.request.gone

    def add(self, part: bytes) -> None:
        """Add a part of the body."""
        self._added += len(part)
        self._parts.append(part)

    def post(self) -> None:
        """Have the reactor's thread handle the new parts."""
        if not self._posted:
            self._posted = True
            self._queue.post(self)

    def end(self) -> None:
        """Record that the application has completed the response."""
        self.ended = True
        self.post()

    def fail(self, error: Exception) -> None:
        """Record that the application failed before the response was complete."""
        self.error = error
        self.post()

    def wait_for_room(self) -> None:
        """Block the application's thread until the client has received enough of the body. Raises Disconnected if the
        rest of the response is dropped."""
        while self._is_full() and not self.over:
            if self._room is None:
                self._room = Event()
            self._room.clear()
            if self._is_full() and not self.over:
                self._room.wait()
        if self.over:
            raise Disconnected

    def _is_full(self) -> bool:
        return self._added - self._taken > AHEAD

    def to_middleware(self) -> Waiter[Response]:
        """Return a Waiter that fires with the Response, which middleware then sends. Cancelling the Waiter drops the
        rest of the response.
        """
        self._response = Waiter(lambda _: self.close())
        return self._response

    def run_in_reactor(self) -> None:
        """Handle the head and the body parts that the application's thread has posted."""
        self._posted = False
        try:
            if self._streamed:
                self._wake_reader()
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
            self._fail(error)

    def close(self) -> None:
        """Drop the rest of the response, and let a waiting thread continue."""
        self._closed = True
        self._parts.clear()
        if self._room is not None:
            self._room.set()

    def __aiter__(self) -> "ThreadResponse":
        return self

    async def __anext__(self) -> bytes:
        while True:
            # Read `ended` before the parts, because the thread sets it after it has added all parts.
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
            self._new_part = Waiter()
            await self._new_part

    async def aclose(self) -> None:
        """Do the same as `close`. Async iterators need this method."""
        self.close()

    def _send(self) -> None:
        """Send the response as a whole, because it is complete."""
        request = self.request
        is_head = request.method == "HEAD"
        if self._response is not None:
            self._deliver(self if is_head else self._take())
            return
        if self.reason is not None:
            request.set_reason(self.status, self.reason)
        if self.file is not None:
            file, offset, length = self.file
            request.respond_file(self.status, self.fields, file.fd, offset, length)
        elif is_head:
            request.begin(self.status, self.fields)  # `respond` would compare Content-Length with the absent body
            request.end()
        else:
            request.respond(self.status, self.fields, self._take())

    def _stream(self) -> None:
        """Send the head, and then the body parts as they arrive."""
        self._streamed = True
        # So that the thread does not wait forever if middleware has dropped the Response.
        self.request.notifyFinish().addBoth(lambda _: self.close())
        self._deliver(self)

    def _deliver(self, body: "bytes | ThreadResponse") -> None:
        """Send a Response with the given body, or pass it to middleware."""
        response = ExactResponse(None, self.status, self.fields, reason=self.reason)
        response.body = body
        if self._response is None:
            self.request.service.send_value(self.request, response)
        elif not self._response.called:
            self._response.callback(response)

    def _fail(self, error: BaseException) -> None:
        """Pass an error to the service or to middleware, which makes the response."""
        self.close()
        if self._response is None:
            self.request.service.fail(self.request, error)
        elif not self._response.called:
            self._response.errback(error)

    def _wake_reader(self) -> None:
        """Resume the iteration over the body if it waits for a part."""
        waiter, self._new_part = self._new_part, None
        if waiter is not None and not waiter.called:
            waiter.callback(None)

    def _take(self) -> bytes:
        """Return all parts that have arrived, joined to one bytes object."""
        parts = self._parts
        count = len(parts)
        part = parts.popleft() if count == 1 else b"".join([parts.popleft() for _ in range(count)])
        self._taken += len(part)
        if self._room is not None and not self._is_full():
            self._room.set()
        return part
