"""Upgrades a connection: a new protocol gets its transport and its bytes.

| what | comes from | goes to |
|---|---|---|
| the transport | the channel, in `Link.upgrade` | `makeConnection` of the new protocol |
| bytes that have arrived | `SocketTransport.read_ahead`, or `arrived_bytes` for a pipe | its `dataReceived` |
| later bytes | the exchange, after `end_http` | its `dataReceived` |
"""

from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from ropewalk.dropin.connection.exchange import RelayedExchange
from ropewalk.errors import Disconnected, ResponseEnded

_FRAMING: Final = (b"Content-Length", b"Transfer-Encoding")


def switch_head(version: bytes, reason: bytes, headers: Iterable[tuple[bytes, Iterable[bytes]]]) -> bytes:
    """Return the head of a 101 response. The bytes after it belong to another protocol."""
    lines = [
        b"%b: %b\r\n" % (name, value)
        for name, values in headers
        if name not in _FRAMING  # not allowed in a 1xx response (RFC 9112, section 6.1)
        for value in values
    ]
    return b"%b 101 %b\r\n%b\r\n" % (version, reason, b"".join(lines))


def end_http(exchange: RelayedExchange) -> None:
    """Make an exchange carry raw bytes instead of a response.

    After the head of a 101 response, the exchange already does that.
    """
    if exchange.status != 101:
        exchange.switch_without_response()


def arrived_bytes(exchange: RelayedExchange) -> bytes:
    """End HTTP on an exchange. Returns the bytes that have already arrived for the new protocol."""
    with suppress(Disconnected, ResponseEnded):  # the response may be complete before the program finishes the request
        end_http(exchange)
        return exchange.take() or b""
    return b""
