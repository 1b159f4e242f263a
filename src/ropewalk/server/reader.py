"""The engine as one reader among the reactor's."""

from twisted.internet.interfaces import IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from ropewalk._engine import Engine


@implementer(IReadDescriptor)
class EngineReader:
    """Readable when any of the engine's sockets has something to do."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def fileno(self) -> int:
        """The descriptor behind which all of the engine's sockets are."""
        return self._engine.fileno()

    def doRead(self) -> None:
        """One bounded turn."""
        self._engine.turn()

    def logPrefix(self) -> str:
        """For Twisted's log."""
        return "ropewalk"

    def connectionLost(self, reason: Failure) -> None:
        """The reactor lets go of it; the engine is closed by its server."""
