"""Connections on which another protocol runs before a site. All ways in which applications do this work as on
Twisted."""

from pathlib import Path
from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.dropin.carriers import Carrier, TLSClient, beside, context, dateless
from tests.unit.dropin.connection.sites import Page
from tests.unit.dropin.world import World
from twisted.internet.protocol import Factory, Protocol
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.web import http
from twisted.web.server import NOT_DONE_YET, Site

from ropewalk.dropin import HTTPChannel, accelerate, accelerate_port

pytestmark = pytest.mark.filterwarnings("ignore:Passing pyOpenSSL:DeprecationWarning")  # Twisted does so

CARRIERS = ("adopted", "adopted unix", "tls", "wrapping")
"""Carriers on which Twisted accepts for a factory that is not a site."""

POST = b"POST /one HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"
CHUNKS = b"POST /two HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n"
LAST = b"GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
SEGMENTS = (
    [POST + CHUNKS + LAST],
    [POST, CHUNKS, LAST],
    [b"P", POST[1:40], POST[40:] + CHUNKS[:9], CHUNKS[9:-8], CHUNKS[-8:] + LAST],
    [POST[:-2], POST[-2:] + CHUNKS, LAST],
)


class Outer(Protocol):
    """Reads the first bytes, and passes the connection and later bytes on."""

    transport: Any
    inner: Any = None

    def __init__(self, site: Site, addr: Any) -> None:
        self.site = site
        self.inner = None
        self.built: Any = site.buildProtocol(addr) if not isinstance(site, Peeking) else None

    def dataReceived(self, data: bytes) -> None:
        if self.inner is not None:
            self.inner.dataReceived(data)
        else:
            self.inner = self.built
            self.hand_over(self.inner)
            self.inner.dataReceived(data)

    def hand_over(self, inner: Any) -> None:
        raise NotImplementedError

    def connectionLost(self, reason: Any = None) -> None:
        if self.inner is not None:
            self.inner.connectionLost(reason)


class Replaced(Outer):
    """Makes the channel the protocol of the transport."""

    def hand_over(self, inner: Any) -> None:
        self.transport.protocol = inner
        inner.makeConnection(self.transport)


class Forwarding(Outer):
    """Keeps itself as the protocol of the transport."""

    def hand_over(self, inner: Any) -> None:
        inner.makeConnection(self.transport)


class Pretending(Outer):
    """Sets the `transport` attribute of the channel itself."""

    def hand_over(self, inner: Any) -> None:
        self.transport.protocol = inner
        # the channel may be inside Twisted's wrapper that detects HTTP/2
        getattr(inner, "_channel", inner).transport = self.transport
        inner.connectionMade()


class Crossbar(Outer):
    """Does as Crossbar's UniSocket does: sets the transport of the channel, and keeps itself as the protocol."""

    def hand_over(self, inner: Any) -> None:
        getattr(inner, "_channel", inner).transport = self.transport
        inner.connectionMade()


class Between(Outer):
    """Gives the channel a wrapper of the transport."""

    def hand_over(self, inner: Any) -> None:
        inner.makeConnection(Passing(self.transport))


class Passing:
    """A transport whose class is not Twisted's. It delegates every attribute."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class AtOnce(Outer):
    """Passes the connection on before any bytes have arrived."""

    def connectionMade(self) -> None:
        self.inner = self.transport.protocol = self.built
        self.built.makeConnection(self.transport)


class ForwardingAtOnce(Outer):
    def connectionMade(self) -> None:
        self.inner = self.built
        self.inner.makeConnection(self.transport)


IDIOMS = (Replaced, Forwarding, Pretending, Crossbar, Between, AtOnce, ForwardingAtOnce)


class Sharing(Factory):
    """A factory of a protocol that passes its connection on."""

    def __init__(self, kind: type[Outer], site: Site) -> None:
        self._kind = kind
        self._site = site

    def buildProtocol(self, addr: Any) -> Outer:
        return self._kind(self._site, addr)


class Peeking(Site):
    """A site with another protocol before its own channels."""

    kind: type[Outer]

    def buildProtocol(self, addr: Any) -> Any:
        outer = self.kind(self, addr)
        outer.built = super().buildProtocol(addr)
        return outer


def site(there: World, kind: type[Site] = Site) -> Any:
    made = kind(Page(lambda request: request.uri + b" " + request.content.read()), reactor=there.reactor)
    made.log = lambda request: None  # type: ignore[method-assign]
    return made


def talk(there: World, client: Any, segments: list[bytes]) -> bytes:
    for segment in segments:
        client.send(segment)
        there.turn(10)
    return dateless(client.rest())


@pytest.mark.parametrize("segments", SEGMENTS, ids=["at once", "one by one", "in pieces", "in halves"])
@pytest.mark.parametrize("kind", IDIOMS)
@pytest.mark.parametrize("name", CARRIERS)
def test_no_byte_is_lost(there: World, tmp_path: Path, name: str, kind: type[Outer], segments: list[bytes]) -> None:
    def ask(carrier: Carrier) -> bytes:
        inner = site(there)
        carrier.listen(Sharing(kind, inner if carrier.stock else accelerate(inner)))
        return talk(there, carrier.connect(), segments)

    stock, engine = beside(there, name, tmp_path, ask)
    assert engine == stock
    assert engine.count(b"HTTP/1.1 200 OK\r\n") == 3


@pytest.mark.parametrize("kind", [Replaced, Forwarding, Pretending])
@pytest.mark.parametrize("way", ["accepted", "adopted"])
def test_a_site_with_another_protocol_before_its_channels(there: World, way: str, kind: type[Outer]) -> None:
    inner = accelerate(site(there, type("PeekingSite", (Peeking,), {"kind": kind})))
    port = there.reactor.listenTCP(0, inner, interface="127.0.0.1")
    there.keep_port(port)
    if way == "accepted":
        assert accelerate_port(port)
    for segments in SEGMENTS:
        client = there.connect(port)
        assert talk(there, client, segments).count(b"HTTP/1.1 200 OK\r\n") == 3


def test_a_protocol_of_a_site_that_makes_a_channel_later(there: World) -> None:
    """The site's `protocol` makes another protocol, which keeps a channel of the site and uses it later."""
    inner = accelerate(site(there))
    build = inner.protocol

    class Wrapping(Replaced):
        def __init__(self) -> None:
            channel: Any = build()
            channel.factory = channel.site = inner
            channel.requestFactory, channel.timeOut = inner.requestFactory, None
            channel.callLater = there.reactor.callLater
            self.inner = None
            self.built = channel

    vars(inner)["protocol"] = Wrapping
    port = there.reactor.listenTCP(0, inner, interface="127.0.0.1")
    there.keep_port(port)
    assert accelerate_port(port)
    assert talk(there, there.connect(port), SEGMENTS[2]).count(b"HTTP/1.1 200 OK\r\n") == 3


@pytest.mark.parametrize("name", ["adopted", "adopted unix"])
def test_tls_that_begins_before_the_channel(there: World, tmp_path: Path, name: str) -> None:
    def ask(carrier: Carrier) -> bytes:
        inner = site(there)

        class Starting(Forwarding):
            def dataReceived(self, data: bytes) -> None:
                if data == b"STARTTLS\r\n":
                    self.transport.write(b"go on\r\n")
                    self.transport.startTLS(context(tmp_path))
                else:
                    super().dataReceived(data)

        carrier.listen(Sharing(Starting, inner if carrier.stock else accelerate(inner)))
        plain = carrier.connect()
        plain.send(b"STARTTLS\r\n")
        plain.until(b"go on\r\n")
        client = TLSClient(there, plain.socket)
        there.keep(client)
        return talk(there, client, SEGMENTS[2])

    stock, engine = beside(there, name, tmp_path, ask)
    assert engine == stock
    assert engine.count(b"HTTP/1.1 200 OK\r\n") == 3


@pytest.mark.parametrize("kind", IDIOMS)
@pytest.mark.parametrize("name", CARRIERS[:3])
def test_both_protocols_have_connectionLost(there: World, tmp_path: Path, name: str, kind: type[Outer]) -> None:
    def ask(carrier: Carrier) -> list[str]:
        ends: list[str] = []
        waiting: list[Any] = []

        def render(request: Any) -> Any:
            waiting.append(request)
            request.notifyFinish().addErrback(lambda failure: ends.append(failure.type.__name__))
            return NOT_DONE_YET

        inner = Site(Page(render), reactor=there.reactor)
        carrier.listen(Sharing(kind, inner if carrier.stock else accelerate(inner)))
        client = carrier.connect()
        client.get()
        there.until(lambda: waiting, "the request")
        client.socket.close()
        there.until(lambda: ends, "its end")
        return ends

    stock, engine = beside(there, name, tmp_path, ask)
    assert len(engine) == len(stock) == 1


@pytest.mark.parametrize("way", ["accepted", "adopted", "fed"])
def test_a_site_over_a_connection_of_another_site(there: World, way: str) -> None:
    """A request's connection becomes the transport of another site's channel, as after CONNECT."""
    inner = accelerate(site(there))

    def render(request: Any) -> Any:
        transport, request.channel.transport = request.channel.transport, None
        channel = inner.buildProtocol(None)
        transport.unregisterProducer()
        transport.protocol = channel
        channel.makeConnection(transport)
        transport.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        return NOT_DONE_YET

    outer = Site(Page(render), reactor=there.reactor)
    outer.log = lambda request: None  # type: ignore[method-assign]
    client = there.connect(there.listen(outer, way))
    client.get()
    client.until(b"Connected\r\n\r\n")
    assert talk(there, client, SEGMENTS[2]).count(b"HTTP/1.1 200 OK\r\n") == 3


def test_it_is_logged_once(there: World, tmp_path: Path, log: Log) -> None:
    carrier = Carrier(there, "adopted", tmp_path).listen(Sharing(Replaced, accelerate(site(there))))
    for _ in range(3):
        talk(there, carrier.connect(), [LAST])
    assert log.text.count("RW748") == 1


@pytest.mark.parametrize("kind", [Replaced, Pretending, AtOnce])
@pytest.mark.parametrize("generic", [False, True], ids=["channel", "generic"])
def test_a_protocol_with_the_name_of_the_channel(
    there: World, tmp_path: Path, log: Log, kind: type[Outer], *, generic: bool
) -> None:
    """A protocol that only has the name of Twisted's channel is recognised as another protocol, which reads the
    connection first. So Twisted keeps the socket, and RW748 is logged."""
    named = type("_GenericHTTPChannelProtocol" if generic else "HTTPChannel", (kind,), {})

    def ask(carrier: Carrier) -> bytes:
        inner = site(there)
        if not carrier.stock:
            accelerate(inner)
        if not generic:
            inner.protocol = http.HTTPChannel if carrier.stock else HTTPChannel
        carrier.listen(Sharing(named, inner))
        return talk(there, carrier.connect(), SEGMENTS[0])

    stock, engine = beside(there, "adopted", tmp_path, ask)
    assert engine == stock
    assert engine.count(b"HTTP/1.1 200 OK\r\n") == 3
    assert log.text.count("RW748") == 1


def test_a_new_connection_is_adopted(there: World, tmp_path: Path, log: Log) -> None:
    """If the factory of a port is not a site, but lets a site build its protocols, the site adopts each new
    connection."""
    inner = accelerate(site(there))

    class Passing(Factory):
        def buildProtocol(self, addr: Any) -> Any:
            return inner.buildProtocol(addr)

    carrier = Carrier(there, "adopted", tmp_path).listen(Passing())
    client = carrier.connect()
    client.get()
    there.until(lambda: client.read())
    assert inner._ropewalk.engine.connections == 1
    assert not there.reactor.getReaders().count(client)
    assert "RW748" not in log.text


class Counted(ProtocolWrapper):
    """Registers connections, and gives the application's protocol the transport itself, as Crossbar does."""

    def makeConnection(self, transport: Any) -> None:
        Protocol.makeConnection(self, transport)
        self.factory.registerProtocol(self)
        self.wrappedProtocol.makeConnection(transport)


class Reading(Counted):
    """Reads the bytes first."""

    def dataReceived(self, data: bytes) -> None:
        super().dataReceived(data.replace(b"/secret", b"/public"))


@pytest.mark.parametrize(("kind", "served"), [(Counted, "TCPTransport"), (Reading, "Server")])
def test_a_wrapper_that_passes_the_transport_on(
    there: World, tmp_path: Path, log: Log, kind: type[Counted], served: str
) -> None:
    seen: list[tuple[str, bytes]] = []

    def render(request: Any) -> bytes:
        seen.append((type(request.channel.transport).__name__, request.path))
        return b""

    class Counting(WrappingFactory):
        protocol = kind

    factory = Counting(accelerate(Site(Page(render), reactor=there.reactor)))
    client = Carrier(there, "adopted", tmp_path).listen(factory).connect()
    client.get("/secret", "Connection: close")
    there.until(lambda: client.read() and client.ended)
    there.until(lambda: not factory.protocols)
    assert seen == [(served, b"/public" if kind is Reading else b"/secret")]
    assert log.text.count("RW748") == (kind is Reading)
