"""`App.run` and the command line: the whole life of a serving process."""

import asyncio
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic
from types import FrameType
from typing import Any, Final, Literal

from twisted.internet import asyncioreactor
from twisted.internet.error import ReactorNotRunning
from twisted.logger import Logger, LogLevel, globalLogBeginner
from twisted.python.failure import Failure

from ropewalk._engine import Limits
from ropewalk.proxies import TrustedProxies
from ropewalk.server.access_log import AccessLog
from ropewalk.server.drain_log import log_drain
from ropewalk.server.endpoint_descriptions import half_closing, tcp_endpoint
from ropewalk.server.error_log import begin_logging, flush_errors
from ropewalk.server.listening import Listening
from ropewalk.server.listening import listen as listen_on
from ropewalk.server.log_signals import GiveBack, handle_log_signals, handle_where_default
from ropewalk.server.log_writer import FLUSH_TIMEOUT
from ropewalk.server.security_warnings import security_warnings
from ropewalk.server.server import Server, app_of, limits_of, proxies_of
from ropewalk.server.standard_streams import reserve_standard_streams

log = Logger(namespace="ropewalk.server")

LAST_LINES: Final = 0.25
"""Seconds that lines logged at the very end have at least to be written."""


def install_reactor() -> str:
    """Install the asyncio reactor, on uvloop where that is there, unless a reactor is installed; what it is called."""
    if "twisted.internet.reactor" not in sys.modules:
        new_loop = _new_loop()
        asyncio.set_event_loop(new_loop)
        asyncioreactor.install(new_loop)
    from twisted.internet import reactor

    kind = type(reactor).__name__
    loop = getattr(reactor, "_asyncioEventloop", None)
    return kind if loop is None else f"{kind} on {type(loop).__module__.partition('.')[0]}"


def run(
    servable: Any,
    *,
    listen: Sequence[str],
    limits: Limits | None = None,
    proxies: TrustedProxies | None = None,
    access_log: Literal["combined", "timed", "json"] | None = None,
    access_log_file: Path | None = None,
    started: Callable[[list[Listening]], None] | None = None,
    exiting: bool = False,
) -> None:
    """Serve an App, a Resource or a Site on endpoints until SIGINT or SIGTERM, then finish what runs.

    A second signal cuts off what still runs, or cancels the stop hook that does; a third one kills. SIGHUP stops it
    once, SIGUSR1 opens the access log's file again and SIGUSR2 is ignored, except where the program handles or ignores
    these. `started` is called when requests are accepted; where it is None, Twisted's log goes to the standard error,
    unless the program has begun it, and says what is served where. The access log goes to the standard output where
    `access_log_file` is None. A standard stream that is closed is the null device from here on. `exiting`: the process
    ends after this, and ignores from the end on the signals that were handled here but SIGINT and SIGTERM.
    Raises StartError and EngineError where serving cannot begin, and OSError where the access log cannot be opened.
    """
    reserve_standard_streams()
    install_reactor()
    from twisted.internet import reactor

    if started is None:
        started = _log_addresses
        _begin_logging()
    app = app_of(servable)
    limits = limits or limits_of(servable)
    proxies = proxies or proxies_of(servable)
    endpoints = [listen] if isinstance(listen, str) else listen
    if getattr(servable, "half_close", False):  # a Site's own
        endpoints = [half_closing(description) for description in endpoints]
    listening = [listen_on(app, reactor, description, limits=limits, proxies=proxies) for description in endpoints]
    server: Server = app.server
    lines = None
    if access_log is not None:
        lines = AccessLog(access_log_file)
        server.service.log_access(access_log, lines)
    failures: list[Failure] = []

    def fail(failure: Failure) -> None:
        if not server.stopping:
            failures.append(failure)
            reactor.stop()

    server.started().addCallback(lambda _: started(listening)).addErrback(fail)
    give_back = [handle_log_signals(reactor)]
    reactor.callWhenRunning(lambda: give_back.append(_handle_signals(reactor, server)))
    try:
        reactor.run()
    finally:
        finish_logs(lines)
        for each in give_back:
            each(exiting=exiting)
    if failures:
        failures[0].raiseException()


def run_on_tcp(servable: Any, host: str, port: int, *, half_close: bool, **options: Any) -> None:
    """As `run`, on one TCP port. With `half_close`, clients may close their sending side and wait for responses."""
    endpoint = tcp_endpoint(host, port)
    run(servable, listen=[half_closing(endpoint) if half_close else endpoint], **options)


def finish_logs(access_log: AccessLog | None) -> None:
    """Wait until the logs are written, for one FLUSH_TIMEOUT at most in all, not for one each. It blocks.

    While the first is waited for, the thread of the other one writes, too. That has a moment in any case: closing the
    first may have logged how many lines are lost.
    """
    end = monotonic() + FLUSH_TIMEOUT
    if access_log is not None:
        access_log.close()
    flush_errors(max(end - monotonic(), LAST_LINES))


def _log_addresses(listening: list[Listening]) -> None:
    for port in listening:
        log.info("Serving on {address}", address=str(port))
    service = listening[0].server.service
    for warning in security_warnings(service.engine.limits, service.proxies, service.app.debug):
        log.warn("{warning}", warning=warning)


def _begin_logging() -> None:
    """Twisted's log on the standard error, from info on, where nobody has begun it."""
    if globalLogBeginner._temporaryObserver is not None:  # noqa: SLF001 - nothing else tells
        begin_logging(LogLevel.info)


def _handle_signals(reactor: Any, server: Server) -> GiveBack:
    """The first SIGINT or SIGTERM stops the reactor, which drains before; the second one aborts what it waits for.

    The third one is left to the system, which kills: a stop hook that blocks cannot be reached otherwise. SIGHUP is as
    good as the first one and never as a later one: a terminal that is closed sends it, and its shell may send it too.
    It is left alone where it is ignored, as under nohup, or the program's. What is returned gives SIGHUP back.
    """

    def drain() -> None:
        log_drain(server.engine)
        try:
            reactor.stop()
        except ReactorNotRunning:  # the app has stopped it, and something holds that up
            server.abort()

    calls = [drain, server.abort]

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        if len(calls) == 1:
            handle(signal.SIG_DFL)
        if calls:  # another signal may have come in between
            reactor.callFromThread(calls.pop(0))

    def hang_up(number: int, frame: FrameType | None) -> None:
        if len(calls) == 2:
            stop(number, frame)

    def handle(handler: Any) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, handler)

    handle(stop)
    return handle_where_default(signal.SIGHUP, hang_up)


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
