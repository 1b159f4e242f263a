"""The engine as one reader among those of a reactor or an event loop."""

import select
from asyncio import AbstractEventLoop
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from twisted.internet.interfaces import IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from ropewalk._engine import Engine


def watch(engine: Engine, runner: Any, turn: Callable[[], object] | None = None) -> "Watch":
    """Have a reactor or an event loop turn the engine, by `turn` where it is given; what is returned ends that."""
    return Watch(engine, runner, turn or engine.turn)


class Watch:
    """An engine among the readers of a reactor or an event loop. To call it is to take the engine out.

    An asyncio reactor's loop is asked itself: the way through the reactor costs some microseconds a wake.
    """

    def __init__(self, engine: Engine, runner: Any, turn: Callable[[], object]) -> None:
        self._engine = engine
        self._runner = runner
        self._turn = turn
        self._loop = runner if isinstance(runner, AbstractEventLoop) else getattr(runner, "_asyncioEventloop", None)
        self._reader = EngineReader(engine, turn)
        self._outdated = False
        """This is a forked child, and the reactor knows the parent's descriptor."""
        if self._loop is not None:
            self._loop.add_reader(engine.fileno(), turn)
        else:
            runner.addReader(self._reader)

    def __call__(self) -> None:
        self._renew()
        if self._loop is not None:
            self._loop.remove_reader(self._engine.fileno())
        else:
            self._runner.removeReader(self._reader)

    def forked(self) -> None:
        """In a child, whose engine has another descriptor with the same number: have it watched when the child turns.

        Not at once: the reactor's own epoll descriptor is the parent's too, so that the parent would be told of what
        the child does not look at.
        """
        self._outdated = True
        with suppress(RuntimeError):  # asyncio, in debug mode: this is another thread than its own, which is gone
            if self._loop is not None:
                self._loop.call_soon(self._renew)
            elif self._runner.running:
                self._runner.callLater(0, self._renew)
            else:
                self._runner.callWhenRunning(self._renew)

    def _renew(self) -> None:
        if not self._outdated:
            return
        self._outdated = False
        if self._loop is not None:
            self._loop.remove_reader(self._engine.fileno())
            self._loop.add_reader(self._engine.fileno(), self._turn)
            return
        # Other reactors than the one on epoll keep their descriptors by number, in memory of their own. That one has to
        # be asked below `addReader`, to which nothing has changed.
        poller: Any = getattr(self._runner, "_poller", None)
        if type(poller).__name__ == "epoll":
            poller.register(self._engine.fileno(), select.EPOLLIN)


@implementer(IReadDescriptor)
class EngineReader:
    """Readable when any of the engine's sockets has something to do."""

    def __init__(self, engine: Engine, turn: Callable[[], object]) -> None:
        self._engine = engine
        self._turn = turn

    def fileno(self) -> int:
        """The descriptor behind which all of the engine's sockets are."""
        return self._engine.fileno()

    def doRead(self) -> None:
        """One bounded turn."""
        self._turn()

    def logPrefix(self) -> str:
        """For Twisted's log."""
        return "ropewalk"

    def connectionLost(self, reason: Failure) -> None:
        """The reactor lets go of it; the engine is closed by its server."""
