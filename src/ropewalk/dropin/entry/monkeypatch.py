"""Put the drop-in where twisted.web's own classes are, for programs that know nothing of it."""

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
from ropewalk.dropin.connection.override_check import listeners
from ropewalk.dropin.entry.accelerate import take_over
from ropewalk.dropin.entry.extras import is_installed, is_tls_factory, require
from ropewalk.dropin.entry.factories import innermost, limit
from ropewalk.dropin.entry.fallback import reason_of
from ropewalk.dropin.graft.tree_check import check_child
from ropewalk.dropin.request.lenient import LenientRequest
from ropewalk.errors import StartError, shown
from ropewalk.server.socket_files import leave_to_others

LISTENING: Final = ("listenTCP", "listenUNIX", "adoptStreamPort")
"""With these a reactor opens ports of streams; endpoints and services come down to them, and so does TLS."""

Replacement = tuple[Any, str, object]
"""An owner, the name of its attribute, and what that is to be."""


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
    """Replace twisted.web's channel and request in this process, and have the engine accept for its sites.

    It is for the time before a program is imported: what that imports from twisted.web, and derives from it, is ours
    then. `channel` and `request` take the places of `http.HTTPChannel` and `server.Request`; None leaves those alone.
    With `listening` the engine accepts wherever a reactor opens a port for a site; `limits`, by name, stand over those
    that the site has by itself, and `served` is called with the address of the port. With `half_close`, clients of
    those ports may close their sending side and wait for their responses.

    Where it is clear when a port opens that its connections stay on Twisted's own channel, `kept` is called in place of
    `served`, with the reason and the address. Where the first connection shows it, `kept` is called with the reason and
    an empty string, once for each reason.

    What it returns puts everything back by `close()`, and is a context manager. No reactor is installed.
    """
    before = ExitStack()
    replacements: list[Replacement] = []
    if channel is not None:
        replacements.append((http, "HTTPChannel", channel))
    if limits:
        replacements.append((HTTPChannel, "limits", limits))
    if request is not None:
        replacements += [(server, "Request", request), (server.Site, "requestFactory", request)]
    if request is not None and issubclass(request, LenientRequest):
        replacements.append((Resource, "putChild", _putting_str(Resource.putChild)))
    if listening:
        told = _Told(served or _say_nothing, kept or _say_nothing)
        replacements += _listening(limits or {}, half_close, told)
        before.enter_context(told)
    for owner, name, value in replacements:
        before.callback(setattr, owner, name, vars(owner)[name])
        setattr(owner, name, value)
    return before


class _Told:
    """Says of each port by whose channel it is served. As a context, it hears of connections that stay Twisted's."""

    def __init__(self, served: Callable[[str], object], kept: Callable[[str, str], object]) -> None:
        self._served = served
        self._kept = kept
        self._reasons: set[str] = set()

    def __enter__(self) -> None:
        listeners.append(self._hear)

    def __exit__(self, *_: object) -> None:
        listeners.remove(self._hear)

    def tell(self, site: Any, address: str) -> None:
        reason = reason_of(site)
        if reason:
            self._reasons.add(reason)
            self._kept(reason, address)
        else:
            self._served(address)

    def _hear(self, reason: str) -> None:
        if reason not in self._reasons:
            self._reasons.add(reason)
            self._kept(reason, "")


def _putting_str(
    put: Callable[[Resource, bytes, IResource], None],
) -> Callable[[Resource, bytes | str, IResource], None]:
    @wraps(put)
    def putChild(self: Resource, path: bytes | str, child: IResource) -> None:
        name = path.encode() if isinstance(path, str) else path
        check_child(child, f"as the child {shown(path)}")
        put(self, name, child)

    return putChild


def _listening(limits: Mapping[str, float], half_close: bool, told: _Told) -> Iterator[Replacement]:
    for name in LISTENING:
        yield PosixReactorBase, name, _taking_over(getattr(PosixReactorBase, name), limits, half_close, told)
    if not is_installed("OpenSSL"):
        yield PosixReactorBase, "listenSSL", _explaining(PosixReactorBase.listenSSL)


def _taking_over(
    listen: Callable[..., Any], limits: Mapping[str, float], half_close: bool, told: _Told
) -> Callable[..., Any]:
    """A method of a reactor that opens the port as ever, and then has the engine accept on it where it is a site's."""

    @wraps(listen)
    def listening(reactor: Any, *args: Any, **options: Any) -> Any:
        port = listen(reactor, *args, **options)
        site = innermost(port.factory)
        if isinstance(site, http.HTTPFactory):
            if listen.__name__ == "adoptStreamPort":
                leave_to_others(port)
            _accept(port, limit(site, limits), half_close)
            told.tell(site, _url(port))
        return port

    return listening


def _explaining(listen: Callable[..., Any]) -> Callable[..., Any]:
    """`listenSSL` where there is no pyOpenSSL, and Twisted's own fails an assertion."""

    @wraps(listen)
    def listenSSL(*_: Any, **__: Any) -> Any:
        require("reactor.listenSSL", "OpenSSL")

    return listenSSL


def _accept(port: Any, limits: Limits | None, half_close: bool) -> None:
    try:
        take_over(port, limits=limits, half_close=half_close)
    except StartError:  # the program has given its site limits, and they were meant for it alone
        take_over(port, half_close=half_close)


def _url(port: Any) -> str:
    """The address of a listening port, as one would type it into a browser."""
    address = port.getHost()
    if isinstance(address, UNIXAddress):
        return f"unix:{(address.name or b'').decode(errors='replace')}"
    scheme = "https" if is_tls_factory(port.factory) else "http"
    return f"{scheme}://{f'[{address.host}]' if ':' in address.host else address.host}:{address.port}"


def _say_nothing(*_: str) -> None:
    """Where nobody wants to be told."""
