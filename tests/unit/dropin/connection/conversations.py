"""Sites of applications that override methods, and the requests with which tests compare them."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.dropin.world import Client, World
from twisted.protocols.policies import WrappingFactory
from twisted.web import http, resource, static
from twisted.web.server import NOT_DONE_YET, Site

from ropewalk.dropin import HTTPChannel, accelerate, accelerate_port

STOCK = http.HTTPChannel
WAYS = ("accepted", "adopted", "fed", "wrapped")


GET = b"GET /page HTTP/1.1\r\nHost: a\r\nCookie: k=v\r\n"


LAST = b"Connection: close\r\n\r\n"


CONVERSATIONS = {
    "get": GET + LAST,
    "head": b"HEAD /page HTTP/1.1\r\nHost: a\r\n" + LAST,
    "post": b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n" + LAST + b"body",
    "chunked": b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n" + LAST + b"4\r\nbody\r\n0\r\n\r\n",
    "pipelined": GET + b"\r\n" + GET + b"\r\n" + GET + LAST,
    "http/1.0": b"GET /page HTTP/1.0\r\n\r\n",
    "written": b"GET /written HTTP/1.1\r\nHost: a\r\n" + LAST,
    "produced": b"GET /produced HTTP/1.1\r\nHost: a\r\n" + LAST,
    "missing": b"GET /none HTTP/1.1\r\nHost: a\r\n" + LAST,
    "failing": b"GET /failing HTTP/1.1\r\nHost: a\r\n" + LAST,
    "file": b"GET /files/a.txt HTTP/1.1\r\nHost: a\r\n" + LAST,
    "range": b"GET /files/a.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=1-2\r\n" + LAST,
    "session": b"GET /session HTTP/1.1\r\nHost: a\r\n" + LAST,
    "secure": b"GET /secure HTTP/1.1\r\nHost: a\r\n" + LAST,
}


STRANGE = {
    "expecting": b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n" + LAST + b"body",
    "expecting else": b"GET /page HTTP/1.1\r\nHost: a\r\nExpect: else\r\n" + LAST,
    "no colon": b"GET / HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n",
    "long line": b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
}
"""The requests to which the engine responds differently from Twisted."""


Seen = list[tuple[Any, ...]]


EVERY_WAY = pytest.mark.parametrize("way", ["stock", "accepted", "adopted", "wrapped"])


class Leaf(resource.Resource):
    isLeaf = True

    def __init__(self, render: Callable[[Any], Any]) -> None:
        super().__init__()
        self.render_GET = self.render_POST = render


class Producer:
    """A pull producer with two parts, which writes one in each call."""

    def __init__(self, request: Any) -> None:
        self._request = request
        self._parts = [b"one", b"two"]

    def resumeProducing(self) -> None:
        if self._parts:
            self._request.write(self._parts.pop(0))
        else:
            self._request.unregisterProducer()
            self._request.finish()

    def stopProducing(self) -> None:
        """Do nothing."""


def written(request: Any) -> int:
    request.write(b"some")
    request.write(b"more")
    request.finish()
    return NOT_DONE_YET


def produced(request: Any) -> int:
    request.registerProducer(Producer(request), False)
    return NOT_DONE_YET


def session(request: Any) -> bytes:
    request.getSession().expire()
    return b"session"


def failing(request: Any) -> bytes:
    request.setResponseCode(500)
    return b"failing"


def page(request: Any) -> bytes:
    return repr((request.getCookie(b"k"), request.getHeader("host"), request.getHeader("x-user"))).encode()


def site(there: World, folder: Path, kind: type[Site] = Site, files: Any = static.File) -> Site:
    root = resource.Resource()
    for name, render in {
        b"page": page,
        b"echo": lambda request: request.content.read(),
        b"written": written,
        b"produced": produced,
        b"failing": failing,
        b"session": session,
        b"secure": lambda request: repr(request.isSecure()).encode(),
    }.items():
        root.putChild(name, Leaf(render))
    root.putChild(b"files", files(str(folder)))
    made = kind(root, reactor=there.reactor)
    made._mkuid = lambda: b"uid"  # type: ignore[method-assign]
    made.log = lambda request: None  # type: ignore[method-assign]
    return made


def listen(there: World, factory: Site, way: str) -> Any:
    """Return a port on which the engine, in some way, or twisted.web serves a factory."""
    served: Any = factory
    if way != "stock":
        accelerate(factory)
    if way == "wrapped":
        served = WrappingFactory(factory)
    port = there.reactor.listenTCP(0, served, interface="127.0.0.1")
    there._ports.append(port)
    if way == "accepted":
        assert accelerate_port(port)
    return port


def with_channel(there: World, way: str, channel: Any, render: Callable[[Any], Any]) -> Any:
    factory = Site(Leaf(render), reactor=there.reactor)
    factory.log = lambda request: None  # type: ignore[method-assign]
    factory.protocol = channel  # type: ignore[method-assign]
    factory.connected = []  # type: ignore[attr-defined] # some of the channels append themselves to this list
    return listen(there, factory, way)


def base_of(way: str) -> Any:
    return STOCK if way == "stock" else HTTPChannel


def talk(there: World, port: Any, conversations: dict[str, bytes]) -> dict[str, bytes]:
    """Return what the client reads in each of the conversations."""
    responses = {}
    for name, said in conversations.items():
        client: Client = there.connect(port)
        client.send(said)
        responses[name] = re.sub(rb"(Date|Last-Modified): [^\r]*\r\n", b"", client.rest())
        there.turn()
    return responses


def recording(name: str, seen: Seen, base: Callable[..., Any]) -> Callable[..., Any]:
    """Return an override that records its calls."""

    def override(*args: Any, **options: Any) -> Any:
        seen.append((name, *(shown(each) for each in args if not isinstance(each, STOCK)), *options))
        return base(*args, **options)

    return override


def shown(value: Any) -> Any:
    if isinstance(value, http.Request):
        return value.uri
    if hasattr(value, "getPeer"):
        return "transport"
    if isinstance(value, tuple | list):
        return b"".join(each if isinstance(each, bytes) else repr(each).encode() for each in value)
    if isinstance(value, bytes | int | type(None)):
        return value
    return type(value).__name__
