"""Channels that wrap their transport behave as on twisted.web."""

from pathlib import Path
from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.dropin.carriers import Carrier, beside, dateless
from tests.unit.dropin.world import World
from twisted.web import http
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

from ropewalk.dropin import HTTPChannel

LAST = b"Connection: close\r\n\r\n"
CONVERSATIONS = {
    "get": b"GET / HTTP/1.1\r\nHost: a\r\n" + LAST,
    "pipelined": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 2 + b"GET / HTTP/1.1\r\nHost: a\r\n" + LAST,
    "post": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n" + LAST + b"x" * 100_000,
    "chunked": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n" + LAST + b"3\r\nabc\r\n0\r\n\r\n",
    "events": b"GET /events HTTP/1.1\r\nHost: a\r\n" + LAST,
    "lost": b"GET /lost HTTP/1.1\r\nHost: a\r\n" + LAST,
}


class Wrapper:
    """Delegates every attribute to a transport, and marks the written bytes."""

    def __init__(self, transport: Any) -> None:
        vars(self)["_transport"] = transport

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._transport, name, value)

    def write(self, data: bytes) -> None:
        self._transport.write(data.replace(b"hello", b"HELLO"))

    def writeSequence(self, iovec: Any) -> None:
        self.write(b"".join(iovec))


class Page(Resource):
    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.ends: list[Any] = []

    def render(self, request: Any) -> Any:
        request.notifyFinish().addBoth(lambda reason: self.ends.append((request.path, getattr(reason, "type", None))))
        if request.path == b"/":
            return b"hello %d" % len(request.content.read())
        request.setHeader(b"Content-Type", b"text/event-stream")
        request.write(b"hello")
        if request.path == b"/lost":
            request.loseConnection()
        else:
            request.finish()
        return NOT_DONE_YET


def given(base: Any) -> Any:
    class Own(base):  # type: ignore[misc]
        def makeConnection(self, transport: Any) -> None:
            base.makeConnection(self, Wrapper(transport))

    return Own


def before_connection_made(base: Any) -> Any:
    class Own(base):  # type: ignore[misc]
        transport: Any

        def connectionMade(self) -> None:
            self.transport = Wrapper(self.transport)
            base.connectionMade(self)

    return Own


def after_connection_made(base: Any) -> Any:
    class Own(base):  # type: ignore[misc]
        transport: Any

        def connectionMade(self) -> None:
            base.connectionMade(self)
            self.transport = Wrapper(self.transport)

    return Own


CASES = [
    (name, kind)
    for kind in (given, before_connection_made, after_connection_made)
    for name in ("accepted", "unix", "adopted", "wrapping", "tls")
    if not (kind is after_connection_made and name == "adopted")  # too late: the engine already reads the socket
]


def site(there: World, channel: Any) -> Site:
    made = Site(Page(), reactor=there.reactor)
    made.log = lambda request: None  # type: ignore[method-assign]
    made.protocol = lambda: http._GenericHTTPChannelProtocol(channel())  # type: ignore[method-assign]
    return made


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_bytes_pass_the_wrapper(there: World, tmp_path: Path, name: str, kind: Any) -> None:
    def act(carrier: Carrier) -> Any:
        served = site(there, kind(http.HTTPChannel if carrier.stock else HTTPChannel))
        carrier.serve(served)
        responses = {}
        for each, said in CONVERSATIONS.items():
            client = carrier.connect()
            client.send(said)
            responses[each] = dateless(client.rest())
            there.turn()
        return responses, served.resource.ends

    stock, ours = beside(there, name, tmp_path, act)
    assert b"HELLO" in stock[0]["get"]
    assert ours == stock


@pytest.mark.parametrize("name", ["accepted", "adopted"])
def test_a_transport_that_is_replaced_too_late_is_an_error(there: World, tmp_path: Path, name: str, log: Log) -> None:
    channels: list[Any] = []

    def made() -> Any:
        channels.append(HTTPChannel())
        return channels[0]

    client = Carrier(there, name, tmp_path).serve(site(there, made)).connect()
    there.until(lambda: channels and channels[0].transport, "a connection")
    channels[0].transport = Wrapper(channels[0].transport)
    client.send(CONVERSATIONS["get"])
    assert client.rest().startswith(b"HTTP/1.1 500 ")
    assert any("RW741" in str(event.get("log_failure")) for event in log)
