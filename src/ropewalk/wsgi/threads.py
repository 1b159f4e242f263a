"""Threads that run jobs: as many as there is work for, up to a limit.

A thread without work rests for a moment, because to wake it costs less than to start one, and then ends: nothing needs
to be stopped. In a pool that others use too, a thread goes back to the pool now and then, and few rest.
"""

import sys
from collections import deque
from collections.abc import Callable
from threading import Lock, Thread
from typing import Any, Final

REST: Final = 0.1
"""Seconds that a thread waits for more work before it ends."""
SHARE: Final = 64
"""Jobs that a thread of a shared pool runs before others have their turn."""

Job = Callable[[], None]


class Threads:
    """Runs jobs on threads of its own, at most `limit`."""

    share = sys.maxsize

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._jobs: deque[Job] = deque()
        self._resting: list[Lock] = []
        """A lock for each thread that rests. To release it is to wake the thread."""
        self._count = 0
        self._counting = Lock()

    @property
    def limit(self) -> int:
        """The most threads there are."""
        return self._limit

    @property
    def rest_limit(self) -> int:
        """How many may rest."""
        return self._limit

    @property
    def waiting(self) -> int:
        """Jobs that no thread has taken yet."""
        return len(self._jobs)

    def submit(self, job: Job) -> None:
        """Run a job, which must not raise, on the next thread that is free.

        Raises RuntimeError where there is none and the system cannot start one.
        """
        self._jobs.append(job)
        self._summon()

    def start(self, run: Job) -> None:
        """Run something on a new thread. It does not keep the process from ending."""
        Thread(target=run, name="ropewalk-wsgi", daemon=True).start()

    def _summon(self) -> None:
        """Have one more thread look for jobs, where there may be one more."""
        try:
            self._resting.pop().release()
        except IndexError:
            with self._counting:
                if self._count >= self.limit:
                    return
                self._count += 1
            self._start()

    def _start(self) -> None:
        try:
            self.start(self._work)
        except RuntimeError:
            with self._counting:
                self._count -= 1
                alone = not self._count
            if alone:
                raise

    def _work(self) -> None:
        """What a thread does."""
        bed = Lock()
        bed.acquire()
        left = self.share
        while left:
            try:
                job = self._jobs.popleft()
            except IndexError:
                if not self._rest(bed):
                    return
            else:
                job()
                del job  # a thread that rests holds nothing of it
                left -= 1
        self._start()

    def _rest(self, bed: Lock) -> bool:
        """Wait for work; whether there may be some. Else the thread is counted out, and has to end."""
        # Whoever submits looks for jobs first and for threads then, and we the other way round: one sees the other.
        self._resting.append(bed)
        if self._jobs:
            return self._get_up(bed) or bed.acquire()
        if bed.acquire(timeout=REST if len(self._resting) <= self.rest_limit else 0):
            return True
        if not self._get_up(bed):
            return bed.acquire()  # it is being woken just now
        with self._counting:
            self._count -= 1
        if self._jobs:
            self._summon()
        return False

    def _get_up(self, bed: Lock) -> bool:
        """Rest no longer; False where somebody has seen to that."""
        try:
            self._resting.remove(bed)
        except ValueError:
            return False
        return True


class PoolThreads(Threads):
    """Runs jobs on the threads of a pool of Twisted's."""

    share = SHARE

    def __init__(self, pool: Any) -> None:
        super().__init__(0)
        self._pool = pool

    @property
    def limit(self) -> int:
        """As many as the pool may have."""
        return int(self._pool.max)

    @property
    def rest_limit(self) -> int:
        """Half of them: others need some."""
        return self.limit // 2

    def start(self, run: Job) -> None:
        """Run something when the pool comes to it."""
        self._pool.callInThread(run)
