"""`ConnectionQueue`: gives each connection to one caller at a time, in the order in which callers wait."""

from collections import deque
from collections.abc import Sequence

from ropewalk.databases.busy import DatabaseBusy
from ropewalk.databases.connection_thread import ConnectionThread
from ropewalk.waiting import Waiter, call_later_in_real_time


class ConnectionQueue:
    """The free connections, and the callers that wait for a connection.

    At most `most` callers wait. A waiting caller uses no thread.
    """

    def __init__(self, name: str, threads: Sequence[ConnectionThread], most: int) -> None:
        self._name = name
        self._free = deque(threads)
        self._most = most
        self._waiting: dict[_Wait, None] = {}

    async def take(self, seconds: float) -> ConnectionThread:
        """Return a free connection. Raises DatabaseBusy after `seconds`, or if too many callers wait."""
        if self._free:
            return self._free.pop()  # the connection that was used last, so that few connections are opened
        if len(self._waiting) >= self._most:
            raise DatabaseBusy(f"{len(self._waiting)} requests wait {self._name}.")
        wait = _Wait()
        self._waiting[wait] = None
        cancel_timer = call_later_in_real_time(seconds, lambda: self._expire(wait, seconds))
        try:
            await wait.waiter
        except BaseException:
            self._waiting.pop(wait, None)
            if wait.granted is not None:  # the wait was cancelled just after a connection was granted
                self.give_back(wait.granted)
            raise
        finally:
            if not wait.has_expired:
                cancel_timer()
        assert wait.granted is not None
        return wait.granted

    def give_back(self, thread: ConnectionThread) -> None:
        """Give a connection to the caller that has waited longest. If no caller waits, the connection becomes free."""
        if not self._waiting:
            self._free.append(thread)
            return
        wait = next(iter(self._waiting))
        del self._waiting[wait]
        wait.granted = thread
        wait.waiter.callback(None)

    def _expire(self, wait: "_Wait", seconds: float) -> None:
        wait.has_expired = True
        if wait in self._waiting:
            del self._waiting[wait]
            wait.waiter.errback(DatabaseBusy(f"a request waited {seconds:g} s {self._name}."))


class _Wait:
    """A caller that waits for a connection."""

    def __init__(self) -> None:
        self.waiter: Waiter[None] = Waiter()
        self.granted: ConnectionThread | None = None
        self.has_expired = False
