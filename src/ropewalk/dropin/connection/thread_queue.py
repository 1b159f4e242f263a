"""Calls that programs make in other threads than the reactor's, queued for the reactor's thread.

twisted.web may be called by the reactor's thread only, and yet programs write responses from threads, piece by piece.
One wakeup of the reactor serves all calls that are queued until it comes, and adjacent chunks are written as one.
"""

from collections import deque
from collections.abc import Callable
from functools import partial, wraps
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, ParamSpec

if TYPE_CHECKING:
    from ropewalk.dropin.connection.channel import HTTPChannel

JOINED: Final = 64 * 1024
"""Bytes after which no more chunks are joined."""

Parameters = ParamSpec("Parameters")

Call = Callable[[], None]
Chunk = tuple[Callable[[list[bytes]], None], bytes]
"""A function that writes, and the bytes to write. Adjacent chunks with the same function are joined."""

_creating: Final = Lock()
"""Held while the queue of a channel is created, because two threads may need it at once."""


class ThreadQueue:
    """A queue of calls and chunks, in order. A connection has one queue, so that no call overtakes another."""

    __slots__ = ("_queue", "_reactor", "_running", "_woken")

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._queue: deque[Call | Chunk] = deque()
        self._running = False
        self._woken = False
        """The reactor was woken for the current calls."""

    def add(self, call: Call | Chunk) -> None:
        """Have the reactor's thread make a call, or write a chunk. Any thread may call this."""
        self._queue.append(call)
        if not self._woken:  # read after queueing; `_run_woken` clears it before it reads the queue
            self._wake()

    def run(self) -> None:
        """Make the calls that are queued. Only the reactor's thread may call this."""
        if self._running:
            return
        self._running = True
        queue, left = self._queue, len(self._queue)  # a call that is added meanwhile wakes the reactor again
        try:
            while left:
                call = queue.popleft()
                left -= 1
                if not isinstance(call, tuple):
                    call()
                    continue
                write, chunk = call
                chunks, size = [chunk], len(chunk)
                while left and size < JOINED and isinstance(call := queue[0], tuple) and call[0] == write:
                    del queue[0]
                    left -= 1
                    chunks.append(call[1])
                    size += len(call[1])
                write(chunks)
        finally:
            self._running = False
            if left:  # a call has raised an exception
                self._wake()

    def _wake(self) -> None:
        self._woken = True
        self._reactor.callFromThread(self._run_woken)

    def _run_woken(self) -> None:
        self._woken = False
        self.run()


def queue_of(channel: "HTTPChannel") -> ThreadQueue:
    """Return the queue of a channel, which is created with its first call. Any thread may call this."""
    with _creating:
        queue = channel._thread_queue
        if queue is None:
            reactor = getattr(channel.factory, "reactor", None) or channel._factory_engine.reactor
            queue = channel._thread_queue = ThreadQueue(reactor)
        return queue


def in_reactor_thread(method: Callable[Parameters, None]) -> Callable[Parameters, None]:
    """Make the reactor's thread call a method of a transport, if another thread calls it.

    The call is queued with those of the channel. It calls exactly this method: a function that a program has set in its
    place was called before.
    """

    @wraps(method)
    def call(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        transport: Any = args[0]
        channel = transport._channel
        if channel.is_reactor_thread():
            method(*args, **kwargs)
        else:
            channel.call_in_reactor(partial(method, *args, **kwargs))

    return call
