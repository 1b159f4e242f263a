"""If the reactor is not running while a test client is in use, the client's event loop runs the reactor.

| the installed reactor | what happens while a client is in use |
|---|---|
| none, until a handler imports a reactor | a check at every tick, and then one of the cases below |
| a running reactor, for example under trial | nothing |
| the asyncio reactor, on the client's loop | its thread pool is started |
| the asyncio reactor, on another loop | the same, and the reactor moves to the client's loop meanwhile |
| another reactor | its thread pool is started, and the loop calls its `iterate` at every wakeup and every tick |

So timers, threads, calls from threads, database connection pools and Twisted's own connections work in handlers and
hooks. Afterwards, the reactor's thread pool stops, an asyncio reactor returns to its own loop, and nothing remains in
the client's loop.

Several clients may be in use at the same time, on one loop or on several: an asyncio reactor follows the running loop.
They must be in one thread, because a reactor runs its callbacks in the thread that runs it. The first thread keeps the
reactor until its last client is closed; clients in other threads raise ReactorInUse (RW223).
"""

import sys
from asyncio import AbstractEventLoop, Handle
from collections.abc import Callable
from functools import partial
from threading import Lock, Thread, current_thread
from typing import Any, ClassVar, Final

from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.python.threadable import isInIOThread

from ropewalk.errors import RopewalkError
from ropewalk.testing.thread_pools import ThreadPools

TICK: Final = 0.01
"""Seconds between iterations of a reactor other than asyncio's. They are needed because the timers of such a reactor do
not wake up the event loop."""


def installed() -> Any:
    """The installed reactor; None if no reactor is installed."""
    reactor = sys.modules.get("twisted.internet.reactor")
    return reactor if hasattr(reactor, "callLater") else None  # None while the module is being imported


def runs_elsewhere() -> bool:
    """Whether the reactor runs in another thread, in which a handler's Deferreds fire."""
    reactor = installed()
    return reactor is not None and reactor.running and not isInIOThread()


def runs_here() -> bool:
    """Whether the reactor runs in this thread."""
    reactor = installed()
    return reactor is not None and reactor.running and isInIOThread()


class WouldBlock(RopewalkError, RuntimeError):
    """RW225: a `Client` was used in a thread whose event loop or reactor is running, so the client would block it."""

    def __init__(self, runner: str) -> None:
        super().__init__("RW225", f"A Client would block the running {runner}.")


class ReactorElsewhere(RopewalkError, RuntimeError):
    """RW226: a handler continued in the thread of the running reactor, but its client is in another thread."""

    def __init__(self, request: str, handler: str) -> None:
        here = current_thread().name
        super().__init__(
            "RW226", f"{request}: {handler} continued in the thread of the reactor, and its client is in {here}."
        )


class ReactorInUse(RopewalkError, RuntimeError):
    """RW223: clients in another thread use the reactor, which is not running."""

    def __init__(self, user: Thread) -> None:
        here = current_thread().name
        super().__init__(
            "RW223",
            f"Clients in the thread {user.name} use the reactor, which is idle, so those in {here} cannot.",
        )


class Claim:
    """The exclusive right of a thread to run an idle reactor. Call `release` once for each call of `of`."""

    _of_reactors: "ClassVar[dict[int, Claim]]" = {}
    _lock: ClassVar[Any] = Lock()

    def __init__(self, reactor: Any) -> None:
        self.reactor = reactor
        self.own_loop: AbstractEventLoop | None = None
        """The event loop to which an asyncio reactor returns after the last claim; None for other reactors."""
        if isinstance(reactor, AsyncioSelectorReactor):
            self.own_loop = reactor._asyncioEventloop  # noqa: SLF001 - there is no public name
        self._thread = current_thread()
        self._count = 0

    @classmethod
    def of(cls, reactor: Any) -> "Claim":
        """Claim a reactor for this thread. Raises ReactorInUse (RW223) if another thread has claimed it."""
        with cls._lock:
            claim = cls._of_reactors.get(id(reactor))
            if claim is None:
                claim = cls._of_reactors[id(reactor)] = cls(reactor)
            elif claim._thread is not current_thread():
                if claim._thread.is_alive():
                    raise ReactorInUse(claim._thread)
                claim._thread = current_thread()  # the thread of the claim has ended without closing its clients
            claim._count += 1
            return claim

    @classmethod
    def of_idle(cls) -> "Claim | None":
        """Claim the installed reactor.

        None if no reactor is installed, if it runs, or if another thread has claimed it.
        """
        reactor = installed()
        if reactor is None or reactor.running:
            return None
        try:
            return cls.of(reactor)
        except ReactorInUse:
            return None

    def release(self) -> None:
        """Release the reactor if this is the last claim."""
        with self._lock:
            self._count -= 1
            if not self._count:
                del self._of_reactors[id(self.reactor)]


class ReactorUse:
    """Lets one event loop use the reactor. Call `release` once for each call of `of`."""

    _of_loops: "ClassVar[dict[AbstractEventLoop, ReactorUse]]" = {}

    def __init__(self, loop: AbstractEventLoop) -> None:
        self.refused: set[Callable[[ReactorInUse], object]] = set()
        """Functions that are called if a handler imports a reactor that another thread has claimed, because the
        handler's Deferreds might then never fire."""
        self._loop = loop
        self._count = 0
        self._claim: Claim | None = None
        self._detach: list[Callable[[], object]] = []
        self._next: Handle | None = None
        """The scheduled call of the next tick, or of the return of an asyncio reactor that is on another loop. None if
        neither is scheduled."""

    @classmethod
    def of(cls, loop: AbstractEventLoop) -> "ReactorUse":
        """Let an event loop begin to use the reactor. Raises ReactorInUse (RW223) if another thread uses the
        reactor."""
        use = cls._of_loops.get(loop)
        if use is None:
            use = cls(loop)
        use._look()
        cls._of_loops[loop] = use
        use._count += 1
        return use

    def release(self) -> None:
        """Release the reactor if this is the last use."""
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
        """As soon as this loop runs, move an asyncio reactor back to it. Until then, another loop uses the reactor."""
        if self._claim is not None and not self._loop.is_closed():
            self._next = self._loop.call_soon(self._move_here)

    def _look(self) -> None:
        """Begin to run an idle reactor if there is one, and run one iteration if the reactor needs ticks."""
        reactor = installed()
        if self._claim is None and reactor is not None and not reactor.running:
            self._attach(reactor)
        if self._next is None and self._ticks(reactor):
            self._next = self._loop.call_later(TICK, self._tick)
            self._turn()

    def _ticks(self, reactor: Any) -> bool:
        if self._claim is None:
            return reactor is None
        return self._claim.own_loop is None and not self._claim.reactor.running

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
            type(claim.reactor).iterate(claim.reactor, 0)  # trial replaces the instance's method by a warning

    def _attach(self, reactor: Any) -> None:
        self._claim = Claim.of(reactor)
        self._detach.append(self._claim.release)
        if self._next is not None:
            self._next.cancel()
            self._next = None
        ThreadPools.take(reactor)
        self._detach.append(partial(ThreadPools.release, reactor))
        if self._claim.own_loop is not None:
            self._move_here()
            self._detach.append(self._move_back)
            return
        descriptor = _descriptor(reactor)
        if descriptor is not None:
            self._loop.add_reader(descriptor, self._turn)
            self._detach.append(partial(self._loop.remove_reader, descriptor))

    def _move_here(self) -> None:
        """Move an asyncio reactor to this loop.

        If another loop was using the reactor, the reactor returns to that loop as soon as that loop runs.
        """
        assert self._claim is not None
        self._next = None
        reactor = self._claim.reactor
        former = self._of_loops.get(reactor._asyncioEventloop)  # noqa: SLF001 - there is no public name
        if former is self:
            return
        _move(reactor, self._loop)
        if former is not None:
            former.return_later()

    def _move_back(self) -> None:
        """Move an asyncio reactor from this loop to the reactor's own loop."""
        assert self._claim is not None
        reactor, own_loop = self._claim.reactor, self._claim.own_loop
        if own_loop is not None and reactor._asyncioEventloop is self._loop is not own_loop:  # noqa: SLF001 - as above
            _move(reactor, own_loop)


def _move(reactor: Any, loop: AbstractEventLoop) -> None:
    """Move an idle asyncio reactor, with its timers, to another loop."""
    if reactor.running or reactor._asyncioEventloop is loop:  # noqa: SLF001 - state of AsyncioSelectorReactor
        return
    if reactor._timerHandle is not None:  # noqa: SLF001 - state of AsyncioSelectorReactor
        reactor._timerHandle.cancel()  # noqa: SLF001 - as above
    reactor._timerHandle = reactor._scheduledAt = None  # noqa: SLF001 - as above
    reactor._asyncioEventloop = loop  # noqa: SLF001 - as above
    if not loop.is_closed():
        reactor._reschedule()  # noqa: SLF001 - as above


def _descriptor(reactor: Any) -> int | None:
    """The descriptor that is readable when a reactor has work: the descriptor of its poller or of its waker. None if it
    has neither.
    """
    for source in (getattr(reactor, "_poller", None), getattr(reactor, "waker", None)):
        fileno = getattr(source, "fileno", None)
        if fileno is not None:
            return int(fileno())
    return None
