"""The overridden methods of a channel are called as on twisted.web, and the responses are the same."""

from collections.abc import Callable
from functools import partial
from inspect import signature
from pathlib import Path
from threading import Thread
from types import MethodType
from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.dropin.connection.conversations import (
    CONVERSATIONS,
    EVERY_WAY,
    GET,
    LAST,
    STOCK,
    STRANGE,
    WAYS,
    Seen,
    base_of,
    listen,
    recording,
    shown,
    site,
    talk,
    with_channel,
)
from tests.unit.dropin.world import World
from twisted.logger import formatEvent
from twisted.web import http
from twisted.web.server import NOT_DONE_YET

from ropewalk.dropin import HTTPChannel, accelerate
from ropewalk.dropin.connection.override_check import (
    CALLED_ALWAYS,
    CALLED_IF_OVERRIDDEN,
    DEFAULTS,
    METHODS,
    READ,
    TWISTED_ONLY,
)

STYLES = ("in a subclass", "on the instance", "in the class", "in Twisted's class")


@pytest.fixture(params=["accepted", "adopted", "wrapped"])
def way(request: pytest.FixtureRequest) -> str:
    return f"{request.param}"


def recording_accepted(name: str, seen: Seen, base: Callable[..., Any]) -> Callable[..., Any]:
    """Return an override that records its calls. It does not pass the channel or the request to other code."""
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
    record = recording if name in TWISTED_ONLY else recording_accepted
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
    fed = type("Fed", (HTTPChannel,), {"adopts_sockets": False})
    base = {"stock": STOCK, "fed": fed}.get(way, HTTPChannel)
    with patch.context() as patched:
        factory.protocol = overriding(base, name, style, seen, patched)  # type: ignore[method-assign]
        conversations = {**CONVERSATIONS, **STRANGE} if name in TWISTED_ONLY else CONVERSATIONS
        return talk(there, listen(there, factory, way), conversations), seen


def test_every_name_of_a_channel_is_listed() -> None:
    """Every public name of Twisted's channel is in one of these lists. If Twisted adds a name, this test fails until
    the name is added."""
    public = {name for name in dir(STOCK) if not name.startswith("_")}
    assert public == PUBLIC
    assert {name: getattr(STOCK, name) for name in READ} == READ
    assert {name: getattr(STOCK, name) for name in DEFAULTS} == DEFAULTS
    called = CALLED_ALWAYS | CALLED_IF_OVERRIDDEN
    if not hasattr(STOCK, "_protocolUpgradeForWebsockets"):
        called -= {"_protocolUpgradeForWebsockets"}  # Twisted before 25.5
    assert called <= METHODS
    assert called | TWISTED_ONLY == METHODS


PUBLIC = {
    # twisted.web calls these, and so does the engine
    *("allContentReceived", "allHeadersReceived", "checkPersistence", "connectionLost", "connectionMade", "getHost"),
    *("getPeer", "isSecure", "makeConnection", "registerProducer", "requestDone", "unregisterProducer", "write"),
    *("writeHeaders", "writeSequence"),
    # twisted.web reads these, and so does the engine
    *("callLater", "factory", "maxHeaders", "requestFactory", "timeOut", "totalHeadersSize", "transport"),
    # state of a connection
    *("connected", "length", "line_mode", "paused", "persistent"),
    # only Twisted's own channel calls and reads these; if one is overridden, Twisted's channel serves the connection
    *("MAX_LENGTH", "abortTimeout", "dataReceived", "delimiter", "forceAbortClient", "headerReceived"),
    *("lineLengthExceeded", "lineReceived", "logPrefix", "loseConnection", "pauseProducing", "rawDataReceived"),
    *("resetTimeout", "resumeProducing", "setLineMode", "setRawMode", "setTimeout", "stopProducing"),
    "timeoutConnection",
    # only programs call these
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
        (ByTransport, "its override of writeHeaders uses the transport"),
        (Rejecting, "its override of allHeadersReceived uses loseConnection"),
        (Late, "its override of connectionMade sets MAX_LENGTH"),
        (unreadable, "its override of write cannot be inspected"),
        (Finding, "__getattribute__ is defined"),
        (Setting, "__setattr__ is defined"),
        (Called, ""),
        (Registered, ""),
        (recording_connections([]), ""),
        (Greeting, "its override of connectionMade uses the transport"),
        (Kept, "its override of connectionMade may pass the channel to other code"),
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
    assert [error.partition(": ")[0] for error in errors] == ["RW741 A channel was changed after it was connected"]


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
    """An object that delegates every attribute to a channel, but reads the bytes first."""

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
    with pytest.raises(TypeError, match=r"RW757 .*Foreign, .* Derive the class from ropewalk\.dropin\.HTTPChannel"):
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
