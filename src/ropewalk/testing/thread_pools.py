"""The thread pools of an idle reactor, which a reactor starts when it runs."""

import sys
from collections.abc import Callable, Iterator
from functools import partial
from threading import Thread
from typing import Any, ClassVar, Final

from twisted.python.threadpool import ThreadPool

END_TIMEOUT: Final = 1.0
"""Seconds to wait for threads to end. Threads are daemons: one may block when its client has left."""


class ThreadPools:
    """The thread pools of an idle reactor, while clients are in use. Uses are counted.

    - The reactor's own pool is started, and stopped at the end.
    - Pools that wait for the reactor to run are started, and stay so: those of `adbapi`, and a ThreadPool whose `start`
      was given to `callWhenRunning`. They are the program's, and it stops them. Their threads are daemons, so that a
      program that does not stop them can end.
    - `callWhenRunning` calls at once, as on a server.
    """

    _uses: "ClassVar[dict[int, int]]" = {}

    @classmethod
    def take(cls, reactor: Any) -> None:
        """Count a client that uses the reactor, and start the pools for the first one."""
        key = id(reactor)
        cls._uses[key] = cls._uses.get(key, 0) + 1
        pool: ThreadPool = reactor.getThreadPool()
        if not pool.started:
            pool.threadFactory = partial(Thread, daemon=True)  # type: ignore[assignment] # the pool only calls it
            pool.stop = partial(_stop, pool)  # type: ignore[method-assign] # the reactor calls it below
            pool.start()
        for start in tuple(_waiting(reactor)):
            _start_pool(start)
        reactor.callWhenRunning = _call_now

    @classmethod
    def release(cls, reactor: Any) -> None:
        """Count one client less, and stop the reactor's own pool after the last one."""
        key = id(reactor)
        cls._uses[key] -= 1
        if cls._uses[key]:
            return
        del cls._uses[key]
        del reactor.callWhenRunning
        pool = reactor.threadpool
        if pool is not None and not reactor.running and isinstance(pool.stop, partial):
            reactor._stopThreadPool()  # noqa: SLF001 - the reactor creates another on demand


def _call_now(function: Callable[..., Any], *args: Any, **keywords: Any) -> None:
    """`callWhenRunning` of a reactor that runs."""
    if args or keywords or not _start_pool(function):
        function(*args, **keywords)


def _waiting(reactor: Any) -> Iterator[Any]:
    """What the reactor calls when it runs."""
    event = reactor._eventTriggers.get("startup")  # noqa: SLF001 - it has no other name
    if event is not None:
        for function, args, keywords in event.after:
            if not (args or keywords):
                yield function


def _start_pool(start: Any) -> bool:
    """Start a pool by its bound method. Returns whether it is one."""
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
    """Stop a thread pool. The wait is limited: a thread of the pool may wait for this thread."""
    stopping = Thread(target=ThreadPool.stop, args=(pool,), name="ropewalk-testing-stop", daemon=True)
    stopping.start()
    stopping.join(END_TIMEOUT)
