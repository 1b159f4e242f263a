"""Handle SIGINT, SIGTERM and SIGHUP: begin a graceful shutdown, abort it, or kill the process."""

import signal
from types import FrameType
from typing import Any

from twisted.internet.error import ReactorNotRunning

from ropewalk.server.drain_log import log_drain
from ropewalk.server.log_signals import GiveBack, handle_where_default
from ropewalk.server.server import Server


def handle_stop_signals(reactor: Any, server: Server, *others: Server) -> GiveBack:
    """Handle the stop signals: the first SIGINT or SIGTERM drains the servers and then stops the reactor; the second
    one aborts the drain.

    The third one has its default action and kills the process, because nothing else can stop a hook that blocks the
    reactor. SIGHUP counts only as the first signal, because a terminal sends it when it is closed, and the shell may
    send it again. SIGHUP is not handled if it is ignored, as under nohup, or if application code handles it.

    `others` are further servers, such as the one that redirects to HTTPS. Return a function that restores the default
    action of SIGHUP.
    """

    def drain() -> None:
        log_drain(server.engine)
        try:
            reactor.stop()
        except ReactorNotRunning:  # application code has already begun the drain, so abort it
            abort()

    def abort() -> None:
        for each in (server, *others):
            each.abort()

    calls = [drain, abort]

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        if len(calls) == 1:
            handle(signal.SIG_DFL)
        if calls:  # another signal, handled meanwhile, may have taken the last call
            reactor.callFromThread(calls.pop(0))

    def hang_up(number: int, frame: FrameType | None) -> None:
        if len(calls) == 2:
            stop(number, frame)

    def handle(handler: Any) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, handler)

    handle(stop)
    return handle_where_default(signal.SIGHUP, hang_up)
