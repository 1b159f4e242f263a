"""Register the engine as a reader of a reactor or an event loop."""

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


def watch(engine: Engine, runner: Any, turn: Callable[[], object] | None = None) -> "ReactorWatch":
    """Have a reactor or an event loop call `turn` (by default `engine.turn`) when the engine is ready.

    To end the registration, call the returned object.
    """
    return ReactorWatch(engine, runner, turn or engine.turn)


class ReactorWatch:
    """The registration of an engine as a reader of a reactor or an event loop. Calling it removes the engine.

    With an asyncio reactor, the engine is registered with the event loop itself, which saves some microseconds for each
    wakeup.
    """

    def __init__(self, engine: Engine, runner: Any, turn: Callable[[], object]) -> None:
        self._engine = engine
        self._runner = runner
        self._turn = turn
        self._loop = runner if isinstance(runner, AbstractEventLoop) else getattr(runner, "_asyncioEventloop", None)
        self._reader = EngineReader(engine, turn)
        self._outdated = False
        """Whether this is a forked child whose reactor still watches the parent's descriptor."""
        self._children: ServingChildren | None = None
        """Records the children that serve requests. Set only if this process is a forked child."""
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

    def after_fork_in_child(self, children: ServingChildren | None = None) -> None:
        """In a forked child: as soon as the reactor runs, watch the engine's new descriptor, which has the number of
        the old one.

        From then on the child serves requests, which is recorded in `children`. The child must not watch the descriptor
        earlier: it shares the reactor's epoll descriptor with its parent, so the parent would get events of a child
        that does not run its reactor.
        """
        self._outdated = True
        self._children = children
        with suppress(RuntimeError):  # in debug mode, asyncio raises it for a call from another thread
            if self._loop is not None:
                self._loop.call_soon(self._serve)
            elif self._runner.running:
                self._runner.callLater(0, self._serve)
            else:
                self._runner.callWhenRunning(self._serve)

    def _serve(self) -> None:
        """Watch the new descriptor, and record that this child serves.

        Raises EngineError (RW511) if the reactor cannot watch it.
        """
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
        # Only the epoll reactor needs a new registration: other reactors pass the descriptor's number to each system
        # call. `addReader` would do nothing, because the reactor already knows the reader.
        poller: Any = getattr(self._runner, "_poller", None)
        if type(poller).__name__ == "epoll":
            poller.register(self._engine.fileno(), select.EPOLLIN)
        elif poller is None and _is_on_epoll(self._runner):
            raise EngineError(
                "RW511",
                f"{type(self._runner).__name__} has no `_poller`, so this forked process ({os.getpid()}) "
                "sees no connections.",
            )


def _is_on_epoll(reactor: Any) -> bool:
    """Whether a reactor is Twisted's EPollReactor.

    Its module is not imported here, because not every system has epoll.
    """
    module = sys.modules.get("twisted.internet.epollreactor")
    return module is not None and isinstance(reactor, module.EPollReactor)


@implementer(IReadDescriptor)
class EngineReader:
    """A reader that is readable when any socket of the engine is ready."""

    def __init__(self, engine: Engine, turn: Callable[[], object]) -> None:
        self._engine = engine
        self._turn = turn

    def fileno(self) -> int:
        """The descriptor that is readable when any socket of the engine is ready."""
        return self._engine.fileno()

    def doRead(self) -> None:
        """Run one turn of the engine."""
        self._turn()

    def logPrefix(self) -> str:
        """The prefix of this reader's lines in Twisted's log."""
        return "ropewalk"

    def connectionLost(self, reason: Failure) -> None:
        """Do nothing when the reactor removes the reader, because the server closes the engine."""
