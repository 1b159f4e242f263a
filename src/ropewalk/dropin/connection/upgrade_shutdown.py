"""Closes upgraded connections at a shutdown.

| protocol | how it ends at a shutdown |
|---|---|
| twisted.web's `WebSocketResource` | close frame 1001, "going away" (RFC 6455, section 7.4.1), then the connection |
| Autobahn's protocol and its subclasses | the same frame; Autobahn closes when the client does, or at its own timeout |
| any other | the connection is closed after all written bytes are sent; `connectionLost` is called |
"""

import sys
from typing import TYPE_CHECKING, Any, Final

from twisted.logger import Logger

from ropewalk import twisted_private

if TYPE_CHECKING:
    from ropewalk.dropin.connection.socket_transport import SocketTransport

GOING_AWAY: Final = 1001

log = Logger(namespace="ropewalk.dropin")


def close_upgraded(transport: "SocketTransport") -> None:
    """Close an upgraded connection as its protocol demands, if the protocol is known."""
    protocol = transport.protocol
    protocol = getattr(protocol, "wrappedProtocol", protocol)  # Autobahn wraps its protocol for Twisted
    try:
        _close(protocol, transport)
    except Exception:  # noqa: BLE001 - then the connection is closed like any other
        log.failure("{protocol} failed while the server was stopping; its connection is closed.", protocol=protocol)
        transport.loseConnection()


def _close(protocol: Any, transport: "SocketTransport") -> None:
    if "twisted.web.websocket" in sys.modules and isinstance(protocol, twisted_private.WebSocketWireProtocol):
        protocol.loseConnection(GOING_AWAY)
    elif hasattr(protocol, "sendCloseFrame"):
        # `sendClose` would refuse this code, because it takes only codes for applications.
        protocol.sendCloseFrame(code=GOING_AWAY, reasonUtf8=None, isReply=False)
        # With a `closeHandshakeTimeout`, the protocol itself limits its wait for the client.
        if not getattr(protocol, "closeHandshakeTimeout", 0):
            transport.loseConnection()
    else:
        transport.loseConnection()
