"""`PhaseTimer`: the timeouts of a request's phases, for the transport on Twisted."""

from collections.abc import Callable

from ropewalk.client.timeouts import Timeouts
from ropewalk.client.timer import Timer


class PhaseTimer:
    """Times one phase of a request at a time. If a phase takes too long, the timer cancels the request."""

    def __init__(self, timeouts: Timeouts) -> None:
        self.timeouts = timeouts
        self.phase: str | None = None
        """The phase that is timed: "connect", "read" or "write"."""
        self.expired: str | None = None
        """The phase that took too long."""
        self._timer: Timer | None = None
        self._cancel: Callable[[], object] | None = None

    def begin(self, cancel: Callable[[], object], phase: str | None) -> None:
        """Set the function that cancels the request, and begin a phase."""
        self._cancel = cancel
        if phase is not None:
            self.start(phase)

    def start(self, phase: str) -> None:
        """End the current phase, and begin another one."""
        self.stop()
        self.phase = phase
        self._timer = Timer(getattr(self.timeouts, phase), self._expire)

    def stop(self) -> None:
        """End the current phase."""
        self.phase = None
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _expire(self) -> None:
        self.expired = self.phase
        self.phase = None
        if self._cancel is not None:
            self._cancel()
