"""Pull producers over a transport without a reactor, as in the tests of treq, behave as on stock Twisted."""

from typing import Any

import pytest
from tests.unit.dropin.connection.sites import Page
from twisted.internet import task
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock, Cooperator
from twisted.internet.testing import StringTransport
from twisted.web.server import NOT_DONE_YET, Site

from ropewalk.dropin import accelerate

PART = b"x" * 1000
PARTS = 40


class Pull:
    """A pull producer that writes a part in each call."""

    def __init__(self, request: Any) -> None:
        self.request = request
        self.left = PARTS
        self.stopped = False

    def resumeProducing(self) -> None:
        self.left -= 1
        self.request.write(PART)
        if not self.left:
            self.request.unregisterProducer()
            self.request.finish()

    def stopProducing(self) -> None:
        self.stopped = True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that runs Twisted's cooperator in this test."""
    clock = Clock()
    cooperator = Cooperator(scheduler=lambda call: clock.callLater(0.001, call))
    monkeypatch.setattr(task, "_theCooperator", cooperator)
    return clock


class Requested:
    """A channel of a site with a producer, over a transport in memory, and a request to it."""

    def __init__(self, clock: Clock, *, stock: bool) -> None:
        self.pulls: list[Pull] = []

        def render(request: Any) -> Any:
            request.setHeader(b"Content-Length", b"%d" % (PARTS * len(PART)))
            self.pulls.append(Pull(request))
            request.registerProducer(self.pulls[-1], False)
            return NOT_DONE_YET

        site = Site(Page(render), reactor=clock)
        if not stock:
            accelerate(site)
        self.transport = StringTransport(peerAddress=IPv4Address("TCP", "127.0.0.1", 1))
        self.channel = site.buildProtocol(None)
        self.channel.makeConnection(self.transport)
        self.channel.dataReceived(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")

    @property
    def body(self) -> bytes:
        return bytes(self.transport.value().partition(b"\r\n\r\n")[2])


@pytest.mark.parametrize("stock", [True, False], ids=["stock", "engine"])
def test_the_cooperator_calls_the_producer(clock: Clock, stock: bool) -> None:
    requested = Requested(clock, stock=stock)
    clock.pump([0.01] * 2 * PARTS)
    assert requested.body == PART * PARTS


@pytest.mark.parametrize("stock", [True, False], ids=["stock", "engine"])
def test_nothing_is_produced_before(clock: Clock, stock: bool) -> None:
    assert Requested(clock, stock=stock).body == b""


@pytest.mark.parametrize("stock", [True, False], ids=["stock", "engine"])
def test_the_producer_is_stopped_with_its_connection(clock: Clock, stock: bool) -> None:
    requested = Requested(clock, stock=stock)
    producer: Any = requested.transport.producer
    producer.stopProducing()  # as a transport does when it closes
    (pull,) = requested.pulls
    left = pull.left
    clock.pump([0.01] * 2 * PARTS)
    assert (pull.stopped, pull.left) == (True, left)
