"""The listening sockets of `ropewalk dev`. The supervisor opens them, and its workers inherit them, so that the port
stays open while a worker is replaced."""

import socket

from ropewalk.errors import StartError
from ropewalk.server.endpoint_descriptions import Inherited, ParsedEndpoint, Tcp, parse_endpoint
from ropewalk.server.listen_errors import cannot_listen
from ropewalk.server.tcp_sockets import listening_socket


def open_listening(description: str, backlog: int) -> socket.socket:
    """Open the listening socket for an endpoint description. `backlog` is used if the description has none.

    Raises StartError (RW401) for a malformed description, and (RW311) for a UNIX socket; EngineError (RW502) if the
    socket cannot be opened.
    """
    endpoint = parse_endpoint(description)
    try:
        return _open(endpoint, description, backlog)
    except OSError as error:
        raise cannot_listen(description, endpoint, error) from error


def inherited(description: str, listening: socket.socket) -> str:
    """The endpoint description with which a worker serves an inherited socket."""
    half_close = ":halfClose=yes" if parse_endpoint(description).half_close else ""
    return f"fd:{listening.fileno()}{half_close}"


def _open(endpoint: ParsedEndpoint, description: str, backlog: int) -> socket.socket:
    if isinstance(endpoint, Inherited):
        return socket.socket(fileno=socket.dup(endpoint.descriptor))
    if not isinstance(endpoint, Tcp):
        what = f"{description} is a UNIX socket, and browsers do not open UNIX sockets."
        raise StartError("RW311", what)
    return listening_socket(endpoint, backlog)
