"""Autobahn's client: `client.py URL [CERTIFICATE]`. It prints the messages that it has received."""

import sys
from pathlib import Path
from typing import Any

from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol, connectWS
from twisted.internet import reactor
from twisted.internet.ssl import Certificate, optionsForClientTLS

MESSAGES = [(b"", False), ("ä€😀".encode() * 1000, False), (bytes(range(256)) * 1000, True), (b"x" * 3_000_000, True)]
FRAGMENT = 10_000


class Talk(WebSocketClientProtocol):
    """Sends each message whole, in fragments and chopped, frame by frame at last, and closes."""

    def onConnect(self, response: Any) -> None:
        print("subprotocol", response.protocol)

    def onOpen(self) -> None:
        self.expected = []
        for payload, binary in MESSAGES:
            self.sendMessage(payload, binary)
            self.sendMessage(payload, binary, fragmentSize=FRAGMENT)
            self.expected += [payload, payload]
        self.sendMessage(b"chopped" * 10, sync=True)
        self.beginMessage(isBinary=True)
        for piece in (b"frame", b"by", b"frame"):
            self.beginMessageFrame(len(piece))
            self.sendMessageFrameData(piece)
        self.endMessage()
        self.expected += [b"chopped" * 10, b"framebyframe"]

    def onPong(self, payload: bytes) -> None:
        print("pong", payload.decode())
        self.sendClose(4002, "enough")

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        if payload == self.expected.pop(0):
            print("binary" if isBinary else "text", len(payload))
        if not self.expected:
            self.sendPing(b"there?")

    def onClose(self, wasClean: bool, code: int, reason: str) -> None:
        print("closed", "clean" if wasClean else "unclean", code)
        reactor.stop()


def main(url: str, certificate: str | None) -> None:
    factory = WebSocketClientFactory(url, protocols=["second"])
    factory.protocol = Talk
    context = None
    if certificate:
        context = optionsForClientTLS("localhost", Certificate.loadPEM(Path(certificate).read_text()))
    connectWS(factory, context)
    reactor.run()


if __name__ == "__main__":
    main(sys.argv[1], *sys.argv[2:] or [None])
