"""The threads that call a WSGI application: its own, or those of the reactor's pool. Threads are added while there is
work for them, up to a limit.

Waking a thread can cost as much as a job, and Python runs only one computing thread at a time. So at most one thread is
being woken at any time. When the woken thread runs, it checks whether another thread has taken a job since the wakeup.
If none has, the other threads are blocked, and the woken thread takes a job. Otherwise it checks again a little later.

A thread without work stays idle for a moment, because waking it costs less than starting a new one. Then it ends, so
threads need not be stopped. In a shared pool, a thread returns to the pool after some jobs, and at most half of the
threads may be idle, because other users of the pool need threads, too.
"""

import sys
from collections import deque
from collections.abc import Callable
from threading import Lock, Thread
from typing import Any, Final

from ropewalk.forks import observe_forks

THREADS: Final = 10
"""The number of threads if no reactor runs, for example in tests. By default, a reactor's pool has the same number."""
IDLE: Final = 0.1
"""Seconds that an idle thread waits for work before it ends."""
CHECK: Final = 0.0005
"""Seconds after which a woken thread checks again whether it is needed."""
SHARE: Final = 64
"""The number of jobs that a thread of a shared pool runs before it returns to the pool."""

Job = Callable[[], None]


class Threads:
    """Runs jobs on its own threads, of which there are at most `limit`."""

    share = sys.maxsize

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._reset()
        observe_forks(self)

    def after_fork_in_child(self) -> None:
        """In a forked child: forget the threads and jobs, which belong to the parent."""
        self._reset()

    def after_fork_in_parent(self) -> None:
        """In the parent: do nothing. The interface of fork observers requires this method."""

    def _reset(self) -> None:
        self._jobs: deque[Job] = deque()
        self._taken = 0
        """The number of jobs that threads have taken."""
        self._seen = 0
        """The value of `_taken` at the last wakeup, or when the woken thread last checked."""
        self._waking = False
        """Whether a thread has been woken and has not yet decided whether it is needed."""
        self._idle: list[Lock] = []
        """A lock for each idle thread. Releasing it wakes the thread."""
        self._count = 0
        self._count_lock = Lock()

    @property
    def limit(self) -> int:
        """The maximum number of threads that may run at the same time."""
        return self._limit

    @property
    def idle_limit(self) -> int:
        """The maximum number of threads that may be idle."""
        return self._limit

    @property
    def waiting(self) -> int:
        """The number of jobs that no thread has taken yet."""
        return len(self._jobs)

    @property
    def busy(self) -> int:
        """The number of threads that are not idle."""
        return self._count - len(self._idle)

    def submit(self, job: Job) -> None:
        """Run a job on the next free thread. The job must not raise exceptions.

        Raises RuntimeError if there is no thread and the system cannot start one.
        """
        self._jobs.append(job)
        if not self._waking:
            self._wake()

    def start(self, run: Job) -> None:
        """Run a function on a new daemon thread, which does not prevent the exit of the process."""
        Thread(target=run, name="ropewalk-wsgi", daemon=True).start()

    def _wake(self) -> None:
        """Wake an idle thread or start a new one, if the limit allows it."""
        self._waking = True
        self._seen = self._taken
        try:
            self._idle.pop().release()
        except IndexError:
            with self._count_lock:
                if self._count >= self.limit:
                    self._waking = False
                    return
                self._count += 1
            try:
                self.start(self._work)
            except RuntimeError:
                self._waking = False
                if not self._remove():
                    raise

    def _work(self) -> None:
        """Run jobs. Each thread runs this method."""
        wakeup = Lock()
        wakeup.acquire()
        self._wait_until_needed(wakeup)
        left = self.share
        while left:
            try:
                job = self._jobs.popleft()
            except IndexError:
                if self._wait_for_job(wakeup):
                    continue
                return
            self._taken += 1
            if self._jobs and not self._waking:
                self._wake()
            job()
            del job  # an idle thread must not keep the job alive
            left -= 1
        self.start(self._work)

    def _wait_until_needed(self, wakeup: Lock) -> None:
        """Wait as long as jobs are left and other threads take them."""
        while self._jobs and self._seen != self._taken and self.busy > 1:
            self._seen = self._taken
            wakeup.acquire(timeout=CHECK)  # a pause of CHECK seconds, because no other thread releases this lock now
        self._waking = False

    def _wait_for_job(self, wakeup: Lock) -> bool:
        """Wait for a job. Return whether there may be a job. If not, the thread is no longer counted, and must end."""
        # First become idle, then look for jobs. `submit` does the opposite: it appends the job, then looks for idle
        # threads. So no job is missed.
        self._idle.append(wakeup)
        self._waking = False  # so `submit` can wake this thread, even while a new thread still waits for the pool
        if not self._jobs and wakeup.acquire(timeout=IDLE if len(self._idle) <= self.idle_limit else 0):
            self._wait_until_needed(wakeup)
            return True
        try:
            self._idle.remove(wakeup)
        except ValueError:  # `_wake` has taken this lock in the meantime, and releases it
            wakeup.acquire()
            self._wait_until_needed(wakeup)
            return True
        if self._jobs:
            return True
        self._remove()
        if self._jobs:
            self._wake()
        return False

    def _remove(self) -> int:
        """Count one thread less, and return the number of threads."""
        with self._count_lock:
            self._count -= 1
            return self._count


class PoolThreads(Threads):
    """Runs jobs on the threads of a Twisted thread pool."""

    share = SHARE

    def __init__(self, pool: Any) -> None:
        super().__init__(0)
        self._pool = pool

    @property
    def limit(self) -> int:
        """The maximum number of threads that the pool may have."""
        return int(self._pool.max)

    @property
    def idle_limit(self) -> int:
        """Half of `limit`, because other users of the pool need threads, too."""
        return self.limit // 2

    def start(self, run: Job) -> None:
        """Run a function when the pool has a free thread."""
        self._pool.callInThread(run)


class ApplicationThreads:
    """Chooses the threads that call one application.

    If `limit` is a number, the application has its own threads, at most `limit`. If it is None, the application uses
    the threads of the reactor's pool, or at most THREADS threads of its own if no reactor runs.
    """

    def __init__(self, limit: int | None) -> None:
        self._uses_pool = limit is None
        self._own_threads = Threads(THREADS if limit is None else limit)
        self._pool: PoolThreads | None = None

    def choose(self) -> Threads:
        """The threads for the next call."""
        reactor: Any = sys.modules.get("twisted.internet.reactor") if self._uses_pool else None
        if not getattr(reactor, "running", False):
            return self._own_threads
        if self._pool is None:
            self._pool = PoolThreads(reactor.getThreadPool())
        return self._pool

    @property
    def busy(self) -> int:
        """The number of threads that run calls."""
        return self._own_threads.busy + (self._pool.busy if self._pool is not None else 0)
