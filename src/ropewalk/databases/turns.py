"""`Turns`: gives each connection to one caller at a time, in the order in which callers wait."""

from collections import deque
from collections.abc import Sequence

from ropewalk.databases.busy import DatabaseBusy
from ropewalk.databases.connection_thread import ConnectionThread
from ropewalk.waiting import Waiter, call_later_in_real_time


class Turns:
    """The free connections, and the callers that wait for a connection.

    At most `most` callers wait, without a thread.
    """

    def __init__(self, name: str, threads: Sequence[ConnectionThread], most: int) -> None:
        self._name = name
        self._free = deque(threads)
        self._most = most
        self._waiting: dict[_Turn, None] = {}

    async def take(self, seconds: float) -> ConnectionThread:
        """Return a free connection. Raises DatabaseBusy after `seconds`, or if too many callers wait."""
        if self._free:
            return self._free.pop()  # the connection that was used last, so that few of them are opened
        if len(self._waiting) >= self._most:
            raise DatabaseBusy(f"{len(self._waiting)} requests wait {self._name}.")
        turn = _Turn()
        self._waiting[turn] = None
        cancel_timer = call_later_in_real_time(seconds, lambda: self._expire(turn, seconds))
        try:
            await turn.waiter
        except BaseException:
            self._waiting.pop(turn, None)
            if turn.granted is not None:  # the wait was cancelled just after a connection was granted
                self.give_back(turn.granted)
            raise
        finally:
            if not turn.has_expired:
                cancel_timer()
        assert turn.granted is not None
        return turn.granted

    def give_back(self, thread: ConnectionThread) -> None:
        """Give a connection to the caller that has waited longest."""
        if not self._waiting:
            self._free.append(thread)
            return
        turn = next(iter(self._waiting))
        del self._waiting[turn]
        turn.granted = thread
        turn.waiter.callback(None)

    def _expire(self, turn: "_Turn", seconds: float) -> None:
        turn.has_expired = True
        if turn in self._waiting:
            del self._waiting[turn]
            turn.waiter.errback(DatabaseBusy(f"a request waited {seconds:g} s {self._name}."))


class _Turn:
    """A caller that waits for a connection."""

    def __init__(self) -> None:
        self.waiter: Waiter[None] = Waiter()
        self.granted: ConnectionThread | None = None
        self.has_expired = False
