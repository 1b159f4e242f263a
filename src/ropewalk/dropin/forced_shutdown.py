"""Forces the end of a graceful shutdown at a second SIGINT or SIGTERM."""

import signal
from collections.abc import Callable
from types import FrameType
from typing import Any


def force_shutdown_at_next_signal(reactor: Any, force: Callable[[], object]) -> Callable[[], None]:
    """Make the next SIGINT or SIGTERM call `force` in the reactor. Return a function that restores the handlers.

    The signal after that kills the process. The reactor's own handlers are replaced, because they would log an error
    for a second signal. Handlers of the program are not replaced.
    """
    handlers = [
        _SignalHandler(number, reactor, force, previous)
        for number, own in ((signal.SIGINT, reactor.sigInt), (signal.SIGTERM, reactor.sigTerm))
        if (previous := signal.getsignal(number)) == own or isinstance(previous, _SignalHandler)
    ]

    def restore() -> None:
        for handler in handlers:
            handler.restore()

    return restore


class _SignalHandler:
    """Replaces the reactor's handler for a signal.

    If it replaces another `_SignalHandler`, it also calls that handler.
    """

    def __init__(self, number: signal.Signals, reactor: Any, force: Callable[[], object], previous: Any) -> None:
        self._number = number
        self._reactor = reactor
        self._force = force
        self._previous = previous
        signal.signal(number, self)

    def __call__(self, number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        self._reactor.callFromThread(self._force)
        if isinstance(self._previous, _SignalHandler):
            self._previous(number, frame)

    def restore(self) -> None:
        """Restore the previous handler, unless the program has installed another one."""
        present: Any = signal.getsignal(self._number)
        if present is self:
            signal.signal(self._number, self._previous)
