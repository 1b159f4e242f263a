"""Overrides that pass the channel to other code, so that Twisted must serve, and overrides with which the engine can
serve."""

from collections.abc import Callable
from functools import partialmethod, wraps
from operator import methodcaller
from typing import Any

import pytest
from tests.unit.dropin.connection.conversations import GET, LAST, STOCK, WAYS, base_of, talk, with_channel
from tests.unit.dropin.world import World

from ropewalk.dropin import HTTPChannel

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
    """Typical overrides in applications, which may run on the engine."""

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
