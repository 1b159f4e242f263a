"""A separate listener that redirects clients of plain HTTP to the HTTPS listeners of the app."""

from collections.abc import Callable
from typing import Any, Final

from ropewalk._engine import Limits
from ropewalk.app import App
from ropewalk.errors import StartError, is_int, shown
from ropewalk.middleware import Next
from ropewalk.middleware.hosts import split_host
from ropewalk.request import Request
from ropewalk.response import Response
from ropewalk.server.app_listening_port import AppListeningPort
from ropewalk.server.endpoint_descriptions import KNOWN, parse_endpoint, tcp_endpoint
from ropewalk.server.server import Server

HTTPS_PORT: Final = 443
"""The default port of https URLs, which a redirect omits."""


class RedirectPort(AppListeningPort):
    """A listening socket that redirects to HTTPS."""

    def __str__(self) -> str:
        return f"{super().__str__()} (redirects to HTTPS)"


def listen_and_redirect(
    reactor: Any, address: str, host: str, port: int, covers: Callable[[str], bool], limits: Limits | None
) -> RedirectPort:
    """Listen on `address`, and redirect to HTTPS on `port`. `host` is used if the address has no host.

    Raises StartError (RW426) for a malformed address, and EngineError (RW502) if the socket cannot be opened.
    """
    app = redirecting_app(port, covers)
    app.server = Server(app, reactor, limits)
    return RedirectPort(app.server, redirect_endpoint(address, host))


def redirecting_app(port: int, covers: Callable[[str], bool]) -> App:
    """An app that redirects every request to HTTPS on `port`, if the certificate covers the host of the request.

    Without this check, a forged Host field could redirect to another host, and a cache in front of the server could
    store this redirect. A request for any other host gets a 421.
    """

    async def redirect(request: Request, next: Next) -> Response:
        del next
        found = split_host(request.host)
        if found is None or not request.raw_path.startswith(b"/"):
            return _refuse(400, "The Host or the path is malformed.\n")
        name, _ = found
        if not covers(name):
            return _refuse(421, "This server has no certificate for this host.\n")
        authority = name if port == HTTPS_PORT else f"{name}:{port}"
        query = b"?" + request.query_string if request.query_string else b""
        target = (request.raw_path + query).decode("ascii")
        return Response("", 308, headers={"location": f"https://{authority}{target}"})

    return App(error_format="text", middleware=[redirect])


def redirect_endpoint(address: str, host: str) -> str:
    """The endpoint for `[HOST:]PORT`, or for an endpoint description such as systemd:domain=INET:name=http.

    Raises StartError (RW401, RW426).
    """
    if address.partition(":")[0] in KNOWN:
        parse_endpoint(address)
        return address
    given, _, port = address.rpartition(":")
    if not (port.isascii() and port.isdecimal() and int(port) <= 65535) or (":" in given and given[:1] != "["):
        what = f"{address!r} is not an address on which to redirect to HTTPS."
        raise StartError("RW426", what, 'Write it as "80", "0.0.0.0:80" or "[::]:80".')
    return tcp_endpoint(given.strip("[]") or host, int(port))


def check_target_port(port: object, address: str | None) -> None:
    """Raises StartError (RW426) if the target port of redirects is invalid, or is given without redirects."""
    if port is None or (is_int(port) and 1 <= port <= 65535 and address is not None):
        return
    what = f"redirect_target_port is {shown(port)}, and redirect_http is {shown(address)}."
    raise StartError("RW426", what, "Give a port from 1 to 65535, together with redirect_http.")


def _refuse(status: int, text: str) -> Response:
    return Response(text, status)
