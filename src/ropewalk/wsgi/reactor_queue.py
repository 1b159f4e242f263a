"""The way back to the reactor's thread: one wake for all that is posted until the reactor comes to it."""

from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol


class ReactorJob(Protocol):
    """What may be posted."""

    def run_in_reactor(self) -> None:
        """Called on the reactor's thread, once or more often for all that was posted until then. It must not raise."""


class ReactorQueue:
    """Leads to the event loop that is given, or to the running reactor where that has none."""

    def __init__(self, loop: AbstractEventLoop | None) -> None:
        self.loop = loop
        self._jobs: deque[ReactorJob] = deque()
        self._woken = False
        self._wake: Callable[[Callable[[], None]], object]
        if loop is not None:
            self._wake = loop.call_soon_threadsafe
        else:
            self._wake = _reactor().callFromThread

    def post(self, job: ReactorJob) -> None:
        """Have a job run in the reactor's thread. Any thread may call this."""
        self._jobs.append(job)
        if not self._woken:
            self._woken = True
            with suppress(RuntimeError):  # the loop is closed, and nobody waits any more
                self._wake(self._open)

    def _open(self) -> None:
        # In this order: what is posted from here on wakes us again.
        self._woken = False
        for _ in range(len(self._jobs)):
            self._jobs.popleft().run_in_reactor()


def _reactor() -> Any:
    from twisted.internet import reactor

    return reactor
