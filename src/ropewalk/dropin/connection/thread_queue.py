"""Queues calls from other threads for the reactor's thread.

Only the reactor's thread may call twisted.web, but programs nevertheless write responses from other threads, in small
pieces. So one wakeup of the reactor serves all calls that are queued until it runs, and adjacent chunks are joined.
"""

from collections import deque
from collections.abc import Callable
from functools import partial, wraps
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, ParamSpec

if TYPE_CHECKING:
    from ropewalk.dropin.connection.channel import HTTPChannel

JOINED: Final = 64 * 1024
"""Chunks are joined until they have at least this many bytes."""

Parameters = ParamSpec("Parameters")

Call = Callable[[], None]
Chunk = tuple[Callable[[list[bytes]], None], bytes]
"""A function that writes, and the bytes to write. Adjacent chunks with the same function are joined."""

_creating: Final = Lock()
"""Held while the queue of a channel is created, because two threads may need the queue at the same time."""


class ThreadQueue:
    """A queue of calls and chunks, in order. A connection has one queue, so that no call overtakes another."""

    __slots__ = ("_queue", "_reactor", "_running", "_woken")

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._queue: deque[Call | Chunk] = deque()
        self._running = False
        self._woken = False
        """Whether the reactor was woken for the queued calls."""

    def add(self, call: Call | Chunk) -> None:
        """Queue a call, or a chunk to write, for the reactor's thread. Any thread may call this."""
        self._queue.append(call)
        if not self._woken:  # read after the call is queued. `_run_woken` clears it first, so no call is missed
            self._wake()

    def run(self) -> None:
        """Make the queued calls. Only the reactor's thread may call this."""
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
            if left:  # a call has raised an exception, so make the rest of the calls later
                self._wake()

    def _wake(self) -> None:
        self._woken = True
        self._reactor.callFromThread(self._run_woken)

    def _run_woken(self) -> None:
        self._woken = False
        self.run()


def queue_of(channel: "HTTPChannel") -> ThreadQueue:
    """Return the queue of a channel. Create it if there is none. Any thread may call this."""
    with _creating:
        queue = channel._thread_queue
        if queue is None:
            reactor = getattr(channel.factory, "reactor", None) or channel._factory_engine.reactor
            queue = channel._thread_queue = ThreadQueue(reactor)
        return queue


def in_reactor_thread(method: Callable[Parameters, None]) -> Callable[Parameters, None]:
    """A decorator: if another thread calls a method of a transport, the reactor's thread executes the method.

    The call is put into the channel's queue. The reactor's thread calls this method directly, without looking it up on
    the transport: if a program has replaced the method, the other thread has already called the replacement.
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
