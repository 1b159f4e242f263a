"""Connections to a server, over TLS or not, and clients of HTTP and WebSocket on them."""

import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect

from interop.autobahn.talking import Talker


@dataclass(frozen=True)
class Connector:
    """Connects to one address of a server."""

    raw: Callable[[], socket.socket]
    """Open a connection without TLS."""
    talker: Callable[[Callable[[], connect]], Talker]
    context: ssl.SSLContext | None = None

    def dial(self) -> socket.socket:
        """Open a connection for HTTP."""
        return self.context.wrap_socket(self.raw(), server_hostname="localhost") if self.context else self.raw()

    def http(self) -> HTTPConnection:
        """A client on one connection. It opens no other."""
        client = HTTPConnection("localhost")
        client.auto_open = 0
        client.sock = self.dial()
        return client

    def open_websocket(self, path: str, **options: Any) -> Talker:
        """A client of WebSocket, with options of `websockets.connect`."""
        secure = {"ssl": self.context, "server_hostname": "localhost"} if self.context else {}
        scheme = "wss" if self.context else "ws"
        return self.talker(lambda: connect(f"{scheme}://localhost{path}", sock=self.raw(), **secure, **options))


def over_unix(place: Path) -> socket.socket:
    """A connection to a UNIX socket."""
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(10)
    client.connect(str(place))
    return client
