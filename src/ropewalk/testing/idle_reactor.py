"""Twisted's reactor under a client: where nothing runs it, the event loop that runs the client does.

| the installed reactor | what is done while a client is in use |
|---|---|
| none, until a handler imports one | it is looked for at every tick, then as below |
| one that runs | nothing: under trial, for instance |
| asyncio's, on the loop of the client | its thread pool is started |
| asyncio's, on another loop | the same, and the reactor works on the client's loop for the time |
| another | the same, and the loop has it do an iteration when it is woken, and at every tick |

So timers, threads, calls from threads and Twisted's own connections work in handlers and hooks. Afterwards the pool is
stopped, an asyncio reactor is on its own loop again, and nothing is left in the client's.

Clients may be in use side by side, on one loop or on several: an asyncio reactor follows the loop that runs. They may
not be in several threads, as a reactor calls what fires where it works: the first thread has it until its last client
is left, and ReactorInUse (RW223) is raised in others.
"""

import sys
from asyncio import AbstractEventLoop, Handle
from collections.abc import Callable
from functools import partial
from threading import Lock, Thread, current_thread
from typing import Any, ClassVar, Final

from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.python.threadable import isInIOThread
from twisted.python.threadpool import ThreadPool

from ropewalk.errors import RopewalkError

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


class ReactorInUse(RopewalkError, RuntimeError):
    """RW223: clients in another thread use the reactor."""

    def __init__(self, user: Thread) -> None:
        here = current_thread().name
        super().__init__(
            "RW223", f"Clients in the thread {user.name} use the reactor, which does not run: those in {here} cannot."
        )


class Claim:
    """The right of one thread to work a reactor that does not run. Claims are counted: `release` as often as `of`."""

    _of_reactors: "ClassVar[dict[int, Claim]]" = {}
    _lock: ClassVar[Any] = Lock()

    def __init__(self, reactor: Any) -> None:
        self.reactor = reactor
        self.home: AbstractEventLoop | None = None
        """The loop of an asyncio reactor itself, on which no client may have left it."""
        if isinstance(reactor, AsyncioSelectorReactor):
            self.home = reactor._asyncioEventloop  # noqa: SLF001 - it has no other name
        self._thread = current_thread()
        self._count = 0

    @classmethod
    def of(cls, reactor: Any) -> "Claim":
        """Claim a reactor for this thread. Raises ReactorInUse (RW223) where another one has it."""
        with cls._lock:
            claim = cls._of_reactors.get(id(reactor))
            if claim is None:
                claim = cls._of_reactors[id(reactor)] = cls(reactor)
            elif claim._thread is not current_thread():
                if claim._thread.is_alive():
                    raise ReactorInUse(claim._thread)
                claim._thread = current_thread()  # the other has ended without leaving its clients
            claim._count += 1
            return claim

    @classmethod
    def of_idle(cls) -> "Claim | None":
        """Claim the installed reactor; None where there is none, where it runs, and where another thread has it."""
        reactor = installed()
        if reactor is None or reactor.running:
            return None
        try:
            return cls.of(reactor)
        except ReactorInUse:
            return None

    def release(self) -> None:
        """Let go of the reactor, if this was the last claim."""
        with self._lock:
            self._count -= 1
            if not self._count:
                del self._of_reactors[id(self.reactor)]


class ReactorUse:
    """The use of the reactor by one loop. Uses are counted: `release` as often as `of`."""

    _of_loops: "ClassVar[dict[AbstractEventLoop, ReactorUse]]" = {}

    def __init__(self, loop: AbstractEventLoop) -> None:
        self.refused: set[Callable[[ReactorInUse], object]] = set()
        """Called where a handler has imported the reactor, and another thread has it: what waits may wait for ever."""
        self._loop = loop
        self._count = 0
        self._claim: Claim | None = None
        self._detach: list[Callable[[], object]] = []
        self._next: Handle | None = None
        """The next tick or, while an asyncio reactor is on another loop, its return."""

    @classmethod
    def of(cls, loop: AbstractEventLoop) -> "ReactorUse":
        """That of a loop, begun. Raises ReactorInUse (RW223) where another thread uses the reactor."""
        use = cls._of_loops.get(loop)
        if use is None:
            use = cls(loop)
        use._look()
        cls._of_loops[loop] = use
        use._count += 1
        return use

    def release(self) -> None:
        """Let go of the reactor, if this was the last use."""
        self._count -= 1
        if self._count:
            return
        del self._of_loops[self._loop]
        if self._next is not None:
            self._next.cancel()
        while self._detach:
            self._detach.pop()()
        self._claim = None

    def return_later(self) -> None:
        """Have an asyncio reactor, which is about to work on another loop, come back when this one runs."""
        if self._claim is not None and not self._loop.is_closed():
            self._next = self._loop.call_soon(self._bring)

    def _look(self) -> None:
        """Look for a reactor that does not run, and have it do an iteration where it needs that."""
        reactor = installed()
        if self._claim is None and reactor is not None and not reactor.running:
            self._attach(reactor)
        if self._next is None and self._ticks(reactor):
            self._next = self._loop.call_later(TICK, self._tick)
            self._turn()

    def _ticks(self, reactor: Any) -> bool:
        if self._claim is None:
            return reactor is None
        return self._claim.home is None and not self._claim.reactor.running

    def _tick(self) -> None:
        self._next = None
        try:
            self._look()
        except ReactorInUse as error:
            self._next = self._loop.call_later(TICK, self._tick)
            for refused in tuple(self.refused):
                refused(error)

    def _turn(self) -> None:
        claim = self._claim
        if claim is not None and not claim.reactor.running:
            type(claim.reactor).iterate(claim.reactor, 0)  # trial has put a warning in the place of the method

    def _attach(self, reactor: Any) -> None:
        self._claim = Claim.of(reactor)
        self._detach.append(self._claim.release)
        if self._next is not None:
            self._next.cancel()
            self._next = None
        _Pool.take(reactor)
        self._detach.append(partial(_Pool.release, reactor))
        if self._claim.home is not None:
            self._bring()
            self._detach.append(self._send_home)
            return
        descriptor = _descriptor(reactor)
        if descriptor is not None:
            self._loop.add_reader(descriptor, self._turn)
            self._detach.append(partial(self._loop.remove_reader, descriptor))

    def _bring(self) -> None:
        """Have an asyncio reactor work on this loop. Where it was for another use, that has it back when it runs."""
        assert self._claim is not None
        self._next = None
        reactor = self._claim.reactor
        former = self._of_loops.get(reactor._asyncioEventloop)  # noqa: SLF001 - it has no other name
        if former is self:
            return
        _move(reactor, self._loop)
        if former is not None:
            former.return_later()

    def _send_home(self) -> None:
        """Have an asyncio reactor work on its own loop, where it is on this one."""
        assert self._claim is not None
        reactor, home = self._claim.reactor, self._claim.home
        if home is not None and reactor._asyncioEventloop is self._loop is not home:  # noqa: SLF001 - as above
            _move(reactor, home)


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
    if reactor.running or reactor._asyncioEventloop is loop:  # noqa: SLF001 - what AsyncioSelectorReactor keeps
        return
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
