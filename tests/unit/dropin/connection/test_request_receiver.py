"""Requests as a channel receives them: the calls of a request object, bodies, and refusals."""

from functools import partial
from typing import Any

import pytest
from tests.unit.dropin.connection.sites import Page, limited, serve, site
from tests.unit.dropin.world import World
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure
from twisted.web import http, resource
from twisted.web.server import Site

from ropewalk.dropin import HTTPChannel, limits_of


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


def test_100_continue_is_sent_when_the_body_is_read(there: World, way: str) -> None:
    client = serve(there, way, lambda request: request.content.read())
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    assert client.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.send(b"hi")
    assert client.until(b"\r\n\r\nhi")


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


@pytest.mark.parametrize("path", ["/%00", "/a%00b?c=d"])
def test_an_encoded_nul_is_refused_and_logs_no_failure(there: World, way: str, path: str, log: Any) -> None:
    client = serve(there, way, lambda request: b"body")
    client.get(path)
    assert client.rest().startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert [event for event in log if "log_failure" in event] == []
