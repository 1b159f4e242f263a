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
from ropewalk.server.app_listening_port import AppListeningPort
from ropewalk.server.app_listening_port import listen as listen_on
from ropewalk.server.drain_log import log_drain
from ropewalk.server.endpoint_descriptions import half_closing, tcp_endpoint
from ropewalk.server.error_log import begin_logging, flush_errors
from ropewalk.server.log_signals import GiveBack, handle_log_signals, handle_where_default
from ropewalk.server.log_writer import FLUSH_TIMEOUT
from ropewalk.server.security_warnings import security_warnings
from ropewalk.server.server import Server, app_of, limits_of, proxies_of
from ropewalk.server.standard_streams import reserve_standard_streams

log = Logger(namespace="ropewalk.server")

LAST_LINES_TIMEOUT: Final = 0.25
"""Seconds that the last lines of the log have at least to be written."""


def install_reactor() -> str:
    """Install the asyncio reactor, on uvloop if that is installed, unless there is a reactor. Returns its name."""
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
    started: Callable[[list[AppListeningPort]], None] | None = None,
    exiting: bool = False,
) -> None:
    """Serve an App, a Resource or a Site on endpoints until SIGINT or SIGTERM, then let running requests finish.

    A second signal aborts the running requests, or cancels the running stop hook; a third one kills the process. SIGHUP
    stops the server too, but is never a second signal. SIGUSR1 reopens the file of the access log, and SIGUSR2 is
    ignored. Signals that the program handles or ignores are left alone.

    `started` is called when requests are accepted. If it is None, Twisted's log goes to the standard error, unless the
    program has begun it, and the addresses are logged. If `access_log_file` is None, the access log goes to the
    standard output. A closed standard stream becomes the null device. `exiting` says that the process ends after this
    call: the signals that were handled, except SIGINT and SIGTERM, are then ignored.

    Raises StartError and EngineError if serving cannot begin, and OSError if the access log cannot be opened.
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
    if getattr(servable, "half_close", False):  # set on a Site
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
    """Wait until both logs are written, for FLUSH_TIMEOUT in total. It blocks.

    The thread of the error log writes while this waits for the access log. It has LAST_LINES_TIMEOUT in any case,
    because closing the access log may have logged the number of lost lines.
    """
    end = monotonic() + FLUSH_TIMEOUT
    if access_log is not None:
        access_log.close()
    flush_errors(max(end - monotonic(), LAST_LINES_TIMEOUT))


def _log_addresses(listening: list[AppListeningPort]) -> None:
    for port in listening:
        log.info("Serving on {address}", address=str(port))
    service = listening[0].server.service
    for warning in security_warnings(service.engine.limits, service.proxies, service.app.debug):
        log.warn("{warning}", warning=warning)


def _begin_logging() -> None:
    """Begin Twisted's log on the standard error, from level info on, unless the program has begun it."""
    if globalLogBeginner._temporaryObserver is not None:  # noqa: SLF001 - the only sign of it
        begin_logging(LogLevel.info)


def _handle_signals(reactor: Any, server: Server) -> GiveBack:
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


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
