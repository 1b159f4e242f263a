"""Servers that behave badly, on Twisted's reactor."""

import os
import socket
from collections.abc import Callable
from typing import Any, Self

from OpenSSL.SSL import TLS_METHOD
from tests.certificates import Files
from twisted.internet.interfaces import IListeningPort
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import DefaultOpenSSLContextFactory
from twisted.python.failure import Failure

from ropewalk.waiting import Waiter

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

Respond = Callable[["Connection", bytes], object]


class Connection(Protocol):
    """One connection, which passes each complete head to the function `respond` of its server."""

    def __init__(self, server: "Server") -> None:
        self.server = server
        self.received = b""

    def connectionMade(self) -> None:
        self.server.accepted += 1
        self.server.open.add(self)
        if self.server.reads_nothing:
            self.pause()

    def dataReceived(self, data: bytes) -> None:
        self.received += data
        while b"\r\n\r\n" in self.received:
            head, _, self.received = self.received.partition(b"\r\n\r\n")
            self.server.heads.append(head)
            self.server.respond(self, head)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.server.open.discard(self)
        waiting, self.server.waiting = self.server.waiting, []
        for waiter in waiting:
            waiter.callback(None)

    def write(self, data: bytes) -> None:
        transport: Any = self.transport
        transport.write(data)

    def pause(self) -> None:
        transport: Any = self.transport
        transport.pauseProducing()

    def shut(self) -> None:
        """End the connection at once, before the reactor's next turn."""
        transport: Any = self.transport
        handle = socket.socket(fileno=os.dup(transport.fileno()))
        with handle:
            handle.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        transport: Any = self.transport
        transport.loseConnection()


class Server:
    """A server that calls a function for each head."""

    def __init__(self, respond: Respond, *, reads_nothing: bool = False, tls: Files | None = None) -> None:
        self.respond = respond
        self.reads_nothing = reads_nothing
        self.tls = tls
        self.accepted = 0
        self.heads: list[bytes] = []
        self.open: set[Connection] = set()
        self.waiting: list[Waiter[None]] = []
        self._port: IListeningPort

    async def __aenter__(self) -> Self:
        from twisted.internet import reactor as installed

        reactor: Any = installed

        factory: Any = Factory.forProtocol(lambda: Connection(self))
        factory.noisy = False
        if self.tls is None:
            self._port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        else:
            key, certificate = str(self.tls.key), str(self.tls.certificate)
            context = DefaultOpenSSLContextFactory(key, certificate, sslmethod=TLS_METHOD)
            self._port = reactor.listenSSL(0, factory, context, interface="127.0.0.1")
        return self

    async def __aexit__(self, *_: object) -> None:
        closed: Any = self._port.stopListening()
        await closed
        for connection in tuple(self.open):
            connection.close()

    @property
    def url(self) -> str:
        host: Any = self._port.getHost()
        return f"{'http' if self.tls is None else 'https'}://127.0.0.1:{host.port}"

    async def all_left(self) -> None:
        """Wait until no connection is open."""
        while self.open:
            waiter: Waiter[None] = Waiter()
            self.waiting.append(waiter)
            await waiter


class FullServer:
    """A listening socket whose queue is full, so that no further connection is made."""

    def __enter__(self) -> str:
        self._sockets = [socket.socket()]
        self._sockets[0].bind(("127.0.0.1", 0))
        self._sockets[0].listen(0)
        address = self._sockets[0].getsockname()
        for _ in range(4):
            each = socket.socket()
            each.setblocking(False)
            each.connect_ex(address)
            self._sockets.append(each)
        return f"http://127.0.0.1:{address[1]}"

    def __exit__(self, *_: object) -> None:
        for each in self._sockets:
            each.close()
