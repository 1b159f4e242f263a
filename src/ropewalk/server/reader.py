"""The engine as one reader among those of a reactor or an event loop."""

from asyncio import AbstractEventLoop
from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet.interfaces import IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from ropewalk._engine import Engine


def watch(engine: Engine, runner: Any, turn: Callable[[], object] | None = None) -> Callable[[], object]:
    """Have a reactor or an event loop turn the engine, by `turn` where it is given; what is returned ends that.

    An asyncio reactor's loop is asked itself: the way through the reactor costs some microseconds a wake.
    """
    loop = runner if isinstance(runner, AbstractEventLoop) else getattr(runner, "_asyncioEventloop", None)
    if loop is not None:
        loop.add_reader(engine.fileno(), turn or engine.turn)
        return partial(loop.remove_reader, engine.fileno())
    reader = EngineReader(engine, turn or engine.turn)
    runner.addReader(reader)
    return partial(runner.removeReader, reader)


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
