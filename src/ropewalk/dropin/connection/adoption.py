"""Decides whether the engine may adopt a socket that Twisted has accepted.

A program may share a port among protocols: one protocol reads the first bytes, and then passes the connection to a
site. The bytes that the first protocol has read are no longer in the socket, and that protocol may continue to use the
transport. So the engine adopts a socket only for the protocol that Twisted's port built when it accepted the socket.
Any other connection stays with Twisted, whose transport passes the bytes to the engine.
"""

import sys
from types import CodeType, FrameType
from typing import Any, Final
from weakref import WeakSet

from twisted.internet import tcp
from twisted.logger import Logger
from twisted.protocols.policies import ProtocolWrapper

from ropewalk.dropin.connection.override_check import passes_all_bytes
from ropewalk.twisted_private import GenericHTTPChannelProtocol

log = Logger(namespace="ropewalk.dropin")

_ACCEPTING: Final[frozenset[CodeType]] = frozenset(
    (tcp.Port.doRead.__code__, tcp.Server._fromConnectedSocket.__func__.__code__)  # type: ignore[attr-defined]
)
"""The functions of Twisted that let a factory build a protocol, and connect the protocol to a new socket."""

_logged: WeakSet[Any] = WeakSet()
"""The factories that `log_handed_over` has logged."""


def is_new(transport: Any, channel: Any) -> bool:
    """Whether Twisted accepted the socket for this channel, and no other protocol has used it."""
    protocol = transport.protocol
    if channel_of(_wrapped_by(protocol)) is not channel or vars(transport).get("_ropewalk_used"):
        return False
    # The repr of a transport has the class name of the protocol that the connection was accepted for. Another class may
    # have the same name, so the call that accepted the connection must still be running for this protocol.
    return repr(transport).startswith(f"<{type(protocol).__name__} #") and _is_being_accepted(protocol)


def _is_being_accepted(protocol: Any) -> bool:
    """Whether Twisted's code that accepts a socket is still running for this protocol."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code in _ACCEPTING and frame.f_locals.get("protocol") is protocol:
            return True
        frame = frame.f_back
    return False


def mark_used(transport: Any) -> None:
    """Mark a transport, so that `is_new` returns False for it."""
    if hasattr(transport, "__dict__"):
        transport._ropewalk_used = True


def log_handed_over(factory: Any) -> None:
    """Log that Twisted keeps the sockets of this factory. This is logged once for each factory."""
    if factory not in _logged:
        _logged.add(factory)
        log.info(
            "RW748 {factory} got a connection that another protocol reads, or has read. Twisted keeps the socket and "
            "passes its bytes to the engine.",
            factory=factory,
        )


def _wrapped_by(protocol: Any) -> Any:
    """Return the protocol inside wrappers that pass all bytes unchanged, such as wrappers that count connections."""
    while (
        isinstance(protocol, ProtocolWrapper)
        and getattr(protocol.dataReceived, "__func__", None) is ProtocolWrapper.dataReceived
    ):
        protocol = protocol.wrappedProtocol
    return protocol


def channel_of(protocol: Any) -> Any:
    """Return the engine's channel if `protocol` is or contains one; otherwise None.

    Only Twisted's wrapper that detects HTTP/2 may contain the channel.
    """
    if isinstance(protocol, GenericHTTPChannelProtocol):  # the default of `HTTPFactory.protocol` makes this wrapper
        if not passes_all_bytes(protocol):
            return None
        protocol = protocol._channel
    # Look in the class: an object that delegates attributes to a channel is not a channel, and reads the bytes itself.
    return protocol if getattr(type(protocol), "takes_whole_responses", False) else None
