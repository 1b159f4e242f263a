"""A value from an identity provider: fetched in a thread, kept, and fetched again when it may have changed."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, Protocol, TypeVar

from twisted.internet.defer import TimeoutError as WaitTimeout
from twisted.logger import Logger
from twisted.python.failure import Failure

from ropewalk.clocks import monotonic
from ropewalk.errors import HTTPError, visible
from ropewalk.thread_calls import call_in_thread
from ropewalk.tracebacks import shown_failure
from ropewalk.waiting import Waiter, ready

Value = TypeVar("Value")
log = Logger(namespace="ropewalk.auth")


class Refreshing(Protocol):
    """The URL of a value, and how often it is fetched. Times are in seconds."""

    @property
    def url(self) -> str: ...
    @property
    def refresh_interval(self) -> float: ...
    @property
    def minimum_interval(self) -> float: ...
    @property
    def longest_use(self) -> float: ...
    @property
    def timeout(self) -> float: ...


class Refreshed(Generic[Value]):
    """The value at a URL. At most one fetch runs, and all requests that need its result wait for it.

    `load` fetches the value, in a thread. If there is no usable value, it raises ValueError with the reason as text.
    """

    def __init__(
        self, options: Refreshing, code: str, load: Callable[[], Value], clock: Callable[[], float] = monotonic
    ) -> None:
        self._options = options
        self._code = code
        """The error code in logged warnings."""
        self._load = load
        self._clock = clock
        self._value: Value | None = None
        self._fetched_at: float | None = None
        self._tried_at: float | None = None
        self._waiting: list[Waiter[None]] | None = None
        """The waiters for the running fetch; None if no fetch runs."""

    async def current(self) -> Value:
        """The value. An old value is returned while a new one is fetched.

        Raises HTTPError 503 if there is no usable value, and it cannot be fetched.
        """
        if not self._usable():
            await self.refreshed()
        elif self._age() > self._options.refresh_interval and self._may_fetch():
            self._start()
        if self._value is None or not self._usable():
            raise HTTPError(503, None, {"retry-after": str(max(1, round(self._options.minimum_interval)))})
        return self._value

    async def refreshed(self) -> bool:
        """Fetch the value, unless the last fetch began less than `minimum_interval` ago.

        Returns whether there was a fetch to wait for. The wait is no longer than the timeout, even if no thread is
        free.
        """
        from twisted.internet import reactor

        if self._waiting is None:
            if not self._may_fetch():
                return False
            self._start()
        with suppress(WaitTimeout):
            await self._ended().addTimeout(self._options.timeout, reactor)
        return True

    def _usable(self) -> bool:
        return self._fetched_at is not None and self._age() <= self._options.longest_use

    def _age(self) -> float:
        return self._clock() - (self._fetched_at or 0.0)

    def _may_fetch(self) -> bool:
        """Whether no fetch runs, and the last one began at least `minimum_interval` ago."""
        if self._waiting is not None:
            return False
        return self._tried_at is None or self._clock() - self._tried_at >= self._options.minimum_interval

    def _start(self) -> None:
        self._tried_at = self._clock()
        self._waiting = []
        call_in_thread(self._load).addCallbacks(self._arrived, self._failed).addBoth(self._fire)

    def _ended(self) -> Any:
        if self._waiting is None:
            return ready(None)
        waiter: Waiter[None] = Waiter()
        self._waiting.append(waiter)
        return waiter

    def _arrived(self, value: Value) -> None:
        self._value = value
        self._fetched_at = self._clock()

    def _failed(self, failure: Failure) -> None:
        url = visible(self._options.url)
        if failure.check(ValueError):
            why = visible(failure.getErrorMessage())
            log.warn("{code} {url}: {why}", code=self._code, url=url, why=why)
        else:
            log.failure("{code} {url}", shown_failure(failure.value), code=self._code, url=url)

    def _fire(self, _: Any) -> None:
        waiting, self._waiting = self._waiting or [], None
        for each in waiting:
            if not each.called:
                each.callback(None)
