"""The engine as one reader among those of a reactor or an event loop."""

import os
import select
import sys
from asyncio import AbstractEventLoop
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from twisted.internet.interfaces import IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from ropewalk._engine import Engine
from ropewalk.errors import EngineError
from ropewalk.forks import ServingChildren


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
        self._children: ServingChildren | None = None
        """Those among which this process is one, where it is a forked child."""
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

    def forked(self, children: ServingChildren | None = None) -> None:
        """In a child, whose engine has another descriptor with the same number: have it watched when the child turns.

        From then on the child serves, which is noted in `children`.

        Not at once: the reactor's own epoll descriptor is the parent's too, so that the parent would be told of what
        the child does not look at.
        """
        self._outdated = True
        self._children = children
        with suppress(RuntimeError):  # asyncio, in debug mode: this is another thread than its own, which is gone
            if self._loop is not None:
                self._loop.call_soon(self._serve)
            elif self._runner.running:
                self._runner.callLater(0, self._serve)
            else:
                self._runner.callWhenRunning(self._serve)

    def _serve(self) -> None:
        """Raises EngineError (RW511) where the reactor cannot be told."""
        if self._outdated:
            self._renew()
            if self._children is not None:
                self._children.note()

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
        elif poller is None and _is_on_epoll(self._runner):
            raise EngineError(
                "RW511",
                f"{type(self._runner).__name__} has no `_poller`, so that this forked process ({os.getpid()}) is told "
                "of no connections.",
            )


def _is_on_epoll(reactor: Any) -> bool:
    """Whether it is Twisted's reactor on epoll, which is not to be imported where the system has none."""
    module = sys.modules.get("twisted.internet.epollreactor")
    return module is not None and isinstance(reactor, module.EPollReactor)


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
