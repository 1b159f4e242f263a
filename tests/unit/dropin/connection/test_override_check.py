"""Methods of a channel that a program overrides: the same calls and responses as on twisted.web."""

import re
from collections.abc import Callable, Iterator
from functools import partial, partialmethod, wraps
from inspect import signature
from operator import methodcaller
from pathlib import Path
from threading import Thread
from types import MethodType
from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.dropin.world import Client, World, world
from twisted.logger import formatEvent
from twisted.protocols.policies import WrappingFactory
from twisted.web import http, resource, static
from twisted.web.server import NOT_DONE_YET, Site

from ropewalk.dropin import HTTPChannel, accelerate, take_over
from ropewalk.dropin.connection.override_check import (
    CALLED_ALWAYS,
    CALLED_IF_OVERRIDDEN,
    DEFAULTS,
    METHODS,
    READ,
    TWISTED_ONLY,
)

STOCK = http.HTTPChannel
WAYS = ("accepted", "adopted", "fed", "wrapped")
STYLES = ("in a subclass", "on the instance", "in the class", "in Twisted's class")
Seen = list[tuple[Any, ...]]

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
"""The engine's response to these differs from Twisted's."""


@pytest.fixture(params=["accepted", "adopted", "wrapped"])
def way(request: pytest.FixtureRequest) -> str:
    return f"{request.param}"


@pytest.fixture
def there() -> Iterator[World]:
    with world() as made:
        yield made


class Leaf(resource.Resource):
    isLeaf = True

    def __init__(self, render: Callable[[Any], Any]) -> None:
        super().__init__()
        self.render_GET = self.render_POST = render


class Producer:
    """A pull producer that is called twice."""

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
    """A port on which a factory is served, by the engine in some way or by twisted.web."""
    served: Any = factory
    if way != "stock":
        accelerate(factory)
    if way == "wrapped":
        served = WrappingFactory(factory)
    port = there.reactor.listenTCP(0, served, interface="127.0.0.1")
    there._ports.append(port)
    if way == "accepted":
        assert take_over(port)
    return port


def talk(there: World, port: Any, conversations: dict[str, bytes]) -> dict[str, bytes]:
    """Return what the client reads in each of the conversations."""
    responses = {}
    for name, said in conversations.items():
        client: Client = there.connect(port)
        client.send(said)
        responses[name] = re.sub(rb"(Date|Last-Modified): [^\r]*\r\n", b"", client.rest())
        there.turn()
    return responses


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


def recording(name: str, seen: Seen, base: Callable[..., Any]) -> Callable[..., Any]:
    """Return an override that records its calls."""

    def override(*args: Any, **options: Any) -> Any:
        seen.append((name, *(shown(each) for each in args if not isinstance(each, STOCK)), *options))
        return base(*args, **options)

    return override


def confined(name: str, seen: Seen, base: Callable[..., Any]) -> Callable[..., Any]:
    """The same for an override that may be called on the engine: it passes neither the channel nor the request on."""
    parameters = [*signature(base).parameters][1:]
    notes = {"request": "request.uri", "transport": "'transport'"}
    noted = "".join(f", {notes.get(each, f'shown({each})')}" for each in parameters)
    given = ", ".join(["self", *parameters])
    namespace: dict[str, Any] = {"seen": seen, "shown": shown, "base": base}
    code = f"def {name}({given}):\n    seen.append(({name!r}{noted},))\n    return base({given})\n"
    exec(code, namespace)
    function: Callable[..., Any] = namespace[name]
    return function


def overriding(base: type, name: str, style: str, seen: Seen, patch: pytest.MonkeyPatch) -> Callable[[], Any]:
    """Return a factory of channels with an overridden method."""
    record = recording if name in TWISTED_ONLY else confined
    if style == "in a subclass":
        return type("Own", (base,), {name: record(name, seen, getattr(base, name))})
    if style.endswith("class"):
        patched: Any = STOCK if style == "in Twisted's class" else base
        patch.setattr(patched, name, record(name, seen, getattr(patched, name)))
        return base

    def make() -> Any:
        channel = base()
        setattr(channel, name, MethodType(record(name, seen, getattr(base, name)), channel))
        return channel

    return make


def served(there: World, folder: Path, way: str, name: str, style: str, patch: pytest.MonkeyPatch) -> tuple[Any, Seen]:
    """Return what the client reads, and the calls of an overridden method."""
    seen: Seen = []
    factory = site(there, folder)
    base = STOCK if way == "stock" else type("Fed", (HTTPChannel,), {"adopts": False}) if way == "fed" else HTTPChannel
    with patch.context() as patched:
        factory.protocol = overriding(base, name, style, seen, patched)  # type: ignore[method-assign]
        conversations = {**CONVERSATIONS, **STRANGE} if name in TWISTED_ONLY else CONVERSATIONS
        return talk(there, listen(there, factory, way), conversations), seen


def test_every_name_of_a_channel_is_listed() -> None:
    """A new name in Twisted must be added: either it is called, or its override leaves the channel to Twisted."""
    public = {name for name in dir(STOCK) if not name.startswith("_")}
    assert public == PUBLIC
    assert {name: getattr(STOCK, name) for name in READ} == READ
    assert {name: getattr(STOCK, name) for name in DEFAULTS} == DEFAULTS
    called = CALLED_ALWAYS | CALLED_IF_OVERRIDDEN
    assert called <= METHODS
    assert called | TWISTED_ONLY == METHODS


PUBLIC = {
    # called, as twisted.web calls it
    *("allContentReceived", "allHeadersReceived", "checkPersistence", "connectionLost", "connectionMade", "getHost"),
    *("getPeer", "isSecure", "makeConnection", "registerProducer", "requestDone", "unregisterProducer", "write"),
    *("writeHeaders", "writeSequence"),
    # read, as twisted.web reads it
    *("callLater", "factory", "maxHeaders", "requestFactory", "timeOut", "totalHeadersSize", "transport"),
    # state of a connection
    *("connected", "length", "line_mode", "paused", "persistent"),
    # called and read only by Twisted's own channel, which then serves the connection
    *("MAX_LENGTH", "abortTimeout", "dataReceived", "delimiter", "forceAbortClient", "headerReceived"),
    *("lineLengthExceeded", "lineReceived", "logPrefix", "loseConnection", "pauseProducing", "rawDataReceived"),
    *("resetTimeout", "resumeProducing", "setLineMode", "setRawMode", "setTimeout", "stopProducing"),
    "timeoutConnection",
    # called only by programs
    *("clearLineBuffer", "sendLine"),
}


OVERRIDABLE = sorted(name for name in METHODS if callable(getattr(STOCK, name)))


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", OVERRIDABLE)
def test_an_override_is_called_as_by_twisted_web(
    there: World, tmp_path: Path, name: str, style: str, monkeypatch: pytest.MonkeyPatch, log: Log
) -> None:
    (tmp_path / "a.txt").write_bytes(b"a file")
    expected = served(there, tmp_path, "stock", name, style, monkeypatch)
    for way in WAYS:
        assert served(there, tmp_path, way, name, style, monkeypatch) == expected, way
    assert ("RW740" in log.text) <= (name in TWISTED_ONLY or style == "in Twisted's class")


# What an override can do


def with_channel(there: World, way: str, channel: Any, render: Callable[[Any], Any]) -> Any:
    factory = Site(Leaf(render), reactor=there.reactor)
    factory.log = lambda request: None  # type: ignore[method-assign]
    factory.protocol = channel  # type: ignore[method-assign]
    factory.connected = []  # type: ignore[attr-defined] # for channels that register
    return listen(there, factory, way)


def base_of(way: str) -> Any:
    return STOCK if way == "stock" else HTTPChannel


EVERY_WAY = pytest.mark.parametrize("way", ["stock", "accepted", "adopted", "wrapped"])


@EVERY_WAY
def test_a_channel_removes_headers_that_only_a_proxy_may_send(there: World, way: str) -> None:
    base = base_of(way)

    class Guarded(base):  # type: ignore[misc, valid-type]
        def allHeadersReceived(self) -> None:
            headers = self.requests[-1].requestHeaders
            headers.removeHeader("X-User")
            headers.setRawHeaders("X-From", [self.transport.getPeer().host])
            base.allHeadersReceived(self)

        def writeHeaders(self, version: bytes, code: bytes, reason: bytes, headers: Any) -> None:
            headers.addRawHeader("Strict-Transport-Security", "max-age=1")
            base.writeHeaders(self, version, code, reason, headers)

    port = with_channel(
        there, way, Guarded, lambda request: repr([request.getHeader(name) for name in ("x-user", "x-from")]).encode()
    )
    responses = talk(there, port, {"forged": b"GET / HTTP/1.1\r\nHost: a\r\nX-User: admin\r\n" + LAST})
    head, _, body = responses["forged"].partition(b"\r\n\r\n")
    assert body == b"[None, '127.0.0.1']"
    assert head.count(b"Strict-Transport-Security: max-age=1") == 1


@EVERY_WAY
def test_a_channel_rewrites_a_request_and_its_response(there: World, way: str) -> None:
    base = base_of(way)

    class Rewriting(base):  # type: ignore[misc, valid-type]
        def allHeadersReceived(self) -> None:
            base.allHeadersReceived(self)
            self._path = b"/rewritten"
            self.persistent = False

        def write(self, data: bytes) -> None:
            base.write(self, data.upper())

    port = with_channel(there, way, Rewriting, lambda request: request.uri)
    responses = talk(there, port, {"twice": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 2})
    head, _, body = responses["twice"].partition(b"\r\n\r\n")
    assert body == b"/REWRITTEN"
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")


@EVERY_WAY
@pytest.mark.parametrize("more", [0, 1])
@pytest.mark.parametrize("bound", ["maxHeaders", "totalHeadersSize"])
def test_a_channel_has_limits_of_its_own(there: World, way: str, bound: str, more: int) -> None:
    request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
    limits = {"maxHeaders": 2, "totalHeadersSize": len(request.replace(b"\r\n", b""))}
    own = type("Own", (base_of(way),), {bound: limits[bound] - more})
    responses = talk(there, with_channel(there, way, own, lambda _: b"small"), {"": request + b"\r\n"})
    assert responses[""].startswith(b"HTTP/1.1 400 Bad Request\r\n" if more else b"HTTP/1.1 200 OK\r\n")


@EVERY_WAY
@pytest.mark.parametrize("attribute", sorted(DEFAULTS.keys() - {"line_mode"}))
def test_an_attribute_of_the_parser_has_an_effect(there: World, way: str, attribute: str) -> None:
    own = type("Own", (base_of(way),), {attribute: {"MAX_LENGTH": 30, "delimiter": b"|"}.get(attribute, 1)})
    end = b"|" if attribute == "delimiter" else b"\r\n"
    line = b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: " + b"x" * 40 + b"\r\n" + LAST
    port = with_channel(there, way, own, lambda _: b"read")
    responses = talk(there, port, {"": line.replace(b"\r\n", end)})
    assert responses[""] == (b"" if attribute == "MAX_LENGTH" else responses[""])
    assert responses[""].endswith(b"\r\n\r\nread") is (attribute != "MAX_LENGTH")


@EVERY_WAY
def test_an_override_that_a_thread_calls_is_called_once(there: World, way: str) -> None:
    base = base_of(way)
    seen: list[bytes] = []

    class Recording(base):  # type: ignore[misc, valid-type]
        def writeHeaders(self, version: bytes, code: bytes, reason: bytes, headers: Any) -> None:
            seen.append(code)
            base.writeHeaders(self, version, code, reason, headers)

        def write(self, data: bytes) -> None:
            seen.append(data)
            base.write(self, data)

    def respond(request: Any) -> None:
        request.setHeader("Content-Length", "2")
        request.write(b"ok")

    def render(request: Any) -> int:
        thread = Thread(target=respond, args=(request,))
        thread.start()
        thread.join()
        there.reactor.callLater(0, request.finish)
        return NOT_DONE_YET

    responses = talk(there, with_channel(there, way, Recording, render), {"": GET + LAST})
    assert responses[""].endswith(b"\r\n\r\nok")
    assert seen == [b"200", b"ok"]


# Overrides whose code passes the channel to other code, or does not

HINT = b"HTTP/1.1 103 Early Hints\r\n\r\n"


def traced(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def wrapper(self: Any, *args: Any) -> Any:
        return method(self, *args)

    return wrapper


def send_hint(channel: Any) -> None:
    channel.transport.write(HINT)


def write_hint(channel: Any) -> None:
    channel.write(HINT)


def send_hint_to(request: Any) -> None:
    request.channel.transport.write(HINT)


def write_head(channel: Any, *args: Any) -> None:
    send_hint(channel)
    STOCK.writeHeaders(channel, *args)


class Sender:
    def __init__(self, channel: Any) -> None:
        self._channel = channel

    def send(self) -> None:
        send_hint(self._channel)


class HintingMixin:
    def checkPersistence(self, request: Any, version: bytes) -> Any:
        send_hint_to(request)
        return super().checkPersistence(request, version)  # type: ignore[misc]


def escaping(base: Any, kind: str) -> Any:
    """Return a channel whose override sends a hint over the transport, by other code."""

    def through(send: Callable[..., Any]) -> Any:
        def writeHeaders(self: Any, *args: Any) -> None:
            send(self)
            base.writeHeaders(self, *args)

        return writeHeaders

    class Own(base):  # type: ignore[misc]
        pass

    if kind == "decorator":

        class Decorated(Own):
            @traced
            def writeHeaders(self, *args: Any) -> None:
                self.transport.write(HINT)
                super().writeHeaders(*args)

        return Decorated
    if kind == "helper":

        class Helped(Own):
            def writeHeaders(self, *args: Any) -> None:
                send_hint(self)
                super().writeHeaders(*args)

        return Helped
    if kind == "helper of super":

        class Supered(Own):
            def writeHeaders(self, *args: Any) -> None:
                write_hint(super())
                super().writeHeaders(*args)

        return Supered
    if kind == "helper of the request":

        class Requested(Own):
            def requestDone(self, request: Any) -> None:
                send_hint_to(request)
                super().requestDone(request)

        return Requested
    if kind == "helper of all arguments":

        class Gathered(Own):
            def checkPersistence(self, *args: Any) -> Any:
                send_hint_to(args[0])
                return super().checkPersistence(*args)

        return Gathered
    if kind == "lambda":
        return type("Short", (Own,), {"writeHeaders": lambda self, *args: write_head(self, *args)})
    if kind == "closure":
        return type("Closed", (Own,), {"writeHeaders": through(send_hint)})
    if kind == "partial":
        return type("Partial", (Own,), {"writeHeaders": partialmethod(write_head)})
    if kind == "C callable":

        class InC(Own):
            def writeHeaders(self, *args: Any) -> None:
                methodcaller("write", HINT)(self.transport)
                super().writeHeaders(*args)

        return InC
    if kind == "mixin":
        return type("Mixed", (HintingMixin, Own), {})
    if kind == "staticmethod":

        class Static(Own):
            @staticmethod
            def checkPersistence(request: Any, version: bytes) -> bool:
                request.channel.transport.write(HINT)
                return False

        return Static
    if kind == "property":

        class Viewed(Own):
            @property
            def hinted(self) -> bool:
                send_hint(self)
                return True

            def writeHeaders(self, *args: Any) -> None:
                if self.hinted:
                    super().writeHeaders(*args)

        return Viewed
    if kind == "__getattr__":

        class Proxied(Own):
            def __getattr__(self, name: str) -> Any:
                if name == "hinted":
                    send_hint(self)
                raise AttributeError(name)

            def writeHeaders(self, *args: Any) -> None:
                hasattr(self, "hinted")
                super().writeHeaders(*args)

        return Proxied
    if kind == "own object":

        class Holding(Own):
            def __init__(self) -> None:
                super().__init__()
                self.sender = Sender(self)

            def writeHeaders(self, *args: Any) -> None:
                self.sender.send()
                super().writeHeaders(*args)

        return Holding
    if kind == "frame":

        class Framed(Own):
            def writeHeaders(self, *args: Any) -> None:
                send_hint(locals()["self"])
                super().writeHeaders(*args)

        return Framed
    if kind == "connectionMade":

        class Greeting(Own):
            def connectionMade(self) -> None:
                super().connectionMade()
                self.transport.write(HINT)

        return Greeting
    if kind == "connectionMade by write":

        class Writing(Own):
            def connectionMade(self) -> None:
                super().connectionMade()
                self.write(HINT)

        return Writing
    assert kind == "makeConnection"

    class Connecting(Own):
        def makeConnection(self, transport: Any) -> None:
            super().makeConnection(transport)
            transport.write(HINT)

    return Connecting


ESCAPING = (
    *("decorator", "helper", "helper of super", "helper of the request", "helper of all arguments", "lambda"),
    *("closure", "partial", "C callable", "mixin", "staticmethod", "property", "__getattr__", "own object", "frame"),
    *("connectionMade", "connectionMade by write", "makeConnection"),
)


@pytest.mark.parametrize("kind", ESCAPING)
def test_a_channel_that_is_passed_to_other_code_is_served_by_twisted(there: World, kind: str) -> None:
    responses: dict[str, bytes] = {}
    transports: dict[str, str] = {}

    def render(request: Any) -> bytes:
        request.getHost()
        transports[served_by] = type(request.channel.transport).__name__
        return b"page"

    for served_by in ("stock", "accepted", "adopted", "wrapped"):
        port = with_channel(there, served_by, escaping(base_of(served_by), kind), render)
        responses[served_by] = talk(there, port, {"": GET + LAST})[""]
        assert responses[served_by] == responses["stock"], served_by
    assert HINT in responses["stock"]
    assert transports == {**dict.fromkeys(WAYS[:2], "Server"), "stock": "Server", "wrapped": "ProtocolWrapper"}


class Mixin:
    heads = 0

    def writeHeaders(self, *args: Any, **options: Any) -> None:
        self.heads += 1
        super().writeHeaders(*args, **options)  # type: ignore[misc]


class Accepted(HTTPChannel):
    """Overrides as programs write them, which may run on the engine."""

    note = staticmethod(len)
    seen = 0

    def __init__(self) -> None:
        super().__init__()
        self.started: list[bytes] = []

    def connectionMade(self) -> None:
        HTTPChannel.connectionMade(self)
        self.transport.setTcpNoDelay(True)

    def allHeadersReceived(self) -> None:
        request = self.requests[-1]
        if request.getHeader("x-user"):
            request.requestHeaders.removeHeader("X-User")
        request.requestHeaders.setRawHeaders("X-From", [self.peer])
        self.count(1)
        super().allHeadersReceived()

    @property
    def peer(self) -> str:
        return f"{self.getPeer().host}"

    def count(self, more: int) -> None:
        self.seen += more

    def checkPersistence(self, request: Any, version: bytes) -> Any:
        self.started.append(version)
        return super(Accepted, self).checkPersistence(request, version)  # noqa: UP008 - as programs have it

    def write(self, data: bytes) -> None:
        self.note(data)
        HTTPChannel.write(self, data)

    def writeHeaders(self, *args: Any, **options: Any) -> None:
        HTTPChannel.writeHeaders(self, *args, **options)


class AcceptedMixed(Mixin, Accepted):
    pass


@pytest.mark.parametrize("kind", [Accepted, AcceptedMixed])
def test_a_channel_that_is_not_passed_to_other_code_is_served_by_the_engine(there: World, kind: Any) -> None:
    def render(request: Any) -> bytes:
        transport = type(request.channel.transport).__name__
        return repr((transport, request.getHeader("x-from"), request.channel.seen, request.channel.started)).encode()

    responses = talk(there, with_channel(there, "accepted", kind, render), {"": GET + LAST})
    assert responses[""].endswith(b"\r\n\r\n('TCPTransport', '127.0.0.1', 1, [b'HTTP/1.1'])")


# Which connections stay with Twisted


def test_the_reason_to_leave_a_class_to_twisted_is_logged_once(there: World, log: Log) -> None:
    class Lines(HTTPChannel):
        def lineReceived(self, line: bytes) -> None:
            super().lineReceived(line)

    port = with_channel(there, "accepted", Lines, lambda _: b"lines")
    talk(there, port, {"one": GET + LAST, "two": GET + LAST})
    (line,) = (formatEvent(event) for event in log if event.get("channel"))
    assert line
    assert line.startswith("RW740 Connections of ")
    assert line.endswith(".Lines stay on Twisted's own channel: lineReceived is overridden.")


class ByTransport(HTTPChannel):
    def writeHeaders(self, version: bytes, code: bytes, reason: bytes, headers: Any) -> None:
        self.send(version + b" " + code + b" " + reason + b"\r\n")
        self.send(b"".join(b"%b: %b\r\n" % (name, value) for name, (value,) in headers.getAllRawHeaders()) + b"\r\n")

    def send(self, data: bytes) -> None:
        self.transport.write(data)


class Rejecting(HTTPChannel):
    def allHeadersReceived(self) -> None:
        if self.requests[-1].requestHeaders.hasHeader("X-Evil"):
            self.loseConnection()
        super().allHeadersReceived()


class Late(HTTPChannel):
    def connectionMade(self) -> None:
        super().connectionMade()
        self.MAX_LENGTH = 20_000


class Called(HTTPChannel):
    def connectionMade(self) -> None:
        super().connectionMade()
        self.setTimeout(5)

    def connectionLost(self, reason: Any = None) -> None:
        super().connectionLost(reason)

    def requestDone(self, request: Any) -> None:
        super().requestDone(request)


class Registered(HTTPChannel):
    def connectionMade(self) -> None:
        super().connectionMade()
        self.factory.connected.append(self)

    def connectionLost(self, reason: Any = None) -> None:
        self.factory.connected.remove(self)
        super().connectionLost(reason)


def recording_connections(calls: list[str]) -> Any:
    """Return a channel whose methods are closures."""

    class Recording(HTTPChannel):
        def connectionMade(self) -> None:
            super().connectionMade()
            self.factory.connected.append(lambda: self.loseConnection())

        def connectionLost(self, reason: Any = None) -> None:
            calls.append("lost")
            super().connectionLost(reason)

    return Recording


class Greeting(HTTPChannel):
    def connectionMade(self) -> None:
        super().connectionMade()
        self.factory.connected.append(lambda: self.loseConnection())
        self.transport.write(b"")


class Kept(HTTPChannel):
    def connectionMade(self) -> None:
        this = self
        super().connectionMade()
        this.transport.write(b"")


class Finding(HTTPChannel):
    def __getattribute__(self, name: str) -> Any:
        return super().__getattribute__(name)


class Setting(HTTPChannel):
    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)


def unreadable() -> Any:
    channel = HTTPChannel()
    channel.write = partial(HTTPChannel.write, channel)  # type: ignore[method-assign]
    return channel


@pytest.mark.parametrize(
    ("channel", "reason"),
    [
        (ByTransport, "the writeHeaders that overrides its own uses the transport"),
        (Rejecting, "the allHeadersReceived that overrides its own uses loseConnection"),
        (Late, "the connectionMade that overrides its own sets MAX_LENGTH"),
        (unreadable, "the write that overrides its own cannot be inspected"),
        (Finding, "__getattribute__ is defined"),
        (Setting, "__setattr__ is defined"),
        (Called, ""),
        (Registered, ""),
        (recording_connections([]), ""),
        (Greeting, "the connectionMade that overrides its own uses the transport"),
        (Kept, "the connectionMade that overrides its own may pass the channel to other code"),
    ],
)
def test_which_code_serves_a_connection(there: World, channel: Any, reason: str) -> None:
    found: list[Any] = []

    def render(request: Any) -> bytes:
        found.append(request.channel)
        return b"served"

    responses = talk(there, with_channel(there, "accepted", channel, render), {"": GET + LAST})
    assert responses[""].endswith(b"\r\n\r\nserved")
    assert [(each._stays_twisted, type(each.transport).__name__) for each in found] == [
        (reason, "Server" if reason else "TCPTransport")
    ]


def test_an_override_that_comes_too_late_is_an_error(there: World, log: Log) -> None:
    class Around(http._GenericHTTPChannelProtocol):
        def makeConnection(self, transport: Any) -> None:
            super().makeConnection(transport)
            channel: Any = self._channel
            channel.lineReceived = lambda line: None

    responses = talk(
        there, with_channel(there, "accepted", lambda: Around(HTTPChannel()), lambda _: b"served"), {"": GET + LAST}
    )
    assert responses[""].startswith(b"HTTP/1.1 500 ")
    errors = [str(event["log_failure"].value) for event in log if "log_failure" in event]
    assert [error.partition(": ")[0] for error in errors] == [
        "RW741 A channel was changed when it was connected already"
    ]


def test_a_wrapper_of_a_channel_may_read(there: World, way: str) -> None:
    read: list[bytes] = []

    def make() -> Any:
        around = http._GenericHTTPChannelProtocol(HTTPChannel())
        hand_on = around.dataReceived

        def dataReceived(data: bytes) -> None:
            read.append(data)
            hand_on(data)

        around.dataReceived = dataReceived  # type: ignore[method-assign]
        return around

    responses = talk(there, with_channel(there, way, make, lambda _: b"read"), {"": GET + LAST})
    assert responses[""].endswith(b"\r\n\r\nread")
    assert b"".join(read) == GET + LAST


def test_a_factory_whose_protocols_are_not_ours_is_served_by_twisted(there: World, way: str, log: Log) -> None:
    foreign = type(f"Foreign_{way}", (STOCK,), {})
    port = with_channel(there, way, lambda: foreign(), lambda request: type(request.transport).__name__.encode())
    responses = talk(there, port, {"one": GET + LAST, "two": GET + LAST})
    assert responses["one"].endswith(b"\r\n\r\nProtocolWrapper" if way == "wrapped" else b"\r\n\r\nServer")
    lines = [formatEvent(event) for event in log if event.get("protocol")]
    assert [line.partition(" ")[0] for line in lines if line] == ["RW743"]


class Rewriting:
    """An object that passes every name on to a channel, but reads the bytes first."""

    def __init__(self) -> None:
        vars(self)["channel"] = HTTPChannel()

    def __getattr__(self, name: str) -> Any:
        return getattr(vars(self)["channel"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(vars(self)["channel"], name, value)

    def dataReceived(self, data: bytes) -> None:
        self.channel.dataReceived(data.replace(b"/page", b"/safe"))


def test_an_object_that_passes_names_on_to_a_channel_is_no_channel(there: World, log: Log) -> None:
    port = with_channel(there, "accepted", lambda: Rewriting(), lambda request: request.path)
    assert talk(there, port, {"": GET + LAST})[""].endswith(b"\r\n\r\n/safe")
    assert [event["log_format"].partition(" ")[0] for event in log if "protocol" in event] == ["RW743"]


def test_a_class_that_is_not_ours_is_rejected(there: World) -> None:
    factory = site(there, Path())
    factory.protocol = type("Foreign", (STOCK,), {})  # type: ignore[method-assign]
    with pytest.raises(TypeError, match=r"RW757 .*Foreign, .* Have it derive from ropewalk\.dropin\.HTTPChannel"):
        accelerate(factory)


@pytest.mark.parametrize("made", ["class", "function"])
def test_a_class_of_ours_is_served_by_the_engine(there: World, made: str) -> None:
    own = type("Own", (HTTPChannel,), {})
    port = with_channel(
        there,
        "adopted",
        own if made == "class" else lambda: own(),
        lambda request: f"{type(request.channel).__name__} {type(request.transport).__name__}".encode(),
    )
    assert talk(there, port, {"": GET + LAST})[""].endswith(b"\r\n\r\nOwn TCPTransport")
    assert accelerate(port.factory) is port.factory
