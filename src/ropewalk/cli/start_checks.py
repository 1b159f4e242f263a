"""The checks that `ropewalk check` makes: endpoints and files, without opening them, and settings without effect."""

import errno
import os
import socket
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from ropewalk.cli.flags import is_set, source_of
from ropewalk.proxies import TrustedProxies
from ropewalk.server import TLSOptions, load_tls
from ropewalk.server.app_listening_port import check_tls
from ropewalk.server.endpoint_descriptions import ParsedEndpoint, Tcp, Unix, parse_endpoint
from ropewalk.server.listen_errors import cannot_listen
from ropewalk.suggest import did_you_mean

if TYPE_CHECKING:
    from ropewalk.server.tls import ServerTLS

PREFIX = "ROPEWALK_"


def settings_without_effect(context: click.Context) -> list[str]:
    """One sentence for each setting that has no effect."""
    lines: list[str] = []
    source = context.get_parameter_source("listen")
    if source not in (None, ParameterSource.DEFAULT):
        beside = [name for name in ("host", "port") if context.get_parameter_source(name) is source]
        lines += [f"{source_of(name)} is ignored, because {source_of('listen')} is set." for name in beside]
    is_tls = any(context.params.get(each) for each in ("tls_certificate", "tls_self_signed", "tls_local_authority"))
    if context.params.get("half_close") and is_tls:
        lines.append(f"{source_of('half_close')} has no effect over TLS.")
    if is_set("tls_minimum_version", context) and not is_tls:
        lines.append(f"{source_of('tls_minimum_version')} has no effect without a certificate: this is plain HTTP.")
    known = {f"{each.envvar}" for command in _commands(context) for each in command.params if each.envvar}
    unknown = sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)
    lines += [f"{name} is not a setting of Ropewalk, and is ignored.{did_you_mean(name, known)}" for name in unknown]
    return lines


def check_endpoints(endpoints: Iterable[str]) -> list[str]:
    """One sentence for each endpoint that is in use. Raises EngineError (RW502) for an unusable endpoint."""
    remarks = []
    for description in endpoints:
        endpoint = parse_endpoint(description)
        try:
            _check(endpoint)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                remarks.append(f"{description} is in use now. A start will fail until it is free.")
                continue
            raise cannot_listen(description, endpoint, error) from error
    return remarks


def check_certificate(tls: TLSOptions, endpoints: Iterable[str], proxies: TrustedProxies | None) -> "ServerTLS":
    """Read the certificate, and return it.

    Raises StartError: RW425 if it cannot be used, RW426 if an endpoint or the proxies do not work over TLS, and RW750
    if a package for TLS is not installed.
    """
    certificate = load_tls(tls)
    check_tls(proxies)
    for description in endpoints:
        certificate.check_endpoint(description)
    return certificate


def check_file(path: Path) -> None:
    """Raises OSError if a file cannot be appended to. The file is not opened or created."""
    if path.exists():
        if not os.access(path, os.W_OK):
            raise _error(errno.EACCES, path)
        return
    _check_folder(path)


def _commands(context: click.Context) -> list[click.Command]:
    root = context.find_root().command
    return list(root.commands.values()) if isinstance(root, click.Group) else [root]


def _check(endpoint: ParsedEndpoint) -> None:
    match endpoint:
        case Tcp(host=host, port=port, reuse_port=reuse_port):
            try:
                found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            except socket.gaierror as error:
                raise OSError(error.strerror) from error  # the engine's exception has no error number either
            family, kind, protocol, _, address = found[0]
            with socket.socket(family, kind, protocol) as probe:  # without listening, so that no client can connect
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if reuse_port:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                probe.bind(address)
        case Unix(path=path) if not path.startswith("\0"):
            place = Path(path)
            if len(os.fsencode(path)) > 107:
                raise _error(errno.ENAMETOOLONG, place)
            if place.exists():
                if not stat.S_ISSOCK(place.stat().st_mode):
                    raise _error(errno.EEXIST, place)
                if _is_served(path):
                    raise _error(errno.EADDRINUSE, place)
            _check_folder(place)


def _is_served(path: str) -> bool:
    """Whether a server listens on a UNIX socket: it accepts a connection, or too many clients wait for it."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except BlockingIOError:
            return True
        except OSError:  # the server has ended; or this user may not connect, which does not matter
            return False
        return True


def _check_folder(path: Path) -> None:
    """Raises OSError if no file can be created at a path."""
    folder = path.parent
    try:
        is_folder = stat.S_ISDIR(folder.stat().st_mode)
    except OSError as error:
        raise _error(error.errno or errno.ENOENT, path) from error
    if not is_folder:
        raise _error(errno.ENOTDIR, path)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _error(errno.EACCES, path)


def _error(number: int, path: Path) -> OSError:
    return OSError(number, os.strerror(number), f"{path}")
