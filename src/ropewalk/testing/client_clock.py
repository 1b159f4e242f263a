"""The clock of a test client: the system's time, which `advance` moves forward, or the time of a Twisted Clock."""

import time
from collections.abc import Callable
from contextvars import Context, copy_context
from heapq import heappop, heappush
from itertools import count
from math import isfinite
from typing import Any

from ropewalk.errors import full_name, shown
from ropewalk.waiting import Waiter, call_later_in_real_time, ready


class ClientClock:
    """The time that handlers see in requests of test clients.

    Clients may share a clock: `Client(app, clock=other.clock)`.

    By default it is the system's time, which `advance` moves forward. With `source`, a `twisted.internet.task.Clock`,
    time passes only when `advance` is called. Raises TypeError for a source without `seconds` and `callLater`.
    """

    def __init__(self, source: Any = None) -> None:
        if source is not None and not all(callable(getattr(source, name, None)) for name in ("seconds", "callLater")):
            what = f"clock is {shown(source)}, of type {full_name(type(source))}."
            raise TypeError(f"{what} Give a twisted.internet.task.Clock, or the clock of another client.")
        self._source = source
        self._first = 0.0 if source is None else source.seconds()
        self._monotonic = time.monotonic()
        self._unix = time.time()
        self._shift = 0.0
        self._calls: list[tuple[float, int, _Call]] = []
        """A heap of planned calls by their times."""
        self._count = count()
        self.dropped: list[Exception] = []
        """The errors of operations that no code has awaited."""
        self._operations = 0
        """The number of running operations. A client waits for their end."""
        self._settled: list[Waiter[None]] = []

    def __repr__(self) -> str:
        return f"<ClientClock, advanced by {self.advanced:g} s>"

    @property
    def advanced(self) -> float:
        """The sum of the seconds that were passed to `advance`."""
        return self._shift if self._source is None else self._source.seconds() - self._first

    def monotonic(self) -> float:
        """This clock's value for `ropewalk.clocks.monotonic`."""
        return (time.monotonic() if self._source is None else self._monotonic) + self.advanced

    def unix_time(self) -> float:
        """This clock's value for `ropewalk.clocks.unix_time`."""
        return (time.time() if self._source is None else self._unix) + self.advanced

    def advance(self, seconds: float) -> None:
        """Move the time forward, and make the calls that become due.

        Raises ValueError for a number below 0, and TypeError if `source` has no `advance`.
        """
        given: object = seconds
        if isinstance(given, bool) or not isinstance(given, int | float) or not (isfinite(given) and given >= 0):
            raise ValueError(f"A clock can be advanced by 0 or more seconds, not by {shown(seconds)}.")
        if self._source is not None:
            advance = getattr(self._source, "advance", None)
            if advance is None:
                raise TypeError(f"{full_name(type(self._source))} has no `advance`. Advance it with its own methods.")
            advance(seconds)
            return
        self._shift += seconds
        while self._calls and self._calls[0][0] <= self.monotonic():
            heappop(self._calls)[2].make()

    def note_dropped(self, error: Exception) -> None:
        """Record the failure of an operation that no code has awaited."""
        self.dropped.append(error)

    def begin_operation(self) -> Callable[[], None]:
        """Record that an operation begins. Returns a function to call at its end."""
        self._operations += 1

        def end() -> None:
            self._operations -= 1
            while self._settled and not self._operations:
                self._settled.pop().callback(None)

        return end

    def operations_ended(self) -> Waiter[None]:
        """A Waiter for the end of all operations."""
        if not self._operations:
            return ready(None)
        waiter: Waiter[None] = Waiter()
        self._settled.append(waiter)
        return waiter

    def call_later(self, seconds: float, call: Callable[[], object]) -> Callable[[], object]:
        """Plan a call on this clock, as `ropewalk.clocks.Clock.call_later` does. Return a function that cancels the
        call."""
        if self._source is not None:
            cancel: Callable[[], object] = self._source.callLater(seconds, copy_context().run, call).cancel
            return cancel
        planned = _Call(seconds, call)
        heappush(self._calls, (self.monotonic() + seconds, next(self._count), planned))
        return planned.cancel


class _Call:
    """A planned call. The call is made after the real time has passed, or earlier if `advance` moves the clock
    forward."""

    __slots__ = ("_call", "_cancel_timer", "_context")

    def __init__(self, seconds: float, call: Callable[[], object]) -> None:
        self._call: Callable[[], object] | None = call
        self._context: Context = copy_context()
        self._cancel_timer = call_later_in_real_time(seconds, self._expire)

    def make(self) -> None:
        """Make the call now, unless it was already made or cancelled."""
        if self._call is not None:
            self._cancel_timer()
            self._expire()

    def cancel(self) -> None:
        """Cancel the planned call."""
        if self._call is not None:
            self._call = None
            self._cancel_timer()

    def _expire(self) -> None:
        call, self._call = self._call, None
        if call is not None:
            self._context.run(call)
