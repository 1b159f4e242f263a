"""Clients that send what they like, and what the counting service says of it."""

import json
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.wire.connection import Connection

SILENCE = 0.03
"""Seconds without a byte after which a client closes its sending side: no more of the request follows."""
PATIENCE = 20.0

Address = tuple[str, int]


def send(address: Address, *parts: bytes, between: Callable[[], object] | None = None) -> bytes:
    """All that comes back for some bytes on a connection of their own, until it is closed.

    Where they are sent in parts, `between` is called before each but the first.
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
    """What the counting service has seen since it started."""

    service: Address
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)
    """Method, target and stamp, by number."""

    def read(self) -> None:
        """Ask the service for what is new."""
        with Connection(self.service) as connection:
            answer = connection.ask(b"GET /-/seen?from=%d HTTP/1.1\r\nHost: a\r\n\r\n" % len(self.requests))
        self.requests += [(method, target, stamp) for method, target, stamp in json.loads(answer.body)]
