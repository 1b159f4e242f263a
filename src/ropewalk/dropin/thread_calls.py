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


class ThreadCalls:
    """A queue of calls and of bytes to write, in order. `write` is given adjacent bytes."""

    __slots__ = ("_making", "_queue", "_reactor", "_woken", "_write")

    def __init__(self, write: Callable[[list[bytes]], None], reactor: Any) -> None:
        self._write = write
        self._reactor = reactor
        self._queue: deque[bytes | Call] = deque()
        self._making = False
        self._woken = False
        """The reactor has been woken for what is in the queue."""

    def add(self, call: bytes | Call) -> None:
        """Have the reactor's thread make a call, or write bytes. Any thread may call this."""
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
                if not isinstance(call, bytes):
                    call()
                    continue
                parts, size = [call], len(call)
                while left and size < JOINED and isinstance(part := queue[0], bytes):
                    del queue[0]
                    left -= 1
                    parts.append(part)
                    size += len(part)
                self._write(parts)
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
