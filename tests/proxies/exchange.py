"""Clients that send arbitrary bytes, and the requests that the counting service has recorded."""

import json
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.wire.connection import Connection

SILENCE = 0.03
"""A client that receives nothing for this many seconds closes its sending side, because its request is incomplete."""
PATIENCE = 20.0

Address = tuple[str, int]


def send(address: Address, *parts: bytes, between: Callable[[], object] | None = None) -> bytes:
    """Send bytes on a new connection and return all that is received until it is closed.

    If the bytes are in parts, `between` is called before each part except the first.
    """
    received = b""
    until = time.monotonic() + PATIENCE
    with socket.create_connection(address, timeout=SILENCE) as client:
        try:
            for part in parts:
                if between is not None and part is not parts[0]:
                    between()
                client.sendall(part)
            while time.monotonic() < until:
                try:
                    part = client.recv(1 << 16)
                except TimeoutError:
                    client.shutdown(socket.SHUT_WR)
                    client.settimeout(PATIENCE)
                    continue
                if not part:
                    return received
                received += part
        except (ConnectionResetError, BrokenPipeError):
            return received
    raise AssertionError(f"the connection does not end after {received!r}")


@dataclass
class History:
    """The requests that the counting service has recorded since its start."""

    service: Address
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)
    """The method, the target and the stamp of each request, by its number."""

    def read(self) -> None:
        """Read the new requests from the service."""
        with Connection(self.service) as connection:
            response = connection.ask(b"GET /-/seen?from=%d HTTP/1.1\r\nHost: a\r\n\r\n" % len(self.requests))
        self.requests += [(method, target, stamp) for method, target, stamp in json.loads(response.body)]
