"""The `timeOut` of a site and of a channel: it disconnects a silent client, as on stock Twisted."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.unit.dropin.world import WAYS, Client, FedChannel, World, world
from twisted.protocols.policies import WrappingFactory
from twisted.web import http
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

from ropewalk.dropin import HTTPChannel, accelerate_port

SHORT = 0.1
"""A timeout in seconds. The engine's default timeouts are longer than the tests wait."""

SENT = {
    "nothing": b"",
    "a part of a head": b"GET / HT",
    "a head without its end": b"GET / HTTP/1.1\r\nHost: a\r\n",
    "a part of a body": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nx",
    "a part of a chunk": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nx",
    "a request": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "the begin of another": b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HT",
}
"""The bytes that a client sends before it is silent."""


class Hello(Resource):
    isLeaf = True

    def render_GET(self, request: Any) -> bytes:
        return b"hello"


@pytest.fixture
def made() -> Iterator[World]:
    with world() as made:
        yield made


def connect(made: World, site: Site, way: str) -> Client:
    """Return a client of a site: on stock Twisted, on the engine in each way, or with a wrapping factory."""
    if way in WAYS:
        return made.connect(made.listen(site, way))
    factory: Any = site
    if way == "wrapped":
        site.protocol = lambda: http._GenericHTTPChannelProtocol(FedChannel())  # type: ignore[method-assign]
        factory = WrappingFactory(site)
    port = made.reactor.listenTCP(0, factory, interface="127.0.0.1")
    made._ports.append(port)
    return made.connect(port)


@pytest.mark.parametrize("sent", SENT)
@pytest.mark.parametrize("way", ["stock", *WAYS, "wrapped"])
def test_timeout_of_a_site(made: World, way: str, sent: str) -> None:
    client = connect(made, Site(Hello(), reactor=made.reactor, timeout=SHORT), way)
    client.send(SENT[sent])
    served = SENT[sent].count(b"\r\n\r\n") if b"POST" not in SENT[sent] else 0
    assert client.rest().count(b"hello") == served


class OfTheClass(HTTPChannel):
    timeOut = SHORT


class Before(HTTPChannel):
    def connectionMade(self) -> None:
        self.timeOut = SHORT
        super().connectionMade()


class After(HTTPChannel):
    def connectionMade(self) -> None:
        super().connectionMade()
        self.setTimeout(SHORT)


class Assigned(HTTPChannel):
    """A channel that sets its own `timeOut`. Stock Twisted uses a new value only when it resets the timeout, after
    bytes have arrived."""

    def connectionMade(self) -> None:
        super().connectionMade()
        self.timeOut = SHORT


@pytest.mark.parametrize("sent", ["nothing", "a part of a head", "a part of a body", "a request"])
@pytest.mark.parametrize("channel", [OfTheClass, Before, After, Assigned])
@pytest.mark.parametrize("way", ["accepted", "adopted"])
def test_timeout_of_a_channel(made: World, way: str, channel: type[HTTPChannel], sent: str) -> None:
    site = Site(Hello(), reactor=made.reactor, timeout=None if channel is OfTheClass else 60)
    site.protocol = channel  # type: ignore[method-assign,assignment]
    if channel is OfTheClass:
        site.buildProtocol = lambda address: _kept(site, channel())  # type: ignore[method-assign]
    port = made.reactor.listenTCP(0, site, interface="127.0.0.1")
    assert accelerate_port(port) if way == "accepted" else True
    made._ports.append(port)
    client = made.connect(port)
    client.send(SENT[sent])
    assert client.rest().count(b"hello") == (sent == "a request")


def _kept(site: Site, channel: HTTPChannel) -> HTTPChannel:
    """Build a channel as a factory does that does not set the channel's `timeOut`."""
    channel.factory = channel.site = site
    channel.requestFactory = site.requestFactory
    return channel


def test_no_timeout(made: World) -> None:
    """A site with `timeout=None` never disconnects an idle client, as on stock Twisted. The engine's own timeout for a
    head still applies."""
    site = Site(Hello(), reactor=made.reactor, timeout=None)
    client = connect(made, site, "accepted")
    client.get()
    client.until(b"hello")
    assert site._ropewalk.engine.limits.idle_timeout == 0  # type: ignore[attr-defined]
    assert site._ropewalk.engine.limits.head_timeout == 10  # type: ignore[attr-defined]


def test_a_timeout_can_be_cancelled(made: World) -> None:
    site = Site(Hello(), reactor=made.reactor, timeout=SHORT)
    channels: list[Any] = []

    class Kept(HTTPChannel):
        def connectionMade(self) -> None:
            super().connectionMade()
            self.timeOut = None
            channels.append(self)

    site.protocol = Kept  # type: ignore[method-assign,assignment]
    port = made.reactor.listenTCP(0, site, interface="127.0.0.1")
    assert accelerate_port(port)
    made._ports.append(port)
    silent, other = made.connect(port), made.connect(port)
    silent.get()
    silent.until(b"hello")
    made.until(lambda: len(channels) == 2)
    channels[1].timeOut = SHORT
    other.rest()  # by then both clients have timed out
    assert silent.read() == b""
    assert not silent.ended


class Setting(Resource):
    """Sets a timeout during a request, in some way, and records the period before."""

    isLeaf = True

    def __init__(self, way: str, period: Any, *, responds: bool = True) -> None:
        super().__init__()
        self._way = way
        self._period = period
        self._responds = responds
        self.periods: list[Any] = []
        self.channel: Any = None

    def render_GET(self, request: Any) -> Any:
        self.channel = request.channel
        if self._way == "assigned":
            self.channel.timeOut = self._period
        else:
            channel = self.channel
            self.periods = [channel.timeOut, *(channel.setTimeout(self._period) for _ in range(2))]
        return b"hello" if self._responds else NOT_DONE_YET


@pytest.mark.parametrize("period", [None, 60])
@pytest.mark.parametrize("how", ["called", "assigned"])
@pytest.mark.parametrize("way", ["stock", *WAYS, "wrapped"])
def test_a_timeout_set_during_a_request_ends_with_the_response(made: World, way: str, how: str, period: Any) -> None:
    setting = Setting(how, period)
    client = connect(made, Site(setting, reactor=made.reactor, timeout=SHORT), way)
    client.get()
    assert client.rest().endswith(b"hello")
    assert setting.periods == ([None, None, period] if how == "called" else [])


@pytest.mark.parametrize("way", ["stock", *WAYS, "wrapped"])
def test_a_timeout_set_during_a_request_stays_if_the_connection_has_none(made: World, way: str) -> None:
    setting = Setting("called", SHORT)
    client = connect(made, Site(setting, reactor=made.reactor, timeout=None), way)
    client.get()
    assert client.rest().endswith(b"hello")
    assert setting.periods == [None, None, SHORT]


@pytest.mark.parametrize("way", ["stock", *WAYS, "wrapped"])
def test_a_timeout_set_during_a_request_limits_it(made: World, way: str) -> None:
    client = connect(made, Site(Setting("called", SHORT, responds=False), reactor=made.reactor, timeout=60), way)
    client.get()
    assert client.rest() == b""
