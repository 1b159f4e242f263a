"""Returns sockets of the engine to Twisted."""

import socket
from typing import Any, Final

from twisted.logger import Logger

from ropewalk._engine import Connection
from ropewalk.dropin.connection.adoption import mark_used
from ropewalk.dropin.connection.socket_transport import SocketTransport
from ropewalk.errors import full_name

log = Logger(namespace="ropewalk.dropin")

_wrapping: Final[set[str]] = set()
"""The classes of channels that wrap the engine's transport and were logged."""


class ReleasedTransport:
    """The class of a `SocketTransport` whose socket Twisted has: every attribute is that of Twisted's transport."""

    def __getattr__(self, name: str) -> Any:
        return getattr(vars(self)["_twisted"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(vars(self)["_twisted"], name, value)


def release(connection: Connection, protocol: Any, port: Any) -> None:
    """Have Twisted serve a connection whose protocol the engine cannot serve, as Twisted's port would have done."""
    transport, read = _released(connection, protocol, port)
    protocol.makeConnection(transport)
    if read:
        protocol.dataReceived(read)


def release_made(transport: SocketTransport, channel: Any, port: Any) -> None:
    """Have Twisted carry a connection whose program has wrapped the engine's transport.

    The channel is fed from then on, so that all bytes pass the program's transport.
    """
    _log_wrapping(full_name(type(channel)))
    protocol, producer = transport.protocol, transport.producer
    twisted, read = _released(transport.connection, protocol, port)
    vars(transport).clear()
    kept: Any = transport
    kept.__class__ = ReleasedTransport
    vars(kept)["_twisted"] = twisted
    if producer is not None:
        twisted.registerProducer(producer, True)
    channel.leave_to_twisted()
    if read:
        protocol.dataReceived(read)


def _log_wrapping(kind: str) -> None:
    """Log once for each class of channels."""
    if kind not in _wrapping:
        _wrapping.add(kind)
        log.warn(
            "RW740 Connections of {channel} stay on Twisted's own transport: it has put another in its place.",
            channel=kind,
        )


def _released(connection: Connection, protocol: Any, port: Any) -> tuple[Any, bytes]:
    """Return a transport of Twisted for a connection, and the bytes that have arrived on it."""
    descriptor, read = connection.release()
    accepted = socket.socket(fileno=descriptor)
    accepted.setblocking(False)
    address = accepted.getpeername() if accepted.family != socket.AF_UNIX else ""
    number, port.sessionno = port.sessionno, port.sessionno + 1
    transport = port.transport(accepted, protocol, address, port, number, port.reactor)
    mark_used(transport)
    return transport, read
