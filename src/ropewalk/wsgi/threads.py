"""Threads that run jobs: as many as there is work for, up to a limit.

Waking a thread costs as much as many a job, and of threads that compute Python runs one at a time. So at most one
thread is being woken at any time. When it runs, it takes a job if no thread has taken one since the wakeup: the other
threads are blocked then. Else it checks again a little later.

A thread without work stays idle for a moment, because waking it costs less than starting one, and then ends, so nothing
has to be stopped. In a pool that is shared, a thread returns to the pool now and then, and few threads stay idle.
"""

import sys
from collections import deque
from collections.abc import Callable
from threading import Lock, Thread
from typing import Any, Final

from ropewalk.forks import observe_forks

IDLE: Final = 0.1
"""Seconds that a thread waits for more work before it ends."""
CHECK: Final = 0.0005
"""Seconds after which a thread that was woken checks again whether it is needed."""
SHARE: Final = 64
"""Jobs that a thread of a shared pool runs before it returns to the pool."""

Job = Callable[[], None]


class Threads:
    """Runs jobs on threads of its own, at most `limit`."""

    share = sys.maxsize

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._reset()
        observe_forks(self)

    def after_fork_in_child(self) -> None:
        """In a child process: forget the threads and jobs, which belong to the parent."""
        self._reset()

    def after_fork_in_parent(self) -> None:
        """Do nothing: the parent process has not changed."""

    def _reset(self) -> None:
        self._jobs: deque[Job] = deque()
        self._taken = 0
        """Jobs that threads have taken."""
        self._seen = 0
        """The value of `_taken` at the last wakeup, or when the woken thread last checked."""
        self._waking = False
        """Whether a thread was woken, and has not decided yet whether it is needed."""
        self._idle: list[Lock] = []
        """A lock for each idle thread. Releasing it wakes the thread."""
        self._count = 0
        self._count_lock = Lock()

    @property
    def limit(self) -> int:
        """The most threads there are."""
        return self._limit

    @property
    def idle_limit(self) -> int:
        """The most threads that may be idle."""
        return self._limit

    @property
    def waiting(self) -> int:
        """Jobs that no thread has taken yet."""
        return len(self._jobs)

    @property
    def busy(self) -> int:
        """Threads that are not idle."""
        return self._count - len(self._idle)

    def submit(self, job: Job) -> None:
        """Run a job, which must not raise, on the next free thread.

        Raises RuntimeError if there is none and the system cannot start one.
        """
        self._jobs.append(job)
        if not self._waking:
            self._wake()

    def start(self, run: Job) -> None:
        """Run a function on a new thread, a daemon: it does not keep the process from ending."""
        Thread(target=run, name="ropewalk-wsgi", daemon=True).start()

    def _wake(self) -> None:
        """Have one more thread look for jobs, if the limit allows it."""
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
        """Run jobs. This is the function of each thread."""
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
            del job  # an idle thread must not keep it alive
            left -= 1
        self.start(self._work)

    def _wait_until_needed(self, wakeup: Lock) -> None:
        """Wait as long as jobs are left and other threads take them."""
        while self._jobs and self._seen != self._taken and self.busy > 1:
            self._seen = self._taken
            wakeup.acquire(timeout=CHECK)  # used as a sleep: the lock is not released
        self._waking = False

    def _wait_for_job(self, wakeup: Lock) -> bool:
        """Wait for a job. Returns whether there may be one; if not, the thread no longer counts, and has to end."""
        # `submit` appends the job and then looks for idle threads. This is the other order, so no job is missed.
        self._idle.append(wakeup)
        self._waking = False  # a woken thread may have to wait for its turn in the pool
        if not self._jobs and wakeup.acquire(timeout=IDLE if len(self._idle) <= self.idle_limit else 0):
            self._wait_until_needed(wakeup)
            return True
        try:
            self._idle.remove(wakeup)
        except ValueError:  # `_wake` has taken this lock meanwhile
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
        """Count one thread less. Returns how many there are."""
        with self._count_lock:
            self._count -= 1
            return self._count


class PoolThreads(Threads):
    """Runs jobs on the threads of a thread pool of Twisted."""

    share = SHARE

    def __init__(self, pool: Any) -> None:
        super().__init__(0)
        self._pool = pool

    @property
    def limit(self) -> int:
        """The most threads that the pool may have."""
        return int(self._pool.max)

    @property
    def idle_limit(self) -> int:
        """Half of them: other users of the pool need some."""
        return self.limit // 2

    def start(self, run: Job) -> None:
        """Run a function when the pool has a free thread."""
        self._pool.callInThread(run)
