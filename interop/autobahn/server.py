"""Echoes over WebSocket, by Autobahn at `/autobahn` and by twisted.web at `/twisted`: `server.py DESCRIPTION`.

Clients may send `Commands`. The server prints the reason for which each connection was lost.
"""

import sys
from typing import Any

from autobahn.twisted.resource import WebSocketResource
from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from autobahn.websocket.compress import PerMessageDeflateOffer, PerMessageDeflateOfferAccept
from twisted.internet import reactor
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IPushProducer
from twisted.python import log
from twisted.python.failure import Failure
from twisted.web import websocket
from twisted.web.resource import Resource
from twisted.web.server import Site
from zope.interface import implementer

MEBIBYTE = 1024 * 1024
FLOOD = 48
"""The number of messages that a flood sends, each of a mebibyte."""


def say(text: str) -> None:
    print(text, flush=True)


@implementer(IPushProducer)
class Flood:
    """Sends messages as fast as the client reads them, and closes the connection after the last one."""

    def __init__(self, peer: "Commands") -> None:
        self.peer = peer
        self.sent = 0
        self.running = False

    def pauseProducing(self) -> None:
        if self.running:
            say("flood is held back")
        self.running = False

    def resumeProducing(self) -> None:
        self.running = True
        while self.running and self.sent < FLOOD:
            self.peer.send_bytes(bytes([self.sent]) * MEBIBYTE)
            self.sent += 1
        if self.running:
            self.running = False
            self.peer.detach()
            self.peer.close(4001)

    def stopProducing(self) -> None:
        self.running = False


class Commands:
    """The behaviour of both kinds of connections. The methods of their libraries are below."""

    path: str

    def received(self, message: str) -> None:
        match message.split():
            case ["close", code]:
                self.close(int(code))
            case ["drop"]:
                self.drop()
            case ["flood"]:
                flood = Flood(self)
                self.attach(flood)
                flood.resumeProducing()
            case _:
                self.send_text(message)

    def lost(self, reason: Failure) -> None:
        say(f"lost {self.path} {reason.type.__name__}")

    def send_text(self, text: str) -> None: ...
    def send_bytes(self, data: bytes) -> None: ...
    def close(self, code: int) -> None: ...
    def drop(self) -> None: ...
    def attach(self, producer: Flood) -> None: ...
    def detach(self) -> None: ...


class ByAutobahn(WebSocketServerProtocol, Commands):
    path = "/autobahn"

    def onConnect(self, request: Any) -> str | None:
        return next((name for name in request.protocols if name in self.factory.protocols), None)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        if isBinary:
            self.sendMessage(payload, True)
        else:
            self.received(payload.decode())

    def connectionLost(self, reason: Failure) -> None:
        super().connectionLost(reason)
        self.lost(reason)

    def send_text(self, text: str) -> None:
        self.sendMessage(text.encode())

    def send_bytes(self, data: bytes) -> None:
        self.sendMessage(data, True)

    def close(self, code: int) -> None:
        self.sendClose(code)

    def drop(self) -> None:
        self.dropConnection(abort=True)

    def attach(self, producer: Flood) -> None:
        self.registerProducer(producer, True)

    def detach(self) -> None:
        self.unregisterProducer()


class ByTwisted(Commands):
    path = "/twisted"

    @classmethod
    def buildProtocol(cls, request: Any) -> "ByTwisted":
        return cls()

    def negotiationStarted(self, transport: Any) -> None:
        self.transport = transport

    def negotiationFinished(self) -> None: ...

    def pongReceived(self, payload: bytes) -> None: ...

    def textMessageReceived(self, message: str) -> None:
        self.received(message)

    def bytesMessageReceived(self, data: bytes) -> None:
        self.transport.sendBytesMessage(bytes(data))

    def connectionLost(self, reason: Failure) -> None:
        self.lost(reason)

    def send_text(self, text: str) -> None:
        self.transport.sendTextMessage(text)

    def send_bytes(self, data: bytes) -> None:
        self.transport.sendBytesMessage(data)

    def close(self, code: int) -> None:
        self.transport.loseConnection(code)

    def drop(self) -> None:
        self.transport.transport.abortConnection()

    def attach(self, producer: Flood) -> None:
        self.transport.attachProducer(producer)

    def detach(self) -> None:
        self.transport.detachProducer()


class Home(Resource):
    isLeaf = True

    def render_GET(self, request: Any) -> bytes:
        return b"hello"

    def render_POST(self, request: Any) -> bytes:
        return request.content.read()


def deflate(offers: list[Any]) -> Any:
    return next(
        (PerMessageDeflateOfferAccept(offer) for offer in offers if isinstance(offer, PerMessageDeflateOffer)), None
    )


def site() -> Site:
    factory = WebSocketServerFactory(protocols=["second"])
    factory.protocol = ByAutobahn
    deflating = WebSocketServerFactory()
    deflating.protocol = ByAutobahn
    deflating.setProtocolOptions(perMessageCompressionAccept=deflate)
    root = Resource()
    root.putChild(b"", Home())
    root.putChild(b"autobahn", WebSocketResource(factory))
    root.putChild(b"deflate", WebSocketResource(deflating))
    root.putChild(b"twisted", websocket.WebSocketResource(ByTwisted))
    return Site(root, timeout=3)


def tell_port(port: Any) -> None:
    host = port.getHost()
    say(f"listens on {getattr(host, 'port', None) or host.name.decode()}")


if __name__ == "__main__":
    log.startLogging(sys.stderr, setStdout=False)
    serverFromString(reactor, sys.argv[1]).listen(site()).addCallbacks(tell_port, log.err)
    reactor.run()
