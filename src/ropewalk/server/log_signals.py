"""SIGUSR1 opens log files again, as logrotate and newsyslog ask for it; SIGUSR2 and SIGXFSZ end nothing.

Only signals that would kill are taken: a handler of the program, or a signal that the process was started to ignore,
is left alone.
"""

import signal
from typing import Any, Protocol

from twisted.logger import Logger

from ropewalk.server.log_writer import reopen_logs

log = Logger(namespace="ropewalk.server")


class GiveBack(Protocol):
    """Gives signals back that were taken, unless they were taken by another since.

    `exiting`: the process ends now. A signal is ignored then, as its default effect would be to kill what is about to
    exit by itself, while logs are flushed and the interpreter is torn down.
    """

    def __call__(self, *, exiting: bool = False) -> None: ...


def handle_log_signals(reactor: Any) -> GiveBack:
    """Handle them from the reactor, as soon as it runs."""

    def reopen(*_: object) -> None:
        reactor.callFromThread(_reopen)

    def ignore(*_: object) -> None:
        reactor.callFromThread(log.info, "SIGUSR2 is ignored: it has no meaning here.")

    taken = [
        handle_where_default(signal.SIGUSR1, reopen),
        handle_where_default(signal.SIGUSR2, ignore),
        handle_where_default(signal.SIGXFSZ, signal.SIG_IGN),  # a file of the greatest size is an error of its writer
    ]

    def give_back(*, exiting: bool = False) -> None:
        for each in taken:
            each(exiting=exiting)

    return give_back


def handle_where_default(number: signal.Signals, handler: Any) -> GiveBack:
    """Handle a signal where it has its default effect."""
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
