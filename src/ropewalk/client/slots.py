"""`Slots`: limits the number of connections that calls use at the same time."""

from collections import deque
from collections.abc import Callable

from ropewalk.client.timer import Timer
from ropewalk.waiting import Waiter


class Slots:
    """A limited number of slots. Calls that find none wait in order."""

    def __init__(self, most: int) -> None:
        self._free = most
        self._waiting: deque[Waiter[None]] = deque()

    async def take(self, seconds: float | None, late: Callable[[], Exception]) -> None:
        """Wait for a free slot. Raises the exception that `late` makes if there is none within some seconds."""
        if self._free:
            self._free -= 1
            return
        waiter: Waiter[None] = Waiter()
        self._waiting.append(waiter)
        timer = Timer(seconds, lambda: None if waiter.called else waiter.errback(late()))
        try:
            await waiter
        except BaseException:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
            raise
        finally:
            timer.cancel()

    def release(self) -> None:
        """Give a slot back. The call that waits longest gets it."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.called:
                waiter.callback(None)
                return
        self._free += 1
