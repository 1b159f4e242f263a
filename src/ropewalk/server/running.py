"""Run a serving process from its start to its exit, for `App.run` and the command line."""

from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic
from typing import Any, Final, Literal

from twisted.logger import Logger
from twisted.python.failure import Failure

from ropewalk._engine import Limits
from ropewalk.compression import Compression
from ropewalk.errors import StartError
from ropewalk.logs import LogOptions, configure_imported_structlog, forward_logging
from ropewalk.proxies import TrustedProxies
from ropewalk.server.access_log_writer import AccessLog
from ropewalk.server.app_listening_port import AppListeningPort, listen_with
from ropewalk.server.endpoint_descriptions import half_closing, tcp_endpoint
from ropewalk.server.error_log import begin_logging_unless_begun, flush_errors
from ropewalk.server.https_redirects import check_target_port, listen_and_redirect
from ropewalk.server.log_signals import handle_log_signals
from ropewalk.server.log_writer import FLUSH_TIMEOUT
from ropewalk.server.reactor_choice import install_reactor
from ropewalk.server.security_warnings import security_warnings
from ropewalk.server.server import Server, app_of, limits_of, proxies_of
from ropewalk.server.standard_streams import reserve_standard_streams
from ropewalk.server.stop_signals import handle_stop_signals
from ropewalk.server.tls_options import TLSOptions, load_tls
from ropewalk.server.watchdog import start_watchdog

log = Logger(namespace="ropewalk.server")

LAST_LINES_TIMEOUT: Final = 0.25
"""The least time, in seconds, that remains to write the last lines of the error log."""


def run(
    servable: Any,
    *,
    listen: Sequence[str],
    limits: Limits | None = None,
    proxies: TrustedProxies | None = None,
    compress: bool = False,
    access_log: Literal["combined", "timed", "json"] | None = None,
    access_log_file: Path | None = None,
    tls: TLSOptions | None = None,
    redirect_http: str | None = None,
    redirect_target_port: int | None = None,
    watchdog: float = 0,
    logs: LogOptions = LogOptions(),  # noqa: B008 - frozen
    started: Callable[[list[AppListeningPort]], None] | None = None,
    exiting: bool = False,
) -> None:
    """Serve an App, a Resource or a Site on endpoints until SIGINT or SIGTERM, then let running requests finish.

    A second signal aborts the running requests and cancels the running hook. A third one kills the process. SIGHUP
    stops the server, too, but does not count as a second signal. SIGUSR1 reopens the file of the access log, and
    SIGUSR2 is ignored. Except for SIGINT and SIGTERM, handlers that application code has set for signals, and ignored
    signals, are not changed. `started` is called when requests are accepted. If it is None, the addresses are logged,
    and Twisted's log goes to the standard error unless application code has begun it. If `access_log_file` is None, the
    access log goes to the standard output. A closed standard stream is replaced by the null device. Pass `exiting` if
    the process ends after this call: the handled signals, except SIGINT and SIGTERM, are then ignored.

    `logs` are the options of Twisted's log and of the access log. The records of `logging` go to Twisted's log. The
    events of structlog go there, too, if the program has imported it. If the program has configured `logging` or
    structlog itself, that one is not changed.

    With `compress`, responses are compressed, with the options of the app or else the defaults.

    With `tls`, the endpoints serve HTTPS. `redirect_http` is the address, such as "80" or "0.0.0.0:80", of a listener
    that redirects plain HTTP to the port of the first endpoint. If clients reach that port under another number, for
    example through a port mapping, give this number as `redirect_target_port`.

    With `watchdog`, calls that block the reactor for longer than this number of seconds are reported while they run.

    Raises StartError and EngineError if serving cannot begin, OSError if the access log cannot be opened, and
    StartError (RW331) for a wrong template or wrong fields of the access log.
    """
    check_target_port(redirect_target_port, redirect_http)
    reserve_standard_streams()
    install_reactor()
    from twisted.internet import reactor

    if started is None:
        started = log_addresses
        begin_logging_unless_begun(logs)
    end_forwarding = forward_logging(logs.level)
    configure_imported_structlog(logs.level)
    app = app_of(servable)
    if compress:
        app.compression = app.compression or Compression()
    limits = limits or limits_of(servable)
    proxies = proxies or proxies_of(servable)
    endpoints = [listen] if isinstance(listen, str) else listen
    if getattr(servable, "half_close", False):  # only a Site has this attribute
        endpoints = [half_closing(description) for description in endpoints]
    certificate = load_tls(tls) if tls is not None else None
    listening = [listen_with(app, reactor, description, limits, proxies, certificate) for description in endpoints]
    server: Server = app.server
    servers = [server]
    if watchdog:
        server.service.watchdog = start_watchdog(reactor, watchdog, app)
    if redirect_http is not None:
        if certificate is None:
            what = "redirect_http is set, and tls is not: there is no HTTPS to redirect to."
            raise StartError("RW426", what, "Set tls, too, or leave out redirect_http.")
        target = listening[0]
        covers = certificate.covers
        listening.append(
            listen_and_redirect(
                reactor,
                redirect_http,
                target.interface,
                redirect_target_port or target.port,
                covers,
                server.engine.limits,
            )
        )
        servers.append(listening[-1].server)
    lines = None
    if access_log is not None or logs.access_template is not None or logs.access_fields:
        lines = AccessLog(access_log_file)
        # Reversed, because the last call decides which server counts lost lines: the first one.
        for each in reversed(servers):
            each.service.log_access(access_log or "", lines, logs)
    failures: list[Failure] = []

    def fail(failure: Failure) -> None:
        if not server.stopping:
            failures.append(failure)
            reactor.stop()

    server.started().addCallback(lambda _: started(listening)).addErrback(fail)
    give_back = [handle_log_signals(reactor)]
    reactor.callWhenRunning(lambda: give_back.append(handle_stop_signals(reactor, *servers)))
    try:
        reactor.run()
    finally:
        finish_logs(lines)
        for restore in give_back:
            restore(exiting=exiting)
        end_forwarding()
    if failures:
        failures[0].raiseException()


def run_on_tcp(servable: Any, host: str, port: int, *, half_close: bool, **options: Any) -> None:
    """Like `run`, on one TCP port.

    With `half_close`, clients may close their sending side and still receive responses.
    """
    endpoint = tcp_endpoint(host, port)
    run(servable, listen=[half_closing(endpoint) if half_close else endpoint], **options)


def finish_logs(access_log: AccessLog | None) -> None:
    """Block until the access log and the error log are written, for at most FLUSH_TIMEOUT in total.

    While this function waits for the access log, the thread of the error log writes, too. Then the function waits for
    the error log for at least LAST_LINES_TIMEOUT, because closing the access log may log the number of lost lines.
    """
    end = monotonic() + FLUSH_TIMEOUT
    if access_log is not None:
        access_log.close()
    flush_errors(max(end - monotonic(), LAST_LINES_TIMEOUT))


def log_addresses(listening: Sequence[AppListeningPort], remarks: Sequence[str] = ()) -> None:
    """Log the addresses of a server that has started, remarks, and its settings that are less safe than the
    defaults."""
    for port in listening:
        log.info("Serving on {address}", address=str(port))
    service = listening[0].server.service
    warnings = security_warnings(service.engine.limits, service.proxies, service.app.debug, listening[0].tls)
    for warning in (*remarks, *warnings):
        log.warn("{warning}", warning=warning)
