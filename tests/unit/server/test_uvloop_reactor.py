"""The reactor on uvloop: a connection that its client has reset ends, although bytes of it are unread."""

import socket
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.error import ConnectionLost
from twisted.internet.protocol import Protocol, ServerFactory
from twisted.python.failure import Failure

from ropewalk.server.uvloop_reactor import AsyncioSelectorReactor

uvloop = pytest.importorskip("uvloop")

SENT = 100_000
"""More than Twisted's transport reads in one call."""


@pytest.fixture
def reactor() -> Iterator[Any]:
    loop = uvloop.new_event_loop()
    reactor: Any = AsyncioSelectorReactor(loop)
    yield reactor
    reactor.removeAll()
    reactor.waker.connectionLost(None)
    loop.close()


class Receiver(Protocol):
    """Begins to read when its client has sent everything and has reset the connection."""

    def __init__(self, loop: Any, client: socket.socket, output: bytes) -> None:
        self.loop = loop
        self.client = client
        self.output = output
        self.received = 0
        self.reason: Any = None

    def connectionMade(self) -> None:
        transport: Any = self.transport
        transport.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * SENT)
        self.client.sendall(b"x" * SENT)
        self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.client.close()
        if self.output:
            transport.write(self.output)

    def dataReceived(self, data: bytes) -> None:
        self.received += len(data)

    def connectionLost(self, reason: Failure = Failure(ConnectionLost())) -> None:  # noqa: B008 - as in Twisted
        self.reason = reason.value
        self.loop.stop()


@pytest.mark.parametrize("output", [b"", b"output"])
def test_a_reset_connection_ends(reactor: Any, output: bytes) -> None:
    loop = reactor._asyncioEventloop
    client = socket.socket()
    receiver = Receiver(loop, client, output)
    factory = ServerFactory()
    factory.noisy = False
    factory.buildProtocol = lambda addr: receiver  # type: ignore[method-assign]
    port = reactor.listenTCP(0, factory, interface="127.0.0.1")
    client.connect(("127.0.0.1", port.getHost().port))
    guard = loop.call_later(20, loop.stop)
    loop.run_forever()
    guard.cancel()
    assert isinstance(receiver.reason, ConnectionLost)
    assert output or receiver.received == SENT
    port.connectionLost(Failure(ConnectionLost()))
