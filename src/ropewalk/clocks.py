"""The time by which stores, tokens and timeouts go: that of the system, or of a test client.

Store code calls `monotonic` and `unix_time` in place of those of the module `time`, so that `Client.advance` moves it.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, Protocol


class Clock(Protocol):
    """A source of time in place of the system's."""

    def monotonic(self) -> float:
        """See the function of this name."""

    def unix_time(self) -> float:
        """See the function of this name."""

    def call_later(self, seconds: float, call: Callable[[], object]) -> Callable[[], object]:
        """Call after some seconds. Returns the function that cancels the call."""


CURRENT: Final[ContextVar[Clock | None]] = ContextVar("ropewalk_clock", default=None)
"""The clock of the test client that sent the request; None on a server."""


def monotonic() -> float:
    """Seconds since some moment. They never go back."""
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
