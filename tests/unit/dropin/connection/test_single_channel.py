"""Channels over transports that are not sockets, for example tunnels. Timeouts work if the reactor runs."""

from typing import Any

import pytest
from tests.unit.dropin.connection.sites import Page
from tests.unit.dropin.world import World
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.web.server import Site

from ropewalk._engine import Limits
from ropewalk.dropin import accelerate

PARTS = {
    "head_timeout": b"GET / HT",
    "body_timeout": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nsome",
}


def connect(reactor: Any, **limits: float) -> tuple[Any, StringTransport]:
    long_turns = Limits(turn_time=60)  # a turn handles all events, however slow the machine is
    site = accelerate(Site(Page(lambda request: b"a page"), reactor=reactor), limits=long_turns.replace(**limits))
    site.timeOut = None
    channel: Any = site.buildProtocol(None)
    transport = StringTransport()
    channel.makeConnection(transport)
    return channel, transport


@pytest.mark.parametrize("limit", PARTS)
@pytest.mark.parametrize("turn_events", [1, 1024])
def test_a_client_that_sends_too_slowly_is_disconnected(there: World, limit: str, turn_events: int) -> None:
    """A client that sends too slowly is disconnected. If a turn handles only one event, the end of the connection needs
    a second turn, which the timer must run."""
    there.reactor.running = True
    channel, transport = connect(there.reactor, turn_events=turn_events, **{limit: 0.01})
    channel.dataReceived(PARTS[limit])
    assert not transport.disconnecting
    there.until(lambda: transport.disconnecting, limit)
    channel.connectionLost(Failure(ConnectionDone()))
    assert there.left() == (set(), [])


def test_nothing_is_left_without_the_transport(there: World) -> None:
    there.reactor.running = True
    channel, transport = connect(there.reactor)
    channel.dataReceived(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET")
    assert transport.value().endswith(b"a page")
    assert len(there.left()[1]) == 1, "the limit of the second head"
    channel.connectionLost(Failure(ConnectionDone()))
    assert there.left() == (set(), [])


def test_size_limits_are_those_of_the_site(there: World) -> None:
    there.reactor.running = True
    channel, transport = connect(there.reactor, body_size=3)
    channel.dataReceived(PARTS["body_timeout"])
    assert transport.value().startswith(b"HTTP/1.1 413 ")
    channel.connectionLost(Failure(ConnectionDone()))


@pytest.mark.parametrize("part", PARTS.values())
def test_a_test_s_clock_holds_no_calls(part: bytes) -> None:
    clock: Any = Clock()
    channel, _ = connect(clock)
    channel.dataReceived(part)
    assert clock.getDelayedCalls() == []
