"""Start the thread pools of an idle reactor, because a reactor starts them only when it runs."""

import sys
from collections.abc import Callable, Iterator
from functools import partial
from threading import Thread
from typing import Any, ClassVar, Final

from twisted.python.threadpool import ThreadPool

END_TIMEOUT: Final = 1.0
"""Seconds to wait for threads to end. The threads are daemons, because a thread may still be blocked after its client
is closed."""


class ThreadPools:
    """The thread pools of an idle reactor while clients use it. Call `release` once for each call of `take`.

    - The reactor's own pool is started, and stopped at the end.
    - Pools that wait until the reactor runs are started: the pools of `adbapi`, and a ThreadPool whose `start` was
      passed to `callWhenRunning`. They keep running, because they belong to application code, which must stop them.
      Their threads are daemons, so that the process can exit even if the pools are not stopped.
    - `callWhenRunning` calls its function at once, as in a running reactor.
    """

    _uses: "ClassVar[dict[int, int]]" = {}

    @classmethod
    def take(cls, reactor: Any) -> None:
        """Count one more client that uses the reactor, and start the pools for the first client."""
        key = id(reactor)
        cls._uses[key] = cls._uses.get(key, 0) + 1
        pool: ThreadPool = reactor.getThreadPool()
        if not pool.started:
            pool.threadFactory = partial(Thread, daemon=True)  # type: ignore[assignment] # the pool only calls it
            pool.stop = partial(_stop, pool)  # type: ignore[method-assign] # `_stopThreadPool`, called below, calls it
            pool.start()
        for start in tuple(_waiting(reactor)):
            _start_pool(start)
        reactor.callWhenRunning = _call_now

    @classmethod
    def release(cls, reactor: Any) -> None:
        """Count one client less. After the last client, stop the reactor's own pool."""
        key = id(reactor)
        cls._uses[key] -= 1
        if cls._uses[key]:
            return
        del cls._uses[key]
        del reactor.callWhenRunning
        pool = reactor.threadpool
        if pool is not None and not reactor.running and isinstance(pool.stop, partial):
            reactor._stopThreadPool()  # noqa: SLF001 - the reactor creates a new pool on demand


def _call_now(function: Callable[..., Any], *args: Any, **keywords: Any) -> None:
    """Replace `callWhenRunning`: call the function at once, as a running reactor does."""
    if args or keywords or not _start_pool(function):
        function(*args, **keywords)


def _waiting(reactor: Any) -> Iterator[Any]:
    """Yield the functions that were passed to `callWhenRunning` without arguments and wait for the reactor to run."""
    event = reactor._eventTriggers.get("startup")  # noqa: SLF001 - there is no public name
    if event is not None:
        for function, args, keywords in event.after:
            if not (args or keywords):
                yield function


def _start_pool(start: Any) -> bool:
    """If a function is the `start` method of a thread pool, start the pool. Return whether it is such a method."""
    owner = getattr(start, "__self__", None)
    module = sys.modules.get("twisted.enterprise.adbapi")
    if module is not None and isinstance(owner, module.ConnectionPool):
        pool = owner.threadpool
    elif isinstance(owner, ThreadPool) and start == owner.start:
        pool = owner
    else:
        return False
    if not pool.started and not pool.joined:
        pool.threadFactory = partial(Thread, daemon=True)
        owner.start()
    return True


def _stop(pool: ThreadPool) -> None:
    """Stop a thread pool. The time for which this waits is limited, because a thread of the pool may itself wait for
    the current thread."""
    stopping = Thread(target=ThreadPool.stop, args=(pool,), name="ropewalk-testing-stop", daemon=True)
    stopping.start()
    stopping.join(END_TIMEOUT)
