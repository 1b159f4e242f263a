"""A second SIGINT or SIGTERM, while what runs is being finished."""

import signal
from collections.abc import Callable
from types import FrameType
from typing import Any


def force_shutdown_at_next_signal(reactor: Any, cut: Callable[[], object]) -> Callable[[], None]:
    """Have the next SIGINT or SIGTERM call `cut` in the reactor, and one more kill; what it returns takes that back.

    Where the program answers a signal by itself it goes on to do so. A reactor's own answer to a second one would be
    an error in the log.
    """
    answers = [
        _Answer(number, reactor, cut, before)
        for number, own in ((signal.SIGINT, reactor.sigInt), (signal.SIGTERM, reactor.sigTerm))
        if (before := signal.getsignal(number)) == own or isinstance(before, _Answer)
    ]

    def take_back() -> None:
        for answer in answers:
            answer.take_back()

    return take_back


class _Answer:
    """A signal handler in place of the reactor's, or of another of this kind, which it calls then."""

    def __init__(self, number: signal.Signals, reactor: Any, cut: Callable[[], object], before: Any) -> None:
        self._number = number
        self._reactor = reactor
        self._cut = cut
        self._before = before
        signal.signal(number, self)

    def __call__(self, number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        self._reactor.callFromThread(self._cut)
        if isinstance(self._before, _Answer):
            self._before(number, frame)

    def take_back(self) -> None:
        """Unless somebody has put another handler there."""
        present: Any = signal.getsignal(self._number)
        if present is self:
            signal.signal(self._number, self._before)
