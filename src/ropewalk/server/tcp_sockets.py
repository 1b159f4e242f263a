"""Opens listening TCP sockets as the engine does, for listeners whose connections the engine does not accept itself."""

import socket

from ropewalk.server.endpoint_descriptions import Tcp


def listening_socket(endpoint: Tcp, backlog: int) -> socket.socket:
    """Open the listening socket of an endpoint. `backlog` is used if the endpoint has none.

    Raises OSError, without an error number if the name of the host cannot be resolved.
    """
    try:
        found = socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise OSError(error.strerror) from error
    failure = OSError("the host has no address")
    for family, kind, protocol, _, address in found:
        listening = socket.socket(family, kind, protocol)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if endpoint.reuse_port:
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if family == socket.AF_INET6:
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(address[0] != "::"))
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # accepted sockets inherit it
            listening.bind(address)
            listening.listen(min(backlog if endpoint.backlog is None else endpoint.backlog, 2**31 - 1))
        except OSError as error:
            listening.close()
            failure = error
        else:
            return listening
    raise failure
