"""A queue from threads to the reactor's thread.

All jobs that are posted before the reactor runs them cause one wakeup.
"""

from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol


class ReactorJob(Protocol):
    """An object that may be posted to the queue."""

    def run_in_reactor(self) -> None:
        """Called in the reactor's thread, at least once after each `post`. It must not raise exceptions."""


class ReactorQueue:
    """Runs jobs in an event loop, or in the running reactor if there is no loop."""

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
        """Queue a job to be run in the reactor's thread. Any thread may call this."""
        self._jobs.append(job)
        if not self._woken:
            self._woken = True
            with suppress(RuntimeError):  # the loop is closed, so the job is no longer needed
                self._wake(self._run)

    def _run(self) -> None:
        self._woken = False  # reset before the jobs are counted, so that a later `post` wakes the reactor
        for _ in range(len(self._jobs)):
            self._jobs.popleft().run_in_reactor()


def _reactor() -> Any:
    from twisted.internet import reactor

    return reactor
