"""Replaces classes of twisted.web with Ropewalk's, for unchanged programs."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import wraps
from typing import Any, Final

from twisted.internet.address import UNIXAddress
from twisted.internet.posixbase import PosixReactorBase
from twisted.web import http, server
from twisted.web.resource import IResource, Resource

from ropewalk._engine import Limits
from ropewalk.dropin.connection.channel import HTTPChannel
from ropewalk.dropin.connection.override_check import observers
from ropewalk.dropin.entry.accelerate import accelerate_port
from ropewalk.dropin.entry.extras import is_installed, is_tls_factory, require
from ropewalk.dropin.entry.factories import limits_for, unwrap
from ropewalk.dropin.entry.fallback import fallback_reason
from ropewalk.dropin.request.lenient import LenientRequest
from ropewalk.dropin.tree_check import check_child
from ropewalk.errors import StartError, shown
from ropewalk.server.socket_files import leave_to_others

LISTENING: Final = ("listenTCP", "listenUNIX", "adoptStreamPort")
"""The methods of a reactor that open stream ports. Endpoints, services and TLS call them too."""

Replacement = tuple[Any, str, object]
"""An object, the name of one of its attributes, and the new value of this attribute."""


def replace(
    *,
    channel: type[http.HTTPChannel] | None = HTTPChannel,
    request: type[server.Request] | None = LenientRequest,
    listening: bool = True,
    limits: Mapping[str, float] | None = None,
    half_close: bool = False,
    served: Callable[[str], object] | None = None,
    kept: Callable[[str, str], object] | None = None,
) -> ExitStack:
    """Replace twisted.web's channel and request in this process, and let the engine accept connections for its sites.

    Call it before you import the program, so that the program imports the replacements and derives from them. `channel`
    replaces `http.HTTPChannel`, and `request` replaces `server.Request`; None keeps the original class. With
    `listening`, the engine accepts connections for every port that a reactor opens for a site, and `served` is called
    with the address of the port. `limits`, by name, override the limits of the site. With `half_close`, clients of
    these ports may close their sending side and still receive their responses.

    If Twisted's own channel must serve the connections of a port, `kept` is called instead of `served`, with the reason
    and the address. If this is found only when a connection is made, `kept` is called with the reason and an empty
    string, once for each reason.

    Returns a context manager; its `close()` restores the originals. No reactor is installed.
    """
    restore = ExitStack()
    replacements: list[Replacement] = []
    if channel is not None:
        replacements.append((http, "HTTPChannel", channel))
    if limits:
        replacements.append((HTTPChannel, "limits", limits))
    if request is not None:
        replacements += [(server, "Request", request), (server.Site, "requestFactory", request)]
    if request is not None and issubclass(request, LenientRequest):
        replacements.append((Resource, "putChild", _accept_str(Resource.putChild)))
    if listening:
        reports = _Reports(served or _ignore, kept or _ignore)
        replacements += _listening(limits or {}, half_close, reports)
        restore.enter_context(reports)
    for owner, name, value in replacements:
        if name in vars(owner):
            restore.callback(setattr, owner, name, vars(owner)[name])
        else:
            restore.callback(delattr, owner, name)  # the original attribute is inherited
        setattr(owner, name, value)
    return restore


class _Reports:
    """Reports for each port whether the engine or Twisted serves it. As a context manager, it also reports connections
    that Twisted serves."""

    def __init__(self, served: Callable[[str], object], kept: Callable[[str, str], object]) -> None:
        self._served = served
        self._kept = kept
        self._reasons: set[str] = set()

    def __enter__(self) -> None:
        observers.append(self._report_connection)

    def __exit__(self, *_: object) -> None:
        observers.remove(self._report_connection)

    def report_port(self, site: Any, address: str) -> None:
        reason = fallback_reason(site)
        if reason:
            self._reasons.add(reason)
            self._kept(reason, address)
        else:
            self._served(address)

    def _report_connection(self, reason: str) -> None:
        if reason not in self._reasons:
            self._reasons.add(reason)
            self._kept(reason, "")


def _accept_str(
    put: Callable[[Resource, bytes, IResource], None],
) -> Callable[[Resource, bytes | str, IResource], None]:
    @wraps(put)
    def putChild(self: Resource, path: bytes | str, child: IResource) -> None:
        name = path.encode() if isinstance(path, str) else path
        check_child(child, f"as the child {shown(path)}")
        put(self, name, child)

    return putChild


def _listening(limits: Mapping[str, float], half_close: bool, reports: _Reports) -> Iterator[Replacement]:
    for name in LISTENING:
        yield PosixReactorBase, name, _accelerating(getattr(PosixReactorBase, name), limits, half_close, reports)
    if not is_installed("OpenSSL"):
        yield PosixReactorBase, "listenSSL", _require_openssl(PosixReactorBase.listenSSL)


def _accelerating(
    listen: Callable[..., Any], limits: Mapping[str, float], half_close: bool, reports: _Reports
) -> Callable[..., Any]:
    """Wrap a reactor's method that opens a port. If the port is for a site, the engine accepts its connections."""

    @wraps(listen)
    def listening(reactor: Any, *args: Any, **options: Any) -> Any:
        port = listen(reactor, *args, **options)
        site = unwrap(port.factory)
        if isinstance(site, http.HTTPFactory):
            if listen.__name__ == "adoptStreamPort":
                leave_to_others(port)
            _accept(port, limits_for(site, limits), half_close)
            reports.report_port(site, _url(port))
        return port

    return listening


def _require_openssl(listen: Callable[..., Any]) -> Callable[..., Any]:
    """Replace `listenSSL`, because without pyOpenSSL it fails with an AssertionError."""

    @wraps(listen)
    def listenSSL(*_: Any, **__: Any) -> Any:
        require("reactor.listenSSL", "OpenSSL")

    return listenSSL


def _accept(port: Any, limits: Limits | None, half_close: bool) -> None:
    try:
        accelerate_port(port, limits=limits, half_close=half_close)
    except StartError:  # the program has set limits for its site, and these have priority
        accelerate_port(port, half_close=half_close)


def _url(port: Any) -> str:
    """Return the URL of a listening port."""
    address = port.getHost()
    if isinstance(address, UNIXAddress):
        return f"unix:{(address.name or b'').decode(errors='replace')}"
    scheme = "https" if is_tls_factory(port.factory) else "http"
    return f"{scheme}://{f'[{address.host}]' if ':' in address.host else address.host}:{address.port}"


def _ignore(*_: str) -> None:
    """Report nothing."""
