"""The clock of stores, tokens and timeouts: the system's clock, or the clock of a test client.

Stores, tokens and timeouts call `monotonic` and `unix_time` of this module instead of the functions in `time`, so that
a test can change the time with `Client.advance`.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, Protocol


class Clock(Protocol):
    """A clock that replaces the system's clock."""

    def monotonic(self) -> float:
        """Return seconds since some moment. The value never decreases."""

    def unix_time(self) -> float:
        """Return seconds since 1970."""

    def call_later(self, seconds: float, call: Callable[[], object]) -> Callable[[], object]:
        """Call a function after some seconds. Returns another function, which cancels the call."""


CURRENT: Final[ContextVar[Clock | None]] = ContextVar("ropewalk_clock", default=None)
"""The clock of the test client that sent the request; None on a server."""


def monotonic() -> float:
    """Seconds since some moment. The value never decreases."""
    clock = CURRENT.get()
    return time.monotonic() if clock is None else clock.monotonic()


def unix_time() -> float:
    """Seconds since 1970."""
    clock = CURRENT.get()
    return time.time() if clock is None else clock.unix_time()


@contextmanager
def using(clock: Clock) -> Iterator[None]:
    """Use a clock in the block, and in the tasks that are started there."""
    token = CURRENT.set(clock)
    try:
        yield
    finally:
        CURRENT.reset(token)
