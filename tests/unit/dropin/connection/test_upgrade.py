"""Upgraded connections: all ways in which applications pass the transport to another protocol."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.dropin.connection.sites import Page
from tests.unit.dropin.world import WAYS, Client, World, in_thread
from tests.versions import with_websocket
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IConsumer, IPushProducer, ISSLTransport, ITCPTransport
from twisted.internet.protocol import Protocol
from twisted.protocols.policies import ProtocolWrapper
from twisted.python.failure import Failure
from twisted.web.server import NOT_DONE_YET, Site
from zope.interface import implementer

HEAD = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"
UPGRADE = b"GET /up HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: shouting\r\n\r\n"
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


class Shouting(Protocol):
    """Echoes text in capitals and brackets. Some words are commands."""

    transport: Any

    def __init__(self) -> None:
        self.lost: list[Failure] = []

    def dataReceived(self, data: bytes) -> None:
        match data:
            case b"close":
                self.transport.write(b"bye")
                self.transport.loseConnection()
            case b"abort":
                self.transport.abortConnection()
            case _:
                self.transport.write(b"[%b]" % data.upper())

    def connectionLost(self, reason: Any = None) -> None:
        self.lost.append(reason)


def by_channel(request: Any, protocol: Shouting) -> None:
    """Upgrade like Autobahn: the application passes bytes to the protocol, and bytes that arrive meanwhile follow
    them."""
    assert request.channel.transport is request.transport
    transport, request.channel.transport = request.channel.transport, None
    assert not isinstance(transport, ProtocolWrapper)
    assert transport.protocol is not None
    transport.protocol = protocol
    protocol.makeConnection(transport)
    transport.resumeProducing()
    transport.write(HEAD)


def by_request(request: Any, protocol: Shouting) -> None:
    """Upgrade like Daphne."""
    transport, request.transport = request.transport, None
    transport.protocol = protocol
    protocol.makeConnection(transport)
    transport.write(HEAD)
    request.channel._networkProducer.resumeProducing()


def by_websocket(request: Any, protocol: Shouting) -> None:
    """Upgrade like twisted.web's WebSocketResource."""
    request.channel._protocolUpgradeForWebsockets(protocol)
    protocol.transport.write(HEAD)


def by_response(request: Any, protocol: Shouting) -> None:
    """Upgrade like MAAS: finish a response of the request, which then cleans up."""
    request.setResponseCode(101)
    request.setHeader(b"Upgrade", b"shouting")
    request.write(b"")
    transport, request.transport = request.transport, None
    transport.cookies, transport.host, transport.ip_address = b"a=b", "a", "127.0.0.1"
    transport.protocol = protocol
    protocol.makeConnection(transport)
    request._cleanup()


def by_name_only(request: Any, protocol: Shouting) -> None:
    """Upgrade like LocalStack's gateway: nothing is resumed, and a thread writes."""
    request.transport.protocol = protocol
    protocol.transport = request.transport
    in_thread(request.transport.write, HEAD)


STYLES = (by_channel, by_request, with_websocket(by_websocket), by_response, by_name_only)


class Upgrading:
    """A site whose path /up upgrades, and a client of it."""

    def __init__(self, world: World, way: str, style: Callable[[Any, Shouting], None], timeout: float = 60) -> None:
        self.protocol = Shouting()
        self.finished: list[Any] = []
        self._style = style
        site = Site(Page(self.render), reactor=world.reactor, timeout=timeout)
        site.log = lambda request: None  # type: ignore[method-assign]
        self.client: Client = world.connect(world.listen(site, way))
        self._site = site

    @property
    def driver(self) -> Any:
        return vars(self._site)["_ropewalk"]

    def render(self, request: Any) -> Any:
        if request.path != b"/up":
            return b"a page"
        request.notifyFinish().addBoth(self.finished.append)
        self._style(request, self.protocol)
        return NOT_DONE_YET

    def upgrade(self) -> bytes:
        """Return the head of the response."""
        self.client.send(UPGRADE)
        head = self.client.until(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
        return head


@pytest.mark.parametrize("style", STYLES)
def test_bytes_go_both_ways(there: World, way: str, style: Callable[..., None]) -> None:
    upgrading = Upgrading(there, way, style)
    upgrading.client.send(GET)
    upgrading.client.until(b"a page")
    upgrading.upgrade()
    for word in (b"one", b"two"):
        upgrading.client.send(word)
        upgrading.client.until(b"[%b]" % word.upper())


@pytest.mark.parametrize("style", STYLES)
def test_bytes_in_flight_come_after_the_upgrade(there: World, way: str, style: Callable[..., None]) -> None:
    """Bytes that arrive together with the request for an upgrade reach the new protocol. Twisted's own channel loses
    these bytes."""
    upgrading = Upgrading(there, way, style)
    upgrading.client.send(UPGRADE + b"early")
    assert upgrading.client.until(b"[EARLY]").startswith(HEAD[:-2])


def test_a_101_has_no_framing(there: World, way: str) -> None:
    """The response has no Transfer-Encoding, although twisted.web's request sets it (RFC 9112, section 6.1)."""
    head = Upgrading(there, way, by_response).upgrade()
    assert b"\r\nUpgrade: shouting\r\n" in head
    assert b"ransfer-" not in head


def test_attributes_stay_on_the_transport(there: World, way: str) -> None:
    upgrading = Upgrading(there, way, by_response)
    upgrading.upgrade()
    assert (upgrading.protocol.transport.cookies, upgrading.protocol.transport.host) == (b"a=b", "a")


def test_interfaces(there: World, way: str) -> None:
    upgrading = Upgrading(there, way, by_channel)
    upgrading.upgrade()
    transport = upgrading.protocol.transport
    assert [it.providedBy(transport) for it in (ITCPTransport, IConsumer, ISSLTransport)] == [True, True, False]
    assert transport.getPeer().port == upgrading.client.socket.getsockname()[1]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("how", ["close", "abort", "the client closes", "the client resets"])
def test_only_the_protocol_has_connectionLost(there: World, way: str, style: Callable[..., None], how: str) -> None:
    """After an upgrade, only the protocol is notified of the end: its `connectionLost` is called once, with the same
    reason as on Twisted."""
    reasons = {"close": ConnectionDone, "abort": ConnectionAborted, "the client closes": ConnectionDone}
    upgrading = Upgrading(there, way, style)
    upgrading.upgrade()
    before = list(upgrading.finished)
    if how == "the client closes":
        upgrading.client.socket.close()
    elif how == "the client resets":
        reset(upgrading.client)
    else:
        upgrading.client.send(how.encode())
        assert upgrading.client.rest() == {"close": b"bye", "abort": b""}[how]
        upgrading.client.socket.close()
    there.until(lambda: upgrading.protocol.lost)
    there.turn()
    (reason,) = upgrading.protocol.lost
    assert reason.type is reasons.get(how, ConnectionLost)
    assert upgrading.finished == before


@pytest.mark.parametrize("style", STYLES)
def test_a_protocol_that_closes_does_not_wait_for_the_client(
    there: World, way: str, style: Callable[..., None]
) -> None:
    """If the protocol closes the connection, its `connectionLost` is called while the engine still waits for the client
    to close."""
    upgrading = Upgrading(there, way, style)
    upgrading.upgrade()
    upgrading.client.send(b"close")
    there.until(lambda: upgrading.protocol.lost)
    assert upgrading.protocol.transport is None or upgrading.protocol.transport.fileno() == -1
    assert upgrading.client.rest() == b"bye"
    upgrading.client.socket.close()
    there.turn()
    (reason,) = upgrading.protocol.lost
    assert reason.type is ConnectionDone


@pytest.mark.parametrize("way", ["stock", *WAYS])
def test_the_error_of_a_protocol_is_the_reason_of_connectionLost(there: World, way: str) -> None:
    class Failing(Shouting):
        def dataReceived(self, data: bytes) -> None:
            raise ZeroDivisionError

    upgrading = Upgrading(there, way, by_request)
    upgrading.protocol = Failing()
    upgrading.upgrade()
    upgrading.client.send(b"data")
    there.until(lambda: upgrading.protocol.lost)
    (reason,) = upgrading.protocol.lost
    assert reason.type is ZeroDivisionError


def test_a_shutdown_that_is_cut_short_loses_the_connection(there: World) -> None:
    """If a shutdown is cut short, the connection is lost at once. As with Twisted's reactors, the protocol has no time
    for its closing handshake."""

    class Slow(Shouting):
        closeHandshakeTimeout = 60

        def sendCloseFrame(self, **options: Any) -> None:
            """Do nothing: the client does not respond."""

    upgrading = Upgrading(there, "accepted", by_channel)
    upgrading.protocol = Slow()
    upgrading.upgrade()
    there.reactor.fireSystemEvent("shutdown")
    there.turn()
    assert not upgrading.protocol.lost
    upgrading.driver._cut()
    there.until(lambda: upgrading.protocol.lost)
    (reason,) = upgrading.protocol.lost
    assert reason.type is ConnectionLost


def reset(client: Client) -> None:
    """Reset the connection: by a close with unread bytes, or if there are none, with SO_LINGER."""
    client.socket.setsockopt(1, 13, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    client.socket.close()


@pytest.mark.parametrize("style", STYLES)
def test_silence_does_not_time_out(there: World, way: str, style: Callable[..., None]) -> None:
    """HTTP's timeouts no longer run."""
    upgrading = Upgrading(there, way, style, timeout=0.05)
    upgrading.upgrade()
    elapsed: list[None] = []
    there.reactor.callLater(0.3, elapsed.append, None)
    there.until(lambda: elapsed)
    upgrading.client.send(b"still there?")
    upgrading.client.until(b"[STILL THERE?]")


def test_a_protocol_may_be_replaced_again(there: World, way: str) -> None:
    upgrading = Upgrading(there, way, by_channel)
    upgrading.upgrade()
    second = Shouting()
    upgrading.protocol.transport.protocol = second
    second.makeConnection(upgrading.protocol.transport)
    upgrading.client.send(b"close")
    assert upgrading.client.rest() == b"bye"
    upgrading.client.socket.close()
    there.until(lambda: second.lost)
    assert upgrading.protocol.lost == []


def test_reading_may_be_paused(there: World, way: str) -> None:
    upgrading = Upgrading(there, way, by_channel)
    upgrading.upgrade()
    transport = upgrading.protocol.transport
    transport.pauseProducing()
    upgrading.client.send(b"now")
    there.turn(20)
    assert upgrading.client.read() == b""
    transport.resumeProducing()
    upgrading.client.until(b"[NOW]")


@implementer(IPushProducer)
class Chunks:
    """A producer of chunks of 64 KiB."""

    def __init__(self, transport: Any, number: int) -> None:
        self.transport = transport
        self.left = number
        self.pauses = 0
        self.stopped = self.running = False

    def resumeProducing(self) -> None:
        self.running = True
        while self.running and self.left:
            self.left -= 1
            self.transport.write(bytes(65536))
        if not self.left and not self.stopped:
            self.stopped = True
            self.transport.unregisterProducer()

    def pauseProducing(self) -> None:
        self.running = False
        self.pauses += 1

    def stopProducing(self) -> None:
        self.running = False
        self.stopped = True


@pytest.mark.parametrize("style", [by_channel, by_request, with_websocket(by_websocket)])
def test_a_producer_is_paused(there: World, way: str, style: Callable[..., None]) -> None:
    """Twisted's own channel raises here, because it is registered as a producer itself."""
    upgrading = Upgrading(there, way, style)
    upgrading.upgrade()
    transport = upgrading.protocol.transport
    pieces = Chunks(transport, 200)
    transport.registerProducer(pieces, True)
    pieces.resumeProducing()
    there.turn(20)
    assert pieces.pauses > 0
    assert pieces.left > 0
    transport.loseConnection()
    assert upgrading.client.rest() == bytes(200 * 65536)


def test_a_producer_is_stopped_at_the_end(there: World, way: str) -> None:
    upgrading = Upgrading(there, way, by_channel)
    upgrading.upgrade()
    pieces = Chunks(upgrading.protocol.transport, 200)
    upgrading.protocol.transport.registerProducer(pieces, True)
    pieces.resumeProducing()
    upgrading.client.socket.close()
    there.until(lambda: upgrading.protocol.lost)
    assert pieces.stopped


def test_writing_after_the_end_does_nothing(there: World, way: str) -> None:
    upgrading = Upgrading(there, way, by_channel)
    upgrading.upgrade()
    transport = upgrading.protocol.transport
    upgrading.client.send(b"abort")
    there.until(lambda: upgrading.protocol.lost)
    transport.write(b"after the end")
    transport.writeSequence([b"to", b"the end"])
    transport.loseConnection()
    transport.abortConnection()
    there.turn()
    assert len(upgrading.protocol.lost) == 1


@pytest.mark.parametrize("style", STYLES)
def test_a_shutdown_closes_in_the_way_of_the_protocol(there: World, style: Callable[..., None]) -> None:
    class Autobahns(Shouting):
        closeHandshakeTimeout = 1

        def sendCloseFrame(self, code: int, reasonUtf8: bytes | None, isReply: bool) -> None:
            self.transport.write(b"close frame %d" % code)

    upgrading = Upgrading(there, "accepted", style)
    upgrading.protocol = Autobahns()
    upgrading.upgrade()
    there.reactor.fireSystemEvent("shutdown")
    assert upgrading.client.until(b"1001").endswith(b"close frame 1001")
    upgrading.client.send(b"close")
    assert upgrading.client.rest().endswith(b"bye")
    there.until(lambda: upgrading.protocol.lost)
