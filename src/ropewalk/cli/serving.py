"""What `run` and `static` have in common: where to listen, what to log, how to begin."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import click

from ropewalk import Limits, TrustedProxies
from ropewalk.cli.banner import print_banner
from ropewalk.cli.failure import Failure
from ropewalk.cli.flags import Command, config_flag, flag
from ropewalk.cli.limits import limit_flag
from ropewalk.cli.logs import LEVELS, start_logging
from ropewalk.cli.target import Servable, Target
from ropewalk.errors import RopewalkError, StartError
from ropewalk.proxies import ProxyHeaders
from ropewalk.server import Listening, cautions, install_reactor, limits_of, proxies_of, run, tcp_endpoint


@dataclass(frozen=True, kw_only=True)
class Serving:
    """How to serve. One field for each flag."""

    host: str = "127.0.0.1"
    """The address to listen on, by number or name."""
    port: int = 8080
    """The TCP port; 0 lets the system choose."""
    listen: Sequence[str] = ()
    """Endpoint descriptions, in place of host and port."""
    limits: Mapping[str, float] = field(default_factory=dict)
    """Limits by name. They stand over those of the target."""
    trusted_proxy: Sequence[str] = ()
    """Addresses and networks of the proxies whose word on the client counts."""
    proxy_headers: ProxyHeaders | None = None
    """The header fields with which they give it."""
    proxy_host: bool = False
    """Whether X-Forwarded-Host is one of them."""
    proxy_protocol: bool = False
    """Whether connections begin with a header of the PROXY protocol."""
    access_log: Literal["combined", "json", "off"] = "combined"
    """The form of the access log."""
    access_log_file: Path | None = None
    """Where it goes; None is the standard output."""
    log_level: str = "info"
    """The least level of Twisted's log that is shown, on the standard error."""

    def endpoints(self) -> Sequence[str]:
        """What to listen on, as endpoint descriptions."""
        return self.listen or [tcp_endpoint(self.host, self.port)]

    def limits_of(self, servable: Servable) -> Limits:
        """The limits under which `servable` is served."""
        return (limits_of(servable) or Limits()).replace(**self.limits)

    def proxies_of(self, servable: Servable) -> TrustedProxies | None:
        """The proxies that are trusted where `servable` is served: those of the flags where there are any."""
        if not (self.trusted_proxy or self.proxy_headers or self.proxy_host or self.proxy_protocol):
            return proxies_of(servable)
        if not self.trusted_proxy:
            raise StartError("RW402", "No proxy is trusted.", "Name its address by --trusted-proxy.")
        if not (self.proxy_headers or self.proxy_protocol):
            message = "It is not said how trusted proxies tell of clients."
            raise StartError("RW402", message, "Use --proxy-headers or --proxy-protocol.")
        if self.proxy_host and self.proxy_headers != "x-forwarded":
            message = "X-Forwarded-Host is to be believed, but its family is not."
            raise StartError("RW402", message, "Leave out --proxy-host, or say --proxy-headers x-forwarded.")
        return TrustedProxies(
            self.trusted_proxy,
            headers=self.proxy_headers,
            host=self.proxy_host,
            proxy_protocol=self.proxy_protocol,
        )


def serving_flags(command: Command) -> Command:
    """The flags from which a command makes its `Serving`."""
    for decorate in reversed(_FLAGS):
        command = decorate(command)
    return command


_FLAGS: Sequence[Callable[[Any], Any]] = (
    flag("--host", default=Serving.host, help="Address to listen on."),
    flag("--port", "-p", default=Serving.port, type=click.IntRange(0, 65535), help="TCP port; 0 takes a free one."),
    flag(
        "--listen",
        multiple=True,
        metavar="ENDPOINT",
        help="Listen here in place of --host and --port: tcp:8080, unix:/run/app.sock, systemd:domain=INET:index=0. "
        "May be repeated.",
    ),
    limit_flag,
    flag(
        "--trusted-proxy",
        multiple=True,
        metavar="ADDRESS",
        help="Believe what the proxy there says of clients: 10.0.0.1, 10.0.0.0/8, or unix for peers on UNIX sockets. "
        "May be repeated.",
    ),
    flag(
        "--proxy-headers",
        type=click.Choice(get_args(ProxyHeaders)),
        default=Serving.proxy_headers,
        help="Header fields with which trusted proxies say it.",
    ),
    flag(
        "--proxy-host/--no-proxy-host",
        default=Serving.proxy_host,
        show_default=False,
        help="Believe X-Forwarded-Host too, which every trusted proxy has to set or to remove.",
    ),
    flag(
        "--proxy-protocol",
        is_flag=True,
        default=Serving.proxy_protocol,
        show_default=False,
        help="Have every connection begin with a PROXY header of a trusted proxy.",
    ),
    flag(
        "--access-log",
        type=click.Choice(["combined", "json", "off"]),
        default=Serving.access_log,
        help="Form of the access log.",
    ),
    flag(
        "--access-log-file",
        type=click.Path(dir_okay=False, writable=True, path_type=Path),
        help="File to which the access log is appended.  [default: the standard output]",
    ),
    flag("--log-level", type=click.Choice(LEVELS), default=Serving.log_level, help="Least level that is logged."),
    config_flag,
)


def serve(load: Callable[[], Target], options: Serving) -> None:
    """Install the reactor, then load the target, then serve it until SIGINT or SIGTERM has drained it."""
    reactor = install_reactor()
    start_logging(options.log_level)
    target = load()

    def started(ports: Sequence[Listening]) -> None:
        service = ports[0].server.service
        if options.log_level == "debug":
            service.engine.set_debug(True)
        print_banner(target, ports, reactor, cautions(service.engine.limits, service.proxies))

    with failing():
        run(
            target.value,
            listen=options.endpoints(),
            limits=options.limits_of(target.value),
            proxies=options.proxies_of(target.value),
            access_log=None if options.access_log == "off" else options.access_log,
            access_log_file=options.access_log_file,
            started=started,
        )


@contextmanager
def failing() -> Iterator[None]:
    """Errors of our own, and those of opening files, as a `Failure`."""
    try:
        yield
    except OSError as error:
        raise Failure("RW424", f"{error.filename} cannot be opened: {error.strerror}.") from error
    except RopewalkError as error:
        raise Failure(error.code, f"{error}".removeprefix(error.code).strip()) from error
