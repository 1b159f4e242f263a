"""The upgrade: a new protocol takes over the transport of a connection, and its bytes.

| what | from | to |
|---|---|---|
| the transport | the channel, by `upgrade` of its link | `makeConnection` of the new protocol |
| bytes that have arrived | `SocketTransport.read_ahead`, `arrived_bytes` of a pipe | `dataReceived` |
| bytes that follow | the exchange, after `end_http` | `dataReceived` |
"""

from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from ropewalk.dropin.connection.exchange import RelayedExchange
from ropewalk.errors import Disconnected, ResponseEnded

_FRAMING: Final = (b"Content-Length", b"Transfer-Encoding")


def switch_head(version: bytes, reason: bytes, headers: Iterable[tuple[bytes, Iterable[bytes]]]) -> bytes:
    """Return the head of a 101. The bytes after it belong to another protocol."""
    lines = [
        b"%b: %b\r\n" % (name, value)
        for name, values in headers
        if name not in _FRAMING  # a 1xx response has none (RFC 9112, section 6.1)
        for value in values
    ]
    return b"%b 101 %b\r\n%b\r\n" % (version, reason, b"".join(lines))


def end_http(exchange: RelayedExchange) -> None:
    """Carry raw bytes in place of a response, if its head was not a 101."""
    if exchange.status != 101:
        exchange.switch_without_response()


def arrived_bytes(exchange: RelayedExchange) -> bytes:
    """End HTTP on an exchange. Returns the bytes that have already arrived for the new protocol."""
    with suppress(Disconnected, ResponseEnded):  # the response may be complete, although the request is not finished
        end_http(exchange)
        return exchange.take() or b""
    return b""
