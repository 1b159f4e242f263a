"""The common part of `run` and `static`: listening, logging, and start-up."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import click

from ropewalk import Limits, TrustedProxies
from ropewalk.cli.banner import print_banner
from ropewalk.cli.error import CLIError
from ropewalk.cli.flags import (
    Decorated,
    Seconds,
    WholeNumber,
    flag,
    half_close_flag,
    is_set,
    source_elsewhere,
    source_of,
)
from ropewalk.cli.limits import check_useful, limit_flag
from ropewalk.cli.logs import loaded, log_flags, names_in, redacted_names, start_logging
from ropewalk.cli.missing_packages import missing_packages
from ropewalk.cli.settings_precedence import config_flag
from ropewalk.cli.start_checks import settings_without_effect
from ropewalk.cli.target import LoadedTarget, Servable
from ropewalk.cli.tls import tls_flags
from ropewalk.errors import RopewalkError, StartError
from ropewalk.logs import LogFormat, LogLevelName, LogOptions
from ropewalk.proxies import ProxyHeaders
from ropewalk.server import (
    AppListeningPort,
    ClientCertificates,
    TLSOptions,
    TLSVersion,
    flush_errors,
    half_closing,
    handle_log_signals,
    install_reactor,
    limits_of,
    log_addresses,
    proxies_of,
    run,
    security_warnings,
    tcp_endpoint,
)
from ropewalk.server.endpoint_descriptions import parse_endpoint


@dataclass(frozen=True, kw_only=True)
class Serving:
    """The values of the flags for serving."""

    host: str = "127.0.0.1"
    """The address to listen on: an IP address or a host name."""
    port: int = 8080
    """The TCP port; 0 lets the system choose."""
    listen: Sequence[str] = ()
    """Endpoint descriptions. They replace host and port."""
    half_close: bool = False
    """Whether clients of all listeners may close their sending side and wait for their responses."""
    limits: Mapping[str, float] = field(default_factory=dict)
    """Limits by name. They override the limits of the target."""
    trusted_proxy: Sequence[str] = ()
    """Addresses and networks of the trusted proxies."""
    proxy_headers: ProxyHeaders | None = None
    """The header fields in which trusted proxies report the client."""
    proxy_host: bool = False
    """Whether X-Forwarded-Host is trusted too."""
    proxy_protocol: bool = False
    """Whether connections begin with a PROXY protocol header."""
    compress: bool = False
    """Whether responses are compressed."""
    access_log: Literal["combined", "timed", "json", "off"] = "combined"
    """The format of the access log."""
    access_log_file: Path | None = None
    """The file for the access log; None for standard output."""
    tls_certificate: Path | None = None
    """The file of the certificate for HTTPS; None for plain HTTP."""
    tls_key: Path | None = None
    """The file of the certificate's key; None if the key is in the file of the certificate."""
    tls_minimum_version: TLSVersion = "1.2"
    """The oldest version of TLS that clients may use."""
    tls_self_signed: bool = False
    """Whether to serve HTTPS with a certificate that is made at the start."""
    tls_local_authority: bool = False
    """Whether to serve HTTPS with a certificate of the user's local authority."""
    tls_client_ca: Path | None = None
    """The file of the authorities that sign certificates of clients; None to ask for none."""
    tls_client_certificates: ClientCertificates = "required"
    """Whether clients must have a certificate."""
    redirect_http: str | None = None
    """The address on which clients of plain HTTP are redirected to HTTPS."""
    redirect_target_port: int | None = None
    """The port of HTTPS in redirects; None for the port of the first listener."""
    watchdog: float = 0
    """Seconds after which a call that blocks the reactor is reported, while it still blocks; 0 switches this off."""
    log_level: LogLevelName = "info"
    """The lowest level of Twisted's log events that are shown on standard error."""
    log_format: LogFormat = "text"
    """The form of the log."""
    log_redact: Sequence[str] = ()
    """More names of secrets."""
    access_log_template: str | None = None
    """The template of the lines of the access log. It replaces the format."""
    access_log_fields: Sequence[str] = ()
    """The fields of the access log in JSON. They replace the format."""

    def endpoints(self) -> Sequence[str]:
        """The endpoint descriptions to listen on. Raises StartError (RW401) for a malformed description."""
        for description in self.listen:
            try:
                parse_endpoint(description)
            except StartError as error:
                raise StartError(error.code, f"{source_of('listen')}: {error.message}", error.remedy) from error
        try:
            endpoints = self.listen or [tcp_endpoint(self.host, self.port)]
        except StartError as error:
            raise StartError(error.code, f"{source_of('host')}: {error.message}", error.remedy) from error
        return [half_closing(each) for each in endpoints] if self.half_close else endpoints

    def logs(self) -> LogOptions:
        """The options of the logs. Raises UsageError for a template together with fields."""
        fields = names_in(self.access_log_fields)
        if self.access_log_template is not None and fields:
            both = f"{source_of('access_log_template')} and {source_of('access_log_fields')}"
            raise click.UsageError(f"{both} are set. Leave out one of them.")
        is_off = self.access_log == "off"
        return LogOptions(
            format=self.log_format,
            level=self.log_level,
            access_template=None if is_off else self.access_log_template,
            access_fields=() if is_off else fields,
            redact=redacted_names(self.log_redact),
        )

    def tls(self) -> TLSOptions | None:
        """The options for HTTPS; None for plain HTTP.

        Raises StartError (RW426) for settings that contradict each other.
        """
        if self.redirect_target_port is not None and self.redirect_http is None:
            message = f"{source_of('redirect_target_port')} is set, and nothing is redirected."
            raise StartError("RW426", message, f"Set {source_of('redirect_http', like='redirect_target_port')}, too.")
        if self.tls_client_ca is None and is_set("tls_client_certificates"):
            message = f"{source_of('tls_client_certificates')} is set, and clients are not asked for a certificate."
            raise StartError(
                "RW426", message, f"Set {source_of('tls_client_ca', like='tls_client_certificates')}, too."
            )
        made = [name for name in ("tls_self_signed", "tls_local_authority") if getattr(self, name)]
        for name in ("tls_local_authority", "tls_certificate", "tls_key") if made else ():
            if made[0] != name and getattr(self, name):
                message = f"{source_of(made[0])} and {source_of(name)} are set."
                raise StartError("RW426", message, "Leave out one of them.")
        if self.tls_certificate is None and not made:
            for name in ("tls_key", "tls_client_ca", "redirect_http"):
                if getattr(self, name) is not None:
                    message = f"{source_of(name)} needs a certificate, and there is none."
                    remedy = f"Set {source_of('tls_certificate', like=name)}, too."
                    raise StartError("RW426", message, remedy)
            return None
        return TLSOptions(
            certificate=self.tls_certificate,
            key=self.tls_key,
            minimum_version=self.tls_minimum_version,
            self_signed=self.tls_self_signed,
            local_authority=self.tls_local_authority,
            client_ca=self.tls_client_ca,
            client_certificates=self.tls_client_certificates,
        )

    def limits_of(self, servable: Servable) -> Limits:
        """The limits of `servable`, except that limits set by flags replace them.

        Raises CLIError (RW423) for useless limits.
        """
        limits = (limits_of(servable) or Limits()).replace(**self.limits)
        check_useful("the app", {name: getattr(limits, name) for name in Limits.names})
        return limits

    def proxies_of(self, servable: Servable) -> TrustedProxies | None:
        """The trusted proxies that flags set, or else the trusted proxies of `servable`.

        Raises StartError (RW402) if the flags are incomplete or contradictory.
        """
        if not (self.trusted_proxy or self.proxy_headers or self.proxy_host or self.proxy_protocol):
            return proxies_of(servable)
        if not self.trusted_proxy:
            given = next(name for name in ("proxy_headers", "proxy_host", "proxy_protocol") if getattr(self, name))
            message = f"{source_of(given)} needs a trusted proxy, and there is none."
            raise StartError(
                "RW402", message, f"Give the proxy's address with {source_of('trusted_proxy', like=given)}."
            )
        if not (self.proxy_headers or self.proxy_protocol):
            message = f"It is not set how the proxies of {source_of('trusted_proxy')} report clients."
            ways = [source_of(name, like="trusted_proxy") for name in ("proxy_headers", "proxy_protocol")]
            raise StartError("RW402", message, f"Set {' or '.join(ways)}.")
        if self.proxy_host and self.proxy_headers != "x-forwarded":
            host, family = source_of("proxy_host"), source_of("proxy_headers", like="proxy_host")
            message = f"{host} trusts X-Forwarded-Host, but the other X-Forwarded headers are not trusted."
            raise StartError("RW402", message, f"Leave out {host}, or set {family} to x-forwarded.")
        try:
            return TrustedProxies(
                self.trusted_proxy,
                headers=self.proxy_headers,
                host=self.proxy_host,
                proxy_protocol=self.proxy_protocol,
            )
        except StartError as error:
            raise StartError(error.code, f"{source_of('trusted_proxy')}: {error.message}", error.remedy) from error


def serving_flags(command: Decorated) -> Decorated:
    """Add the flags for serving to a command, which makes a `Serving` from them."""
    for decorate in reversed(_FLAGS):
        command = decorate(command)
    return command


_FLAGS: Sequence[Callable[[Any], Any]] = (
    flag("--host", default=Serving.host, help="Address to listen on."),
    flag("--port", "-p", default=Serving.port, type=WholeNumber(0, 65535), help="TCP port; 0 chooses a free one."),
    flag(
        "--listen",
        multiple=True,
        metavar="ENDPOINT",
        help="Listen on this endpoint instead of --host and --port: tcp:8080, unix:/run/app.sock, "
        "systemd:domain=INET:index=0. May be repeated.",
    ),
    half_close_flag,
    limit_flag,
    flag(
        "--trusted-proxy",
        multiple=True,
        metavar="ADDRESS",
        help="Trust the proxy at this address to report clients: 10.0.0.1, 10.0.0.0/8, or unix for UNIX sockets. "
        "May be repeated.",
    ),
    flag(
        "--proxy-headers",
        type=click.Choice(get_args(ProxyHeaders)),
        default=Serving.proxy_headers,
        help="Header fields in which trusted proxies report clients.",
    ),
    flag(
        "--proxy-host/--no-proxy-host",
        default=Serving.proxy_host,
        show_default=False,
        help="Trust X-Forwarded-Host, too. Every trusted proxy must set or remove this field.",
    ),
    flag(
        "--proxy-protocol",
        is_flag=True,
        default=Serving.proxy_protocol,
        show_default=False,
        help="Require a PROXY protocol header from a trusted proxy on every connection.",
    ),
    flag(
        "--compress",
        is_flag=True,
        default=Serving.compress,
        show_default=False,
        help="Compress responses with zstd, br or gzip, as each client accepts.",
    ),
    flag(
        "--access-log",
        type=click.Choice(["combined", "timed", "json", "off"]),
        default=Serving.access_log,
        help="Format of the access log.",
    ),
    flag(
        "--access-log-file",
        type=click.Path(dir_okay=False, writable=True, path_type=Path),
        help="File to which the access log is appended.  [default: the standard output]",
    ),
    *tls_flags,
    flag(
        "--watchdog",
        type=Seconds(0, 60),
        default=Serving.watchdog,
        show_default=False,
        metavar="SECONDS",
        help="Report the code that blocks the event loop for this time, while it does.  [default: 0, off]",
    ),
    *log_flags,
    config_flag,
)


def serve(load: Callable[[], LoadedTarget], options: Serving) -> None:
    """Install the reactor, load the target, and serve it until SIGINT or SIGTERM. Then drain."""
    kind = install_reactor()
    logs = options.logs()
    start_logging(logs)
    from twisted.internet import reactor

    # The signals are handled before the target is imported, because a log may be rotated during the import.
    give_back = handle_log_signals(reactor)
    try:
        _serve(loaded(load, logs), options, kind)
    finally:
        flush_errors()
        give_back(exiting=True)


def _serve(target: LoadedTarget, options: Serving, reactor: str) -> None:

    def started(ports: Sequence[AppListeningPort]) -> None:
        service = ports[0].server.service
        if options.log_level == "debug":
            service.engine.set_debug(True)
        remarks = [*settings_without_effect(click.get_current_context()), *missing_packages(service.app)]
        if options.log_format == "json":  # then each line must be a JSON object
            log_addresses(ports, remarks)
            return
        less_safe = security_warnings(service.engine.limits, service.proxies, service.app.debug, ports[0].tls)
        print_banner(target, ports, reactor, [*remarks, *less_safe])

    with failing(options):
        run(
            target.value,
            listen=options.endpoints(),
            limits=options.limits_of(target.value),
            proxies=options.proxies_of(target.value),
            compress=options.compress,
            access_log=None if options.access_log == "off" else options.access_log,
            access_log_file=options.access_log_file,
            tls=options.tls(),
            redirect_http=options.redirect_http,
            redirect_target_port=options.redirect_target_port,
            watchdog=options.watchdog,
            logs=options.logs(),
            started=started,
            exiting=True,
        )


@contextmanager
def failing(options: Serving) -> Iterator[None]:
    """Turn Ropewalk's errors, and errors in opening the access log, into a `CLIError`."""
    try:
        yield
    except OSError as error:
        if options.access_log_file is None or error.filename != str(options.access_log_file):
            raise
        message = f"{error.filename} cannot be opened: {error.strerror}."
        raise CLIError("RW424", _from("access_log_file", message)) from error
    except RopewalkError as error:
        text = f"{error}".removeprefix(error.code).strip()
        if error.code == "RW502":
            resolving = getattr(error.__cause__, "errno", 0) is None  # a failed lookup of the host has no errno
            text = _from("listen" if options.listen else "host" if resolving else "port", text)
        if error.code == "RW331":  # several values of the flag have the same field
            text = _from("access_log_fields", text)
        if error.code == "RW425":
            text = _from(_setting_of_file(options, text), text)
        raise CLIError(error.code, text) from error


def _setting_of_file(options: Serving, message: str) -> str:
    """The setting for the file with which a message about TLS begins."""
    for name in ("tls_key", "tls_client_ca"):
        path = getattr(options, name)
        if path is not None and message.startswith((f"{path} ", f"{path},", f"{path}:")):
            return name
    return "tls_certificate"


def _from(name: str, message: str) -> str:
    """A message about a setting. It begins with the place of the setting, unless that is the command line."""
    source = source_elsewhere(name)
    return f"{source}: {message}" if source else message
