"""HTTPChannel on the engine, over each kind of connection, as an application of twisted.web observes it."""

from pathlib import Path
from typing import Any

import pytest
from tests.unit.dropin.connection.sites import Echo, Page, serve, site
from tests.unit.dropin.world import World, in_thread
from tests.versions import with_websocket
from twisted.internet.error import ConnectionAborted, ConnectionDone
from twisted.internet.interfaces import IPushProducer
from twisted.internet.tcp import Server
from twisted.python.failure import Failure
from twisted.web import server, static
from twisted.web.server import NOT_DONE_YET, Site
from zope.interface import implementer

from ropewalk.dropin import HTTPChannel


def test_responses_on_a_persistent_connection(there: World, way: str) -> None:
    client = serve(there, way, lambda request: b"to " + request.uri)
    for path in ("/a", "/b?c=d"):
        client.get(path)
        response = client.until(b"\r\n\r\nto " + path.encode())
        assert response.startswith(b"HTTP/1.1 200 OK\r\nServer: TwistedWeb/")
        assert b"\r\nContent-Length: %d\r\n" % (len(path) + 3) in response
        assert b"onnection" not in response


def test_pipelined_responses_are_in_order(there: World, way: str) -> None:
    waiting: list[Any] = []

    def render(request: Any) -> Any:
        if request.path == b"/slow":
            waiting.append(request)
            return NOT_DONE_YET
        return request.path

    client = serve(there, way, render)
    client.get("/slow")
    client.get("/quick")
    there.until(lambda: waiting)
    there.turn()
    assert client.read() == b""
    waiting[0].write(b"slow")
    waiting[0].finish()
    assert client.until(b"\r\n\r\n/quick").count(b"4\r\nslow\r\n0\r\n\r\n") == 1


def test_the_program_is_notified_when_a_client_leaves(there: World, way: str) -> None:
    waiting: list[Any] = []
    notified: list[Any] = []

    def render(request: Any) -> Any:
        waiting.append(request)
        request.notifyFinish().addErrback(notified.append)
        return NOT_DONE_YET

    client = serve(there, way, render)
    client.get()
    there.until(lambda: waiting)
    client.socket.close()
    there.until(lambda: notified)
    assert notified[0].check(ConnectionDone)
    assert waiting[0].channel is None
    waiting[0].write(b"nobody")
    with pytest.raises(RuntimeError, match="after its connection was lost"):
        waiting[0].finish()


def test_writes_of_a_thread_arrive_in_order(there: World, way: str) -> None:
    """Thousands of chunks that a thread writes arrive in order. Applications such as Buildbot write in this way, which
    usually works on twisted.web."""
    pieces = [b"%d " % number for number in range(3000)]

    def render(request: Any) -> Any:
        request.setHeader(b"Content-Length", b"%d" % sum(map(len, pieces)))
        request.write(b"")

        def work() -> None:
            for piece in pieces[:-1]:
                request.write(piece)

        in_thread(work)
        request.write(pieces[-1])
        request.finish()
        return NOT_DONE_YET

    client = serve(there, way, render)
    client.get()
    assert client.until(pieces[-1]).endswith(b"\r\n\r\n" + b"".join(pieces))


def test_a_thread_finishes_a_response(there: World, way: str) -> None:
    def render(request: Any) -> Any:
        def work() -> None:
            request.write(b"by a thread")
            request.finish()

        in_thread(work)
        return NOT_DONE_YET

    client = serve(there, way, render)
    for _ in range(2):
        client.get()
        assert client.until(b"0\r\n\r\n").endswith(b"\r\n\r\nb\r\nby a thread\r\n0\r\n\r\n")


def test_addresses_of_a_closed_connection(there: World, way: str) -> None:
    waiting: list[Any] = []

    def render(request: Any) -> Any:
        waiting.append(request)
        request.notifyFinish().addErrback(lambda _: notified.append((request.getHost().port, request.client.port)))
        return NOT_DONE_YET

    notified: list[Any] = []
    port = there.listen(site(there, render), way)
    client = there.connect(port)
    client.get()
    there.until(lambda: waiting)
    mine = client.socket.getsockname()[1]
    client.socket.close()
    there.until(lambda: notified)
    assert notified == [(port.getHost().port, mine)]


def test_http_1_0_and_close(there: World, way: str) -> None:
    factory = site(there, lambda _: b"last")
    port = there.listen(factory, way)
    for request, version, said in (
        (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", b"HTTP/1.0", 0),
        (b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", b"HTTP/1.1", 1),
    ):
        client = there.connect(port)
        client.send(request)
        response = client.rest()
        assert response.startswith(version + b" 200 OK\r\n")
        assert response.endswith(b"\r\n\r\nlast")
        assert response.count(b"Connection: close\r\n") == said


def test_streams_in_chunks_or_by_length(there: World, way: str) -> None:
    def render(request: Any) -> Any:
        if request.path == b"/length":
            request.setHeader(b"Content-Length", b"4")
        request.write(b"ab")
        there.reactor.callLater(0, request.write, b"cd")
        there.reactor.callLater(0, request.finish)
        return NOT_DONE_YET

    client = serve(there, way, render)
    client.get("/chunks")
    assert client.until(b"0\r\n\r\n").endswith(b"\r\n\r\n2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n")
    client.get("/length")
    assert client.until(b"\r\n\r\nabcd")


def test_head_has_a_length_and_no_body(there: World, way: str) -> None:
    client = serve(there, way, lambda _: b"body")
    client.send(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert b"Content-Length: 4\r\n" in client.until(b"\r\n\r\n")


@implementer(IPushProducer)
class Push:
    """A push producer that writes as fast as it may."""

    def __init__(self, request: Any, left: int) -> None:
        self.request, self.left = request, left
        self.pauses = 0
        self.going = False
        self.stopped = False
        request.registerProducer(self, True)
        self.resumeProducing()

    def resumeProducing(self) -> None:
        self.going = True
        while self.going and self.left:
            self.left -= 1
            self.request.write(b"x" * 10_000)
        if not self.left and not self.stopped:
            self.stopped = True
            self.request.unregisterProducer()
            self.request.finish()

    def pauseProducing(self) -> None:
        self.pauses += 1
        self.going = False

    def stopProducing(self) -> None:
        self.left = 0
        self.stopped = True


def test_a_push_producer_waits_for_its_client(there: World, way: str) -> None:
    made: list[Push] = []

    def render(request: Any) -> Any:
        request.setHeader(b"Content-Length", b"20000000")
        made.append(Push(request, 2_000))
        return NOT_DONE_YET

    client = serve(there, way, render)
    client.get()
    there.until(lambda: made)
    there.turn(50)
    assert made[0].pauses
    assert made[0].left > 500
    there.until(lambda: len(client.read()) > 20_000_000)
    assert made[0].stopped
    assert client.received.endswith(b"\r\n\r\n" + b"x" * 20_000_000)


class Pull:
    """A pull producer that writes a part in each call."""

    def __init__(self, request: Any, parts: int) -> None:
        self.request, self.left = request, parts
        self.stopped = False
        request.registerProducer(self, False)

    def resumeProducing(self) -> None:
        if not self.left:
            self.request.unregisterProducer()
            self.request.finish()
            return
        self.left -= 1
        self.request.write(b"y" * 1000)

    def stopProducing(self) -> None:
        self.stopped = True


def test_a_pull_producer_is_called_until_it_has_finished(there: World, way: str) -> None:
    made: list[Pull] = []

    def render(request: Any) -> Any:
        request.setHeader(b"Content-Length", b"100000")
        made.append(Pull(request, 100))
        assert made[0].left == 100, "it is called when it is ready"
        return NOT_DONE_YET

    client = serve(there, way, render)
    client.get()
    there.until(lambda: len(client.read()) > 100_000)
    assert client.received.endswith(b"\r\n\r\n" + b"y" * 100_000)


def test_a_producer_that_fails_closes_its_connection(there: World, log: Any) -> None:
    class Broken(Pull):
        def resumeProducing(self) -> None:
            raise ZeroDivisionError

    def render(request: Any) -> Any:
        request.setHeader(b"Content-Length", b"9")
        request.write(b"some")
        Broken(request, 1)
        return NOT_DONE_YET

    client = serve(there, "accepted", render)
    client.get()
    client.rest()
    assert "its connection is closed" in log.text


def test_files(there: World, way: str, tmp_path: Any) -> None:
    content = bytes(range(256)) * 1000
    (tmp_path / "f.bin").write_bytes(content)
    factory = Site(static.File(str(tmp_path)), reactor=there.reactor)
    factory.log = lambda request: None  # type: ignore[method-assign]
    client = there.connect(there.listen(factory, way))
    client.get("/f.bin")
    there.until(lambda: len(client.read()) > len(content))
    head, body = client.received.split(b"\r\n\r\n", 1)
    assert body == content
    assert b"Content-Length: 256000" in head
    client.received = b""
    client.get("/f.bin", "Range: bytes=256-258")
    assert client.until(b"\r\n\r\n\x00\x01\x02").startswith(b"HTTP/1.1 206 ")


def test_raw_responses(there: World, way: str, tmp_path: Any) -> None:
    (tmp_path / "page").write_bytes(b"HTTP/1.1 299 Raw\r\nContent-Length: 2\r\n\r\nhi")
    client = serve(there, way, lambda request: static.File(str(tmp_path / "page")).render_GET(start(request)))
    client.get()
    assert client.rest() == b"HTTP/1.1 299 Raw\r\nContent-Length: 2\r\n\r\nhi"


def start(request: Any) -> Any:
    request.startedWriting = 1
    return request


def test_a_program_closes_after_half_a_response(there: World, way: str) -> None:
    lost: list[Failure] = []

    def render(request: Any) -> Any:
        request.notifyFinish().addErrback(lost.append)
        request.setHeader(b"Content-Length", b"100")
        request.write(b"half")
        request.loseConnection()
        return NOT_DONE_YET

    client = serve(there, way, render)
    client.get()
    assert client.rest().endswith(b"\r\n\r\nhalf")
    assert not client.reset
    there.until(lambda: lost)


@pytest.mark.parametrize("whose", ["channel", "transport", "request"])
def test_a_program_closes_first_and_responds_then(there: World, way: str, whose: str) -> None:
    def render(request: Any) -> Any:
        {"channel": request.channel, "transport": request.channel.transport, "request": request}[whose].loseConnection()
        return b"full"

    client = serve(there, way, render)
    client.get()
    assert client.rest().endswith(b"\r\n\r\nfull")


def test_a_write_serves_no_other_request(there: World) -> None:
    depth: list[str] = []
    inside: list[Any] = []

    def render(request: Any) -> Any:
        inside.extend(depth)
        if request.path == b"/late":
            there.reactor.callLater(0, late, request)
            return NOT_DONE_YET
        return b"quick"

    def late(request: Any) -> None:
        others = [there.connect(port) for _ in range(5)]
        for other in others:
            other.get()
        depth.append("writing")
        for _ in range(20):
            request.write(b"part")
        request.finish()
        depth.clear()

    port = there.listen(site(there, render), "fed")
    client = there.connect(port)
    client.get("/late")
    client.until(b"0\r\n\r\n")
    assert inside == []


def test_a_file_over_a_transport_of_twisted_s_waits_for_the_client(there: World, tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(50_000_000)
    factory = Site(static.File(str(tmp_path)), reactor=there.reactor)
    factory.log = lambda request: None  # type: ignore[method-assign]
    port = there.listen(factory, "fed")
    client = there.connect(port)
    client.get("/large")
    there.until(lambda: port.numberAccepts and len(there.left()[0]) > 1)
    there.turn(50)
    (transport,) = (reader for reader in there.left()[0] if isinstance(reader, Server))
    assert len(transport.dataBuffer) + transport._tempDataLen < 1_000_000
    assert client.read()


def test_a_channel_that_overrides_dataReceived_gets_the_bytes(there: World) -> None:
    read: list[bytes] = []

    class Counting(HTTPChannel):
        def dataReceived(self, data: bytes) -> None:
            read.append(data)
            super().dataReceived(data)

    class CountingSite(Site):
        def buildProtocol(self, addr: Any) -> Any:
            channel = Counting()
            channel.factory = channel.site = self
            channel.requestFactory = server.Request
            return channel

    factory = CountingSite(Page(lambda _: b"counted"), reactor=there.reactor)
    factory.log = lambda request: None  # type: ignore[method-assign]
    client = there.connect(there.listen(factory))
    client.get()
    client.until(b"counted")
    assert b"".join(read).startswith(b"GET / HTTP/1.1\r\n")


def test_a_program_aborts(there: World, way: str) -> None:
    lost: list[Failure] = []

    def render(request: Any) -> Any:
        request.notifyFinish().addErrback(lost.append)
        request.channel.forceAbortClient()
        return NOT_DONE_YET

    client = serve(there, way, render)
    client.get()
    assert client.rest() == b""
    there.until(lambda: lost)
    assert lost[0].check(ConnectionAborted)


@pytest.mark.parametrize("style", ["protocol", with_websocket("websocket")])
def test_another_protocol_takes_over(there: World, way: str, style: str) -> None:
    echo = Echo()
    notified: list[Any] = []

    def render(request: Any) -> Any:
        request.notifyFinish().addBoth(notified.append)
        channel = request.channel
        if style == "websocket":
            channel._protocolUpgradeForWebsockets(echo)
        else:
            transport, channel.transport = channel.transport, None
            transport.protocol = echo
            echo.makeConnection(transport)
            transport.resumeProducing()
        echo.transport.write(b"welcome ")
        return NOT_DONE_YET

    client = serve(there, way, render)
    client.get("/", "Connection: Upgrade", "Upgrade: echo")
    client.send(b"early")
    client.until(b"welcome EARLY")
    client.send(b" and late")
    client.until(b" AND LATE")
    client.socket.close()
    there.until(lambda: echo.lost)
    assert echo.lost[0].check(ConnectionDone)
    assert notified == []


def test_a_pull_producer_on_an_upgraded_connection(there: World) -> None:
    def render(request: Any) -> Any:
        echo = Echo()
        request.channel.transport.protocol = echo
        echo.makeConnection(request.channel.transport)
        left = [b"%06d" % number for number in range(20_000)]

        class Sender:
            def resumeProducing(self) -> None:
                echo.transport.write(left.pop(0))
                if not left:
                    echo.transport.unregisterProducer()

            def stopProducing(self) -> None:
                left.clear()

        echo.transport.registerProducer(Sender(), False)
        echo.transport.loseConnection()
        return NOT_DONE_YET

    client = serve(there, "accepted", render)
    client.get()
    assert client.rest() == b"".join(b"%06d" % number for number in range(20_000))


def test_idle_connections_are_closed_after_the_factory_s_timeout(there: World, way: str) -> None:
    factory = site(there, lambda _: b"hello", timeout=0.1)
    client = there.connect(there.listen(factory, way))
    client.get()
    client.until(b"hello")
    assert client.rest() == b""
