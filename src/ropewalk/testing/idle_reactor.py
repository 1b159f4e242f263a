"""Twisted's reactor under a client: where nothing runs it, the event loop that runs the client does.

| the installed reactor | what is done while a client is in use |
|---|---|
| none, until a handler imports one | it is looked for at every tick, then as below |
| one that runs | nothing: under trial, for instance |
| asyncio's, on the loop of the client | its thread pool is started |
| asyncio's, on another loop | the same, and the reactor works on the client's loop for the time |
| another | the same, and the loop has it do an iteration when it is woken, and at every tick |

So timers, threads, calls from threads and Twisted's own connections work in handlers and hooks. Afterwards the pool is
stopped, and nothing is left in the loop. Clients may be in use side by side; the reactor is let go of after the last.
"""

import sys
from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Callable
from functools import partial
from threading import Thread
from typing import Any, Final

from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.python.threadable import isInIOThread
from twisted.python.threadpool import ThreadPool

TICK: Final = 0.01
"""Seconds after which a reactor of another kind has an iteration, for timers that nothing else tells of."""

PATIENCE: Final = 1.0
"""Seconds to wait for threads to end. One that goes on, as it may when a client has left, is a daemon."""


def installed() -> Any:
    """The installed reactor, or None."""
    reactor = sys.modules.get("twisted.internet.reactor")
    return reactor if hasattr(reactor, "callLater") else None  # it may be half imported


def runs_elsewhere() -> bool:
    """Whether the reactor runs, but not where this is called: what a handler waits for may fire in another thread."""
    reactor = installed()
    return reactor is not None and reactor.running and not isInIOThread()


class Hold:
    """The use of the reactor by one loop. Uses are counted: `release` as often as `take`."""

    _of_loops: "dict[AbstractEventLoop, Hold]" = {}

    def __init__(self, loop: AbstractEventLoop) -> None:
        self._loop = loop
        self._count = 0
        self._detach: list[Callable[[], object]] = []
        self._reactor: Any = None
        self._timer: TimerHandle | None = None

    @classmethod
    def of(cls, loop: AbstractEventLoop) -> "Hold":
        """That of a loop, taken."""
        hold = cls._of_loops.get(loop)
        if hold is None:
            hold = cls._of_loops[loop] = cls(loop)
        hold._take()
        return hold

    def release(self) -> None:
        """Let go of the reactor, if this was the last use."""
        self._count -= 1
        if self._count:
            return
        del self._of_loops[self._loop]
        if self._timer is not None:
            self._timer.cancel()
        self._reactor = None
        while self._detach:
            self._detach.pop()()

    def _take(self) -> None:
        self._count += 1
        if self._count == 1:
            self._tick()

    def _tick(self) -> None:
        """Look for a reactor, and have it do an iteration where it needs that."""
        if self._reactor is None:
            self._attach()
        if self._reactor is None or not isinstance(self._reactor, AsyncioSelectorReactor):
            self._timer = self._loop.call_later(TICK, self._tick)
            self._turn()

    def _turn(self) -> None:
        if self._reactor is not None:
            type(self._reactor).iterate(self._reactor, 0)  # trial has put a warning in the place of the method

    def _attach(self) -> None:
        reactor = installed()
        if reactor is None or reactor.running:
            return
        self._reactor = reactor
        _Pool.take(reactor)
        self._detach.append(partial(_Pool.release, reactor))
        if isinstance(reactor, AsyncioSelectorReactor):
            former = reactor._asyncioEventloop  # noqa: SLF001 - it has no other name
            if former is not self._loop:
                _move(reactor, self._loop)
                self._detach.append(partial(_move, reactor, former))
            return
        descriptor = _descriptor(reactor)
        if descriptor is not None:
            self._loop.add_reader(descriptor, self._turn)
            self._detach.append(partial(self._loop.remove_reader, descriptor))


class _Pool:
    """The thread pool of a reactor that does not run, while clients are in use."""

    _uses: "dict[int, int]" = {}

    @classmethod
    def take(cls, reactor: Any) -> None:
        key = id(reactor)
        cls._uses[key] = cls._uses.get(key, 0) + 1
        pool: ThreadPool = reactor.getThreadPool()
        if not pool.started:
            pool.threadFactory = partial(Thread, daemon=True)  # type: ignore[assignment] # it is called, no more
            pool.stop = partial(_stop, pool)  # type: ignore[method-assign] # the reactor calls it below
            pool.start()

    @classmethod
    def release(cls, reactor: Any) -> None:
        key = id(reactor)
        cls._uses[key] -= 1
        if cls._uses[key]:
            return
        del cls._uses[key]
        pool = reactor.threadpool
        if pool is not None and not reactor.running and isinstance(pool.stop, partial):
            reactor._stopThreadPool()  # noqa: SLF001 - the reactor makes another when it is asked for one


def _stop(pool: ThreadPool) -> None:
    """Stop a thread pool. A thread may be waiting for this one, so its end is not waited for without limit."""
    stopping = Thread(target=ThreadPool.stop, args=(pool,), name="ropewalk-testing-stop", daemon=True)
    stopping.start()
    stopping.join(PATIENCE)


def _move(reactor: Any, loop: AbstractEventLoop) -> None:
    """Have an asyncio reactor that does not run work on another loop, with the timers that it has."""
    if reactor._timerHandle is not None:  # noqa: SLF001 - what AsyncioSelectorReactor keeps of its loop
        reactor._timerHandle.cancel()  # noqa: SLF001 - as above
    reactor._timerHandle = reactor._scheduledAt = None  # noqa: SLF001 - as above
    reactor._asyncioEventloop = loop  # noqa: SLF001 - as above
    if not loop.is_closed():
        reactor._reschedule()  # noqa: SLF001 - as above


def _descriptor(reactor: Any) -> int | None:
    """What is readable when a reactor has something to do: its poller, else what its threads wake it by."""
    for source in (getattr(reactor, "_poller", None), getattr(reactor, "waker", None)):
        fileno = getattr(source, "fileno", None)
        if fileno is not None:
            return int(fileno())
    return None
