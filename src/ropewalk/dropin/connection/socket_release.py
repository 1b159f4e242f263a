"""Gives sockets of the engine back to Twisted."""

import socket
from typing import Any, Final

from twisted.logger import Logger

from ropewalk._engine import Connection
from ropewalk.dropin.connection.adoption import mark_used
from ropewalk.dropin.connection.socket_transport import SocketTransport
from ropewalk.errors import full_name

log = Logger(namespace="ropewalk.dropin")

_wrapping: Final[set[str]] = set()
"""The classes of channels that have wrapped the engine's transport, and that were logged."""


class ReleasedTransport:
    """The new class of a `SocketTransport` after Twisted got its socket. It delegates to Twisted's transport."""

    def __getattr__(self, name: str) -> Any:
        return getattr(vars(self)["_twisted"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(vars(self)["_twisted"], name, value)


def release(connection: Connection, protocol: Any, port: Any) -> None:
    """Let Twisted serve a connection whose protocol the engine cannot serve."""
    transport, read = _released(connection, protocol, port)
    protocol.makeConnection(transport)
    if read:
        protocol.dataReceived(read)


def release_made(transport: SocketTransport, channel: Any, port: Any) -> None:
    """Let Twisted's transport replace the engine's, because the program has wrapped the engine's transport.

    Then all bytes pass through the program's wrapper to the channel.
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
    """Log once for each class of channels that the program has wrapped the transport."""
    if kind not in _wrapping:
        _wrapping.add(kind)
        log.warn(
            "RW740 Connections of {channel} stay on Twisted's own transport: the channel has replaced the transport.",
            channel=kind,
        )


def _released(connection: Connection, protocol: Any, port: Any) -> tuple[Any, bytes]:
    """Make a transport of Twisted from a connection. Returns it, and the bytes that the engine has already read."""
    descriptor, read = connection.release()
    accepted = socket.socket(fileno=descriptor)
    accepted.setblocking(False)
    address = accepted.getpeername() if accepted.family != socket.AF_UNIX else ""
    number, port.sessionno = port.sessionno, port.sessionno + 1
    transport = port.transport(accepted, protocol, address, port, number, port.reactor)
    mark_used(transport)
    return transport, read
