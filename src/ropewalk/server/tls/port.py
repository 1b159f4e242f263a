"""Opens a listening socket whose connections Twisted accepts and encrypts."""

import socket
from contextlib import closing
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from twisted.internet.protocol import ServerFactory
from twisted.protocols.tls import TLSMemoryBIOFactory

from ropewalk.errors import StartError
from ropewalk.server.endpoint_descriptions import Inherited, ParsedEndpoint, Tcp, Unix, parse_endpoint
from ropewalk.server.listen_errors import cannot_listen
from ropewalk.server.server import Server
from ropewalk.server.tcp_sockets import listening_socket
from ropewalk.server.tls.connection import HTTPSProtocol, TLSTransport

if TYPE_CHECKING:
    from ropewalk.server.tls.server_tls import ServerTLS


class HTTPSFactory(ServerFactory):
    """Makes the protocols that read HTTP from Twisted's TLS."""

    noisy = False

    def __init__(self, server: Server) -> None:
        self._server = server

    def buildProtocol(self, addr: Any) -> Any:
        """Make the protocol for a connection that Twisted has accepted."""
        del addr
        return HTTPSProtocol(self._server)


class TLSFactory(TLSMemoryBIOFactory):
    """Twisted's TLS around the protocols of a factory."""

    protocol = TLSTransport


def listen(server: Server, description: str, tls: "ServerTLS", *, loopback_only: bool = False) -> Any:
    """Listen, and return Twisted's port. Raises StartError (RW401, RW426) and EngineError (RW502)."""
    endpoint = check_endpoint(description, loopback_only=loopback_only)
    try:
        listening = _open(endpoint, server.engine.limits.backlog)
    except OSError as error:
        raise cannot_listen(description, endpoint, error) from error
    listening.setblocking(False)  # Twisted accepts connections until `accept` would block
    with closing(listening):  # Twisted uses a duplicate of the descriptor
        if loopback_only and not _is_loopback(listening.getsockname()[0]):
            raise _not_loopback(description)
        factory = TLSFactory(tls, False, HTTPSFactory(server), server.reactor)
        port = server.reactor.adoptStreamPort(listening.fileno(), listening.family, factory)
    port.backlog = server.engine.limits.backlog
    return port


def check_endpoint(description: str, *, loopback_only: bool = False) -> ParsedEndpoint:
    """Parse the description of an endpoint for TLS, without opening it.

    Raises StartError: RW401 if it is malformed, RW426 if TLS cannot be used there.
    """
    endpoint = parse_endpoint(description)
    if isinstance(endpoint, Unix):
        what = f"{description} cannot use TLS: it is a UNIX socket, which only this machine can reach."
        raise StartError("RW426", what, "Leave out the TLS settings, or listen on a TCP port, such as tcp:8443.")
    if loopback_only and isinstance(endpoint, Tcp) and not _is_loopback(endpoint.host):
        raise _not_loopback(description)
    return endpoint


def _open(endpoint: ParsedEndpoint, backlog: int) -> socket.socket:
    """Open a socket as the engine does. Raises OSError, without an error number if the name cannot be resolved."""
    if isinstance(endpoint, Inherited):
        with closing(socket.socket(fileno=socket.dup(endpoint.descriptor))) as inherited:
            if inherited.family not in (socket.AF_INET, socket.AF_INET6):
                raise OSError("it is not a TCP socket")
            if not inherited.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                raise OSError("it is not a listening socket")
            return inherited.dup()
    assert isinstance(endpoint, Tcp)
    return listening_socket(endpoint, backlog)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _not_loopback(description: str) -> StartError:
    what = f"{description} is open to other machines, and a self-signed certificate is for this machine only."
    return StartError("RW426", what, "Listen on 127.0.0.1, or use a certificate that clients trust.")
