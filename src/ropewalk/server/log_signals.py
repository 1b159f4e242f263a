"""SIGUSR1 reopens log files, as logrotate and newsyslog request; SIGUSR2 and SIGXFSZ are ignored.

Only signals with their default effect, which is to kill, are handled. A signal that the program handles, or that the
process was started to ignore, is left alone.
"""

import signal
from typing import Any, Protocol

from twisted.logger import Logger

from ropewalk.server.log_writer import reopen_logs

log = Logger(namespace="ropewalk.server")


class GiveBack(Protocol):
    """Restores the default effect of signals that were handled, unless the program has set a handler meanwhile.

    `exiting` says that the process ends now. The signals are then ignored: their default effect would kill it while
    logs are flushed and the interpreter shuts down.
    """

    def __call__(self, *, exiting: bool = False) -> None: ...


def handle_log_signals(reactor: Any) -> GiveBack:
    """Handle the signals. What they cause runs in the reactor's thread."""

    def reopen(*_: object) -> None:
        reactor.callFromThread(_reopen)

    def ignore(*_: object) -> None:
        reactor.callFromThread(log.info, "SIGUSR2 is ignored: it has no meaning here.")

    taken = [
        handle_where_default(signal.SIGUSR1, reopen),
        handle_where_default(signal.SIGUSR2, ignore),
        handle_where_default(signal.SIGXFSZ, signal.SIG_IGN),  # a write past the limit raises OSError
    ]

    def give_back(*, exiting: bool = False) -> None:
        for each in taken:
            each(exiting=exiting)

    return give_back


def handle_where_default(number: signal.Signals, handler: Any) -> GiveBack:
    """Handle a signal if it has its default effect."""
    taken = signal.getsignal(number) is signal.SIG_DFL
    if taken:
        signal.signal(number, handler)

    def give_back(*, exiting: bool = False) -> None:
        if taken and signal.getsignal(number) is handler:
            signal.signal(number, signal.SIG_IGN if exiting else signal.SIG_DFL)

    return give_back


def _reopen() -> None:
    names = reopen_logs()
    if names:
        log.info("SIGUSR1: {names} is to be opened again.", names=" and ".join(names))
    else:
        log.info("SIGUSR1: no log goes to a file, so none is opened again.")
