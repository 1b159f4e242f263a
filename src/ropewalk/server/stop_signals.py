"""SIGINT, SIGTERM and SIGHUP: which signal begins a stop, which one aborts it, and which one kills the process."""

import signal
from types import FrameType
from typing import Any

from twisted.internet.error import ReactorNotRunning

from ropewalk.server.drain_log import log_drain
from ropewalk.server.log_signals import GiveBack, handle_where_default
from ropewalk.server.server import Server


def handle_stop_signals(reactor: Any, server: Server) -> GiveBack:
    """Handle SIGINT and SIGTERM: the first one stops the reactor, which drains first; the second one aborts the drain.

    The third one has its default effect and kills the process, because nothing else stops a hook that blocks. SIGHUP
    counts as the first signal and never as a later one: a closed terminal sends it, and its shell may send it again. If
    it is ignored, as under nohup, or handled by the program, it is left alone. Returns a function that gives SIGHUP
    back.
    """

    def drain() -> None:
        log_drain(server.engine)
        try:
            reactor.stop()
        except ReactorNotRunning:  # the app has stopped it, and the drain is not finished
            server.abort()

    calls = [drain, server.abort]

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        if len(calls) == 1:
            handle(signal.SIG_DFL)
        if calls:  # another signal may have been handled meanwhile
            reactor.callFromThread(calls.pop(0))

    def hang_up(number: int, frame: FrameType | None) -> None:
        if len(calls) == 2:
            stop(number, frame)

    def handle(handler: Any) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, handler)

    handle(stop)
    return handle_where_default(signal.SIGHUP, hang_up)
