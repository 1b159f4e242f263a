"""HTTPChannel on the engine, over each kind of connection: what a program of twisted.web observes."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.unit.dropin.world import WAYS, Client, World, in_thread, world
from tests.versions import with_websocket
from twisted.application.internet import StreamServerEndpointService
from twisted.internet.defer import succeed
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.error import ConnectionAborted, ConnectionDone
from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import Protocol
from twisted.internet.tcp import Server
from twisted.python.failure import Failure
from twisted.python.logfile import BaseLogFile
from twisted.web import http, resource, server, static
from twisted.web.server import NOT_DONE_YET, Site
from zope.interface import implementer

from ropewalk._engine import Limits
from ropewalk.dropin import HTTPChannel, limits_of, take_over


@pytest.fixture
def there() -> Iterator[World]:
    with world() as made:
        yield made


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Page(resource.Resource):
    """A resource that renders by a function."""

    isLeaf = True

    def __init__(self, render: Callable[[Any], Any]) -> None:
        super().__init__()
        self.render = render  # type: ignore[method-assign]


@contextmanager
def limited(there: World, way: str, **limits: float) -> Iterator[Client]:
    """A client of a site with some limits."""
    factory = site(there, lambda request: b"")
    HTTPChannel.limits = limits
    try:
        yield there.connect(there.listen(factory, way, None if way == "fed" else limits_of(factory, limits)))
    finally:
        HTTPChannel.limits = {}


def site(world: World, render: Callable[[Any], Any], **options: Any) -> Site:
    made = Site(Page(render), reactor=world.reactor, **options)
    made.log = lambda request: None  # type: ignore[method-assign]
    return made


def serve(world: World, way: str, render: Callable[[Any], Any], limits: Limits | None = None) -> Client:
    return world.connect(world.listen(site(world, render), way, limits))


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


class Recording(http.Request):
    """Records the calls of the channel."""

    calls: list[Any]

    def __init__(self, channel: Any, queued: Any = None) -> None:
        super().__init__(channel, queued)
        self.calls.append(("made", queued))

    def parseCookies(self) -> None:
        self.calls.append(("parseCookies", self.requestHeaders.getRawHeaders("cookie")))
        super().parseCookies()

    def gotLength(self, length: int | None) -> None:
        self.calls.append(("gotLength", length))
        super().gotLength(length)

    def handleContentChunk(self, data: bytes) -> None:
        self.calls.append(("handleContentChunk", data))
        super().handleContentChunk(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        self.calls.append(("requestReceived", command, path, version))
        super().requestReceived(command, path, version)

    def connectionLost(self, reason: Failure) -> None:
        self.calls.append(("connectionLost", reason.type))
        super().connectionLost(reason)


@pytest.mark.parametrize(
    ("framing", "length", "parts"),
    [
        ("Content-Length: 6", 6, [b"abc", b"def"]),
        ("Transfer-Encoding: chunked", None, [b"3\r\nabc\r\n", b"3\r\ndef\r\n0\r\n\r\n"]),
        ("X: none", 0, []),
    ],
)
def test_the_order_of_calls(there: World, way: str, framing: str, length: int | None, parts: list[bytes]) -> None:
    calls: list[Any] = []
    factory = http.HTTPFactory(reactor=there.reactor)
    made = factory.buildProtocol

    def build(address: Any) -> Any:
        protocol: Any = made(address)
        protocol.requestFactory = type("Request", (Recording,), {"calls": calls})
        return protocol

    port = there.listen(factory, way)
    factory.buildProtocol = build  # type: ignore[method-assign, assignment]
    client = there.connect(port)
    client.send(f"POST /x HTTP/1.1\r\nHost: a\r\nCookie: a=b\r\n{framing}\r\n\r\n".encode())
    there.until(lambda: len(calls) >= 3)
    for part in parts:
        before = len(calls)
        client.send(part)
        there.until(partial(lambda before: len(calls) > before, before))
    there.until(lambda: calls[-1][0] == "requestReceived")
    assert calls[:3] == [("made", 0), ("parseCookies", ["a=b"]), ("gotLength", length)]
    assert [call[1] for call in calls if call[0] == "handleContentChunk"] == ([b"abc", b"def"] if parts else [])
    assert calls[-1] == ("requestReceived", b"POST", b"/x", b"HTTP/1.1")
    client.socket.close()
    there.until(lambda: calls[-1][0] == "connectionLost")
    assert calls[-1] == ("connectionLost", ConnectionDone)


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
    """Buildbot writes thousands of chunks from threads. On twisted.web that mostly works."""
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


def test_the_site_s_log_has_a_line_for_each_request(there: World, way: str, tmp_path: Path) -> None:
    factory = Site(Page(lambda request: request.path), reactor=there.reactor, logPath=str(tmp_path / "access.log"))
    client = there.connect(there.listen(factory, way))
    for path in ("/1", "/2", "/3"):
        client.get(path)
    client.until(b"\r\n\r\n/3")
    lines = (tmp_path / "access.log").read_text().splitlines()
    assert [line.split('"')[3] for line in lines] == [f"GET /{number} HTTP/1.1" for number in (1, 2, 3)]


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


def test_a_log_that_cannot_be_written_does_not_end_the_service(there: World, log: Any) -> None:
    class Full(BaseLogFile):
        def __init__(self) -> None:
            """Without a file."""

        def write(self, data: Any) -> None:
            raise OSError(28, "No space left on device")

        def close(self) -> None:
            """For stopFactory."""

    factory = Site(Page(lambda request: request.path), reactor=there.reactor)
    client = there.connect(there.listen(factory))
    factory._logFile = Full()
    for path in ("/1", "/2"):
        client.get(path)
        client.until(path.encode())
    assert "No space left" in log.text or "are lost" in log.text


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


@pytest.mark.parametrize("style", ["as twisted.web", "raw"])
def test_a_program_refuses_a_body_before_it_has_arrived(there: World, way: str, style: str) -> None:
    class Refusing(http.Request):
        def gotLength(self, length: int | None) -> None:
            super().gotLength(length)
            channel: Any = self.channel
            if style == "raw":
                channel.write(b"HTTP/1.1 413 Too Much\r\nConnection: close\r\n\r\n")
                channel.loseConnection()
            else:
                channel._respondToBadRequestAndDisconnect()

    factory = Site(Page(lambda _: b""), requestFactory=Refusing, reactor=there.reactor)
    client = there.connect(there.listen(factory, way))
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 12000000\r\n\r\n")
    client.send(bytes(12_000_000))
    expected = b"HTTP/1.1 413 Too Much\r\n" if style == "raw" else b"HTTP/1.1 400 Bad Request\r\n"
    assert client.rest().startswith(expected)
    assert not client.reset


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


def test_a_body_over_its_limit(there: World, way: str) -> None:
    seen: list[Any] = []
    factory = site(there, seen.append)
    if way == "fed":
        limits = None
        HTTPChannel.limits = {"body_size": 10}
    else:
        limits = limits_of(factory, {"body_size": 10})
    try:
        client = there.connect(there.listen(factory, way, limits))
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n")
        assert client.rest().startswith(b"HTTP/1.1 413 ")
        client = there.connect(there._ports[-1])
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n12345678901\r\n")
        assert client.rest().startswith(b"HTTP/1.1 413 ")
    finally:
        HTTPChannel.limits = {}
    assert seen == []


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 12000000\r\n\r\n", b"413"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n", b"400"),
        (b"nonsense\r\n\r\n", b"400"),
    ],
    ids=["too large", "malformed", "no request"],
)
def test_a_client_that_sends_before_it_reads_gets_its_response(
    there: World, way: str, head: bytes, status: bytes
) -> None:
    with limited(there, way, body_size=10) as client:
        client.send(head)
        client.send(bytes(12_000_000))
        assert client.rest().startswith(b"HTTP/1.1 " + status)
        assert not client.reset


def test_a_client_that_never_stops_sending_is_disconnected(there: World, way: str) -> None:
    with limited(there, way, linger_size=100_000) as client:
        client.send(b"nonsense\r\n\r\n")
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            client.send(bytes(100_000_000))


def test_a_malformed_body(there: World, way: str) -> None:
    seen: list[Any] = []
    client = serve(there, way, seen.append)
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nno size\r\n")
    assert client.rest().startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert seen == []


def test_bytes_that_are_no_request(there: World, way: str) -> None:
    client = serve(there, way, lambda _: b"before")
    client.get()
    client.send(b"GET / HTTP/1.1\r\nHost : a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
    responses = client.rest()
    assert responses.count(b"before") == 1
    assert responses.index(b"before") < responses.index(b"HTTP/1.1 400 Bad Request\r\n")


def test_a_response_that_cannot_be_sent_is_an_error_of_the_program(there: World, way: str, log: Any) -> None:
    def render(request: Any) -> Any:
        request.setResponseCode(200, b"Fine\r\nX: injected")
        return b"body"

    client = serve(there, way, render)
    client.get()
    response = client.rest()
    assert response.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
    assert b"injected" not in response
    assert "cannot send the response of a program" in log.text


@pytest.mark.parametrize("status", [99, 100, 101, 103, 199, 600])
@pytest.mark.parametrize("whole", [True, False])
def test_a_status_that_is_not_final(there: World, way: str, status: int, whole: bool, log: Any) -> None:
    def render(request: Any) -> Any:
        request.setResponseCode(status, b"Odd")
        if whole or status == 101:  # in parts, that is an upgrade
            return b"body"
        request.write(b"body")
        request.finish()
        return NOT_DONE_YET

    client = serve(there, way, render)
    client.get("/odd%FF")
    assert client.rest().startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
    [failure] = [event["log_failure"] for event in log if "log_failure" in event]
    assert f"{failure.value}" == (
        f"RW751 GET /odd%FF: the program responds with the status {status}. Give setResponseCode one from 200 to 599: "
        "a 1xx status is not final (RFC 9110, section 15.2)."
    )


@pytest.mark.parametrize("path", ["/%00", "/a%00b?c=d"])
def test_an_encoded_nul_is_refused_and_logs_no_failure(there: World, way: str, path: str, log: Any) -> None:
    client = serve(there, way, lambda request: b"body")
    client.get(path)
    assert client.rest().startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert [event for event in log if "log_failure" in event] == []


def test_a_body_longer_than_its_content_length(there: World, way: str, log: Any) -> None:
    def render(request: Any) -> Any:
        request.setHeader(b"Content-Length", b"2")
        request.write(b"ok")
        request.write(b"HTTP/1.1 200 Another")
        request.finish()
        return NOT_DONE_YET

    client = serve(there, way, render)
    client.get()
    assert client.rest().endswith(b"\r\n\r\nok")
    assert "drops what is beyond the Content-Length" in log.text


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


def test_a_service_and_the_reactor_stop_a_port(there: World) -> None:
    factory = site(there, lambda _: b"served")
    port = there.listen(factory)
    service = StreamServerEndpointService(TCP4ServerEndpoint(there.reactor, 0), factory)
    service._waitingForPort = succeed(port)
    outcomes: list[Any] = []
    there.reactor.addSystemEventTrigger("before", "shutdown", lambda: service.stopService().addBoth(outcomes.append))
    there.reactor.fireSystemEvent("shutdown")
    there.until(lambda: outcomes)
    assert not isinstance(outcomes[0], Failure)
    assert factory.numPorts == 0


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


def test_any_method_reaches_the_program(there: World, way: str) -> None:
    class Pot(resource.Resource):
        isLeaf = True

        def render_BREW(self, request: Any) -> bytes:
            return b"coffee"

    factory = Site(Pot(), reactor=there.reactor)
    factory.log = lambda request: None  # type: ignore[method-assign]
    client = there.connect(there.listen(factory, way))
    client.send(b"BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n")
    assert client.until(b"\r\n\r\ncoffee")


def test_100_continue_is_sent_when_the_body_is_read(there: World, way: str) -> None:
    client = serve(there, way, lambda request: request.content.read())
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    assert client.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.send(b"hi")
    assert client.until(b"\r\n\r\nhi")


class Echo(Protocol):
    """A protocol that is not HTTP."""

    transport: Any

    def __init__(self) -> None:
        self.lost: list[Failure] = []

    def dataReceived(self, data: bytes) -> None:
        self.transport.write(data.upper())

    def connectionLost(self, reason: Any = None) -> None:
        self.lost.append(reason)


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


def test_a_port_is_taken_over_once(there: World) -> None:
    port = there.listen(site(there, lambda _: b"once"))
    assert take_over(port)
    client = there.connect(port)
    client.get()
    client.until(b"once")
    address = "127.0.0.1", port.getHost().port
    port.stopListening()
    there.until(lambda: not port.connected)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)


def test_sockets_of_factories_that_build_other_protocols_go_back_to_twisted(there: World) -> None:
    class Odd(http.HTTPFactory):
        def buildProtocol(self, addr: Any) -> Any:
            return Echo()

    client = there.connect(there.listen(Odd(reactor=there.reactor)))
    client.send(b"not http")
    client.until(b"NOT HTTP")


def test_factories_that_build_no_protocol(there: World) -> None:
    class Shut(http.HTTPFactory):
        def buildProtocol(self, addr: Any) -> Any:
            return None

    client = there.connect(there.listen(Shut(reactor=there.reactor)))
    assert client.rest() == b""


def test_sites_with_channels_of_their_own(there: World) -> None:
    made: list[Any] = []

    class Own(HTTPChannel):
        def connectionMade(self) -> None:
            super().connectionMade()
            made.append("made")

        def connectionLost(self, reason: Any = None) -> None:
            super().connectionLost(reason)
            made.append(reason.type)

    class OwnSite(Site):
        def buildProtocol(self, addr: Any) -> Any:
            channel = Own()
            channel.factory = channel.site = self
            channel.requestFactory = server.Request
            return channel

    factory = OwnSite(Page(lambda _: b"own"), reactor=there.reactor)
    factory.log = lambda request: None  # type: ignore[method-assign]
    client = there.connect(there.listen(factory))
    client.get()
    client.until(b"own")
    client.socket.close()
    there.until(lambda: len(made) == 2)
    assert made == ["made", ConnectionDone]


def test_running_requests_are_finished_before_the_reactor_stops(there: World, way: str) -> None:
    waiting: list[Any] = []

    def render(request: Any) -> Any:
        waiting.append(request)
        return NOT_DONE_YET

    factory = site(there, render)
    port = there.listen(factory, way)
    client, idle = there.connect(port), there.connect(port)
    idle.get()
    there.until(lambda: waiting)
    waiting.pop().finish()
    idle.until(b"0\r\n\r\n")
    client.get()
    there.until(lambda: waiting)
    if way == "fed":
        pytest.skip("Twisted's own sockets are closed by Twisted")
    stopped: list[Any] = []
    there.reactor.addSystemEventTrigger("during", "shutdown", stopped.append, "stopped")
    there.reactor.fireSystemEvent("shutdown")
    assert idle.rest() == b""
    assert not stopped
    waiting[0].write(b"whole")
    waiting[0].finish()
    assert b"5\r\nwhole\r\n0\r\n\r\n" in client.rest()
    there.until(lambda: stopped)
    assert not port.connected


def test_event_streams_do_not_delay_a_shutdown(there: World) -> None:
    def render(request: Any) -> Any:
        request.setHeader(b"Content-Type", b"text/event-stream")
        request.write(b"data: 1\n\n")
        return NOT_DONE_YET

    client = serve(there, "accepted", render)
    client.get()
    client.until(b"data: 1\n\n\r\n")
    there.reactor.fireSystemEvent("shutdown")
    assert client.rest() == b""


def test_nothing_is_left_in_the_reactor_without_connections(there: World, way: str) -> None:
    factory = site(there, lambda _: b"hello")
    port = there.listen(factory, way)
    client = there.connect(port)
    client.get()
    client.until(b"hello")
    port.stopListening()
    there.until(lambda: not port.connected)
    client.get()
    client.until(b"hello")
    client.socket.close()
    there.until(lambda: not there.left()[0] - {call for call in there.left()[0] if call is None})
    there.until(lambda: there.left()[0] == set())


def test_idle_connections_are_closed_after_the_factory_s_timeout(there: World, way: str) -> None:
    factory = site(there, lambda _: b"hello", timeout=0.1)
    client = there.connect(there.listen(factory, way))
    client.get()
    client.until(b"hello")
    assert client.rest() == b""
