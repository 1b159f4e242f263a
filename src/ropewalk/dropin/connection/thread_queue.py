"""Calls that programs make in other threads than the reactor's, which makes them in their place.

twisted.web may be called by the reactor's thread only, and yet programs write responses piece by piece from threads.
One wake of the reactor serves all that was said until it comes, and adjacent pieces are written as one.
"""

from collections import deque
from collections.abc import Callable
from typing import Any, Final

JOINED: Final = 64 * 1024
"""Bytes of pieces after which no more are joined to them."""

Call = Callable[[], None]
Chunk = tuple[Callable[[list[bytes]], None], bytes]
"""What writes, and what is to be written. Adjacent pieces of one writer are given to it in one call."""


class ThreadQueue:
    """A queue of calls and of pieces to write, in order. One connection has one, so that nothing overtakes."""

    __slots__ = ("_making", "_queue", "_reactor", "_woken")

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._queue: deque[Call | Chunk] = deque()
        self._making = False
        self._woken = False
        """The reactor has been woken for what is in the queue."""

    def add(self, call: Call | Chunk) -> None:
        """Have the reactor's thread make a call, or write a piece. Any thread may call this."""
        self._queue.append(call)
        if not self._woken:  # read after queueing, and cleared before the queue is read
            self._wake()

    def make(self) -> None:
        """Make the calls that wait. To be called by the reactor's thread."""
        if self._making:
            return
        self._making = True
        queue, left = self._queue, len(self._queue)  # what is added meanwhile wakes the reactor again
        try:
            while left:
                call = queue.popleft()
                left -= 1
                if not isinstance(call, tuple):
                    call()
                    continue
                write, part = call
                parts, size = [part], len(part)
                while left and size < JOINED and isinstance(call := queue[0], tuple) and call[0] == write:
                    del queue[0]
                    left -= 1
                    parts.append(call[1])
                    size += len(call[1])
                write(parts)
        finally:
            self._making = False
            if left:  # something has failed
                self._wake()

    def _wake(self) -> None:
        self._woken = True
        self._reactor.callFromThread(self._come)

    def _come(self) -> None:
        self._woken = False
        self.make()
