"""SIGUSR1 opens log files again, as logrotate and newsyslog ask for it; SIGUSR2 and SIGXFSZ end nothing.

Only signals that would kill are taken: a handler of the program, or a signal that the process was started to ignore,
is left alone.
"""

import signal
from collections.abc import Callable
from typing import Any

from twisted.logger import Logger

from ropewalk.server.log_writer import reopen_logs

log = Logger(namespace="ropewalk.server")


def handle_log_signals(reactor: Any) -> Callable[[], None]:
    """Handle them from the reactor, as soon as it runs; what is returned gives them back."""

    def reopen(*_: object) -> None:
        reactor.callFromThread(_reopen)

    def ignore(*_: object) -> None:
        reactor.callFromThread(log.info, "SIGUSR2 is ignored: it has no meaning here.")

    taken = [
        handle_where_default(signal.SIGUSR1, reopen),
        handle_where_default(signal.SIGUSR2, ignore),
        handle_where_default(signal.SIGXFSZ, signal.SIG_IGN),  # a file of the greatest size is an error of its writer
    ]

    def give_back() -> None:
        for each in taken:
            each()

    return give_back


def handle_where_default(number: signal.Signals, handler: Any) -> Callable[[], None]:
    """Handle a signal where it has its default effect; what is returned restores that, unless it was changed since."""
    if signal.getsignal(number) is not signal.SIG_DFL:
        return lambda: None
    signal.signal(number, handler)

    def give_back() -> None:
        if signal.getsignal(number) is handler:
            signal.signal(number, signal.SIG_DFL)

    return give_back


def _reopen() -> None:
    names = reopen_logs()
    if names:
        log.info("SIGUSR1: {names} is opened again.", names=" and ".join(names))
    else:
        log.info("SIGUSR1: no log goes to a file, so none is opened again.")
