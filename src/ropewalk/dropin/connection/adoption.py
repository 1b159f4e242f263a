"""Whether a connection is new, so that the engine may take its socket over from Twisted.

Programs share one port among protocols: one reads the first bytes, and then hands the connection to a site. What such a
protocol has read is not in the socket any more, and it may go on to use the transport. So a socket is adopted only for
the protocol that Twisted's port has accepted it for; any other connection stays with Twisted, and the engine is fed.
"""

import sys
from types import CodeType, FrameType
from typing import Any, Final
from weakref import WeakSet

from twisted.internet import tcp
from twisted.logger import Logger
from twisted.protocols.policies import ProtocolWrapper

from ropewalk.dropin.connection.override_check import hands_on_bytes
from ropewalk.twisted_private import GenericHTTPChannelProtocol

log = Logger(namespace="ropewalk.dropin")

_ACCEPTING: Final[frozenset[CodeType]] = frozenset(
    (tcp.Port.doRead.__code__, tcp.Server._fromConnectedSocket.__func__.__code__)  # type: ignore[attr-defined] # noqa: SLF001
)
"""Where Twisted has a factory build a protocol, and connects it."""

_told: WeakSet[Any] = WeakSet()
"""Factories of which the log has it that their connections come from others."""


def is_new(transport: Any, channel: Any) -> bool:
    """Whether a socket of Twisted's was accepted for a channel, and nobody else has been on it."""
    protocol = transport.protocol
    if channel_of(_wrapped_by(protocol)) is not channel or vars(transport).get("_ropewalk_used"):
        return False
    # Twisted names a connection after the class of the protocol that it was accepted for, and keeps that name. Another
    # class may have the same name, so the call that accepted the connection must still be running for this protocol.
    return repr(transport).startswith(f"<{type(protocol).__name__} #") and _is_being_accepted(protocol)


def _is_being_accepted(protocol: Any) -> bool:
    """Whether Twisted is about to connect a protocol to the socket for which a factory has just built it."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - documented, and it has no other name
    while frame is not None:
        if frame.f_code in _ACCEPTING and frame.f_locals.get("protocol") is protocol:
            return True
        frame = frame.f_back
    return False


def mark_used(transport: Any) -> None:
    """Have a transport count as new no more."""
    if hasattr(transport, "__dict__"):
        transport._ropewalk_used = True  # noqa: SLF001 - ours


def log_handed_over(factory: Any) -> None:
    """Log once for each factory that its connections stay with Twisted."""
    if factory not in _told:
        _told.add(factory)
        log.info(
            "RW748 {factory} was handed a connection on which another protocol reads, or has read. Twisted keeps its "
            "socket, and the engine speaks HTTP over that.",
            factory=factory,
        )


def _wrapped_by(protocol: Any) -> Any:
    """What stands inside of wrappers that count or register connections, and leave all that is read to it."""
    while (
        isinstance(protocol, ProtocolWrapper)
        and getattr(protocol.dataReceived, "__func__", None) is ProtocolWrapper.dataReceived
    ):
        protocol = protocol.wrappedProtocol
    return protocol


def channel_of(protocol: Any) -> Any:
    """The channel that a factory has built, if it is ours; Twisted puts one around it that looks for HTTP/2."""
    if isinstance(protocol, GenericHTTPChannelProtocol):  # what HTTPFactory.protocol makes
        if not hands_on_bytes(protocol):
            return None
        protocol = protocol._channel  # noqa: SLF001 - it has no other name
    # Asked of the class: an object that passes names on to a channel is none, and reads what comes by itself.
    return protocol if getattr(type(protocol), "responds", False) else None
