"""Threads that run jobs: as many as there is work for, up to a limit.

To wake a thread costs as much as many a job, and of threads that compute Python lets one run at a time. So no more than
one is on its way at any time. When it arrives, it takes a job if nobody has taken one since it was called: the others
wait for something then. Else it looks again a little later.

A thread without work rests for a moment, because to wake it costs less than to start one, and then ends: nothing has to
be stopped. In a pool that others use too, a thread goes back to the pool now and then, and few rest.
"""

import sys
from collections import deque
from collections.abc import Callable
from threading import Lock, Thread
from typing import Any, Final

from ropewalk.forks import follow_forks

REST: Final = 0.1
"""Seconds that a thread waits for more work before it ends."""
LOOK: Final = 0.0005
"""Seconds after which a thread that was called looks again whether it is needed."""
SHARE: Final = 64
"""Jobs that a thread of a shared pool runs before others have their turn."""

Job = Callable[[], None]


class Threads:
    """Runs jobs on threads of its own, at most `limit`."""

    share = sys.maxsize

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._reset()
        follow_forks(self)

    def forked(self) -> None:
        """In a child, which has none of the threads. The jobs are the parent's."""
        self._reset()

    def has_forked(self) -> None:
        """In the parent: nothing has changed."""

    def _reset(self) -> None:
        self._jobs: deque[Job] = deque()
        self._taken = 0
        """Jobs that threads have taken."""
        self._seen = 0
        """What that was when the thread on its way was called, or looked last."""
        self._coming = False
        """Whether a thread is on its way."""
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

    @property
    def busy(self) -> int:
        """Threads that do not rest."""
        return self._count - len(self._resting)

    def submit(self, job: Job) -> None:
        """Run a job, which must not raise, on the next thread that is free.

        Raises RuntimeError where there is none and the system cannot start one.
        """
        self._jobs.append(job)
        if not self._coming:
            self._call()

    def start(self, run: Job) -> None:
        """Run something on a new thread. It does not keep the process from ending."""
        Thread(target=run, name="ropewalk-wsgi", daemon=True).start()

    def _call(self) -> None:
        """Have one more thread look for jobs, where there may be one more."""
        self._coming = True
        self._seen = self._taken
        try:
            self._resting.pop().release()
        except IndexError:
            with self._counting:
                if self._count >= self.limit:
                    self._coming = False
                    return
                self._count += 1
            try:
                self.start(self._work)
            except RuntimeError:
                self._coming = False
                if not self._leave():
                    raise

    def _work(self) -> None:
        """What a thread does."""
        bed = Lock()
        bed.acquire()
        self._arrive(bed)
        left = self.share
        while left:
            try:
                job = self._jobs.popleft()
            except IndexError:
                if self._rest(bed):
                    continue
                return
            self._taken += 1
            if self._jobs and not self._coming:
                self._call()
            job()
            del job  # a thread that rests holds nothing of it
            left -= 1
        self.start(self._work)

    def _arrive(self, bed: Lock) -> None:
        """Come back when this thread is needed, or none is."""
        while self._jobs and self._seen != self._taken and self.busy > 1:
            self._seen = self._taken
            bed.acquire(timeout=LOOK)  # nobody releases it
        self._coming = False

    def _rest(self, bed: Lock) -> bool:
        """Wait for work; whether there may be some. Else the thread is counted out, and has to end."""
        # Whoever submits puts the job there, and then looks for threads; we do it the other way round.
        self._resting.append(bed)
        self._coming = False  # one that was called may have to wait for a place in the pool
        if not self._jobs and bed.acquire(timeout=REST if len(self._resting) <= self.rest_limit else 0):
            self._arrive(bed)
            return True
        try:
            self._resting.remove(bed)
        except ValueError:  # somebody is waking it just now
            bed.acquire()
            self._arrive(bed)
            return True
        if self._jobs:
            return True
        self._leave()
        if self._jobs:
            self._call()
        return False

    def _leave(self) -> int:
        """One thread less; how many there are."""
        with self._counting:
            self._count -= 1
            return self._count


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
