"""SIGUSR1 reopens log files, for logrotate and newsyslog. SIGUSR2 and SIGXFSZ are ignored. SIGCONT is noted, so that
the time for which the process was stopped is not reported as time in which a call blocked the reactor.

A signal is handled only if it has its default action. If application code handles the signal, or the process
was started with the signal ignored, nothing is changed.
"""

import signal
from typing import Any, Protocol

from twisted.logger import Logger

from ropewalk.calling import note_continued
from ropewalk.server.log_writer import reopen_logs

log = Logger(namespace="ropewalk.server")


class GiveBack(Protocol):
    """The type of a function that restores the default action of handled signals, unless application code has set a
    handler meanwhile.

    Pass `exiting` if the process is about to end. The signals are then ignored, because their default action would kill
    the process while it flushes logs and shuts down the interpreter.
    """

    def __call__(self, *, exiting: bool = False) -> None: ...


def handle_log_signals(reactor: Any) -> GiveBack:
    """Handle SIGUSR1, SIGUSR2, SIGXFSZ and SIGCONT. The code that responds to a signal runs in the reactor's thread.

    Return the function that restores the default actions.
    """

    def reopen(*_: object) -> None:
        reactor.callFromThread(_reopen)

    def ignore(*_: object) -> None:
        reactor.callFromThread(log.info, "SIGUSR2 is ignored: it has no meaning here.")

    taken = [
        handle_where_default(signal.SIGUSR1, reopen),
        handle_where_default(signal.SIGUSR2, ignore),
        handle_where_default(signal.SIGXFSZ, signal.SIG_IGN),  # a write beyond the file size limit then raises OSError
        handle_where_default(signal.SIGCONT, note_continued),
    ]

    def give_back(*, exiting: bool = False) -> None:
        for each in taken:
            each(exiting=exiting)

    return give_back


def handle_where_default(number: signal.Signals, handler: Any) -> GiveBack:
    """Handle a signal if it has its default action. Return the function that restores the default action."""
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
        log.info("SIGUSR1: opening {names} again.", names=" and ".join(names))
    else:
        log.info("SIGUSR1: no log goes to a file, so none is opened again.")
