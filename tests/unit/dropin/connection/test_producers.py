"""Producers over every transport: a paused producer is resumed, as on stock Twisted."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import twisted.internet
from tests.unit.dropin.carriers import CARRIERS, Carrier, beside, dateless
from tests.unit.dropin.connection.sites import Page
from tests.unit.dropin.mounts import Served, mount
from tests.unit.dropin.world import World
from twisted.internet import _producer_helpers
from twisted.internet.interfaces import IPullProducer, IPushProducer
from twisted.internet.task import Clock, Cooperator
from twisted.internet.testing import StringTransport
from twisted.web.server import NOT_DONE_YET, Site
from zope.interface import implementer

from ropewalk import App, Request, Resource
from ropewalk.dropin import accelerate, graft

pytestmark = pytest.mark.filterwarnings("ignore:Passing pyOpenSSL:DeprecationWarning")  # Twisted causes this warning

HIGH = 64 * 1024
"""The engine's high-water mark, and the buffer size of Twisted's transports."""
FRAMING = len(b"fff8\r\n\r\n")
SIZES = (
    *(0, 1, HIGH - 1, HIGH, HIGH + 1),
    *(HIGH - FRAMING - 1, HIGH - FRAMING, HIGH - FRAMING + 1),
    *(100_000, 400_000),
)
LARGE = 5_000_000
"""More than the kernel's buffers hold. Each carrier and each kind of producer is tested once with this size."""
PARTS = 3


@cache
def part_of(size: int) -> bytes:
    """Return a body of this size. It is always the same object, because sites keep it, and Twisted's log keeps
    sites."""
    return b"x" * size


class Source:
    """Writes parts of a size. It fails if it is resumed within one of its own calls, which no transport does."""

    def __init__(self, request: Any, size: int, parts: int = PARTS) -> None:
        self.request = request
        self.part = part_of(size)
        self.left = parts
        self.pauses = 0
        self.writing = False
        self.going = False
        self.stopped = False

    def write(self) -> None:
        self.writing = True
        self.left -= 1
        self.request.write(self.part)
        self.writing = False

    def end(self) -> None:
        self.request.unregisterProducer()
        self.request.finish()

    def stopProducing(self) -> None:
        self.going = False
        self.stopped = True

    def pauseProducing(self) -> None:
        self.pauses += 1
        self.going = False


def later(request: Any, call: Callable[[], None]) -> None:
    """Call a function in the reactor's next iteration, on every kind of channel."""
    channel = request.channel
    if hasattr(channel, "later"):
        channel.later(call)
    else:
        channel.callLater(0, call)


@implementer(IPullProducer)
class Pull(Source):
    def start(self) -> None:
        self.request.registerProducer(self, False)

    def resumeProducing(self) -> None:
        assert not self.writing, "resumed within write"
        self.write()
        if not self.left:
            self.end()


@implementer(IPushProducer)
class Push(Source):
    def start(self) -> None:
        self.request.registerProducer(self, True)
        self.resumeProducing()

    def resumeProducing(self) -> None:
        assert not self.writing, "resumed within write"
        self.going = True
        while self.going and self.left:
            self.write()
        if not self.left and self.request is not None:
            self.end()
            self.request = None


class LatePush(Push):
    """A push producer that starts after the application has returned."""

    def start(self) -> None:
        self.request.registerProducer(self, True)
        later(self.request, self.resumeProducing)


class SlowPush(Push):
    """A push producer that writes one part in each iteration of the reactor."""

    waiting = False

    def resumeProducing(self) -> None:
        assert not self.writing, "resumed within write"
        self.going = True
        if not self.waiting:
            self.waiting = True
            later(self.request, self.go_on)

    def go_on(self) -> None:
        self.waiting = False
        if not self.going:
            return
        if not self.left:
            self.end()
            return
        self.write()
        if self.going:
            self.resumeProducing()


class Plain(Source):
    """Writes without being a producer."""

    def start(self) -> None:
        for _ in range(self.left):
            self.write()
        self.request.finish()


PRODUCERS = (Pull, Push, LatePush, SlowPush, Plain)


def producing(kind: type[Any], sources: list[Any]) -> Callable[[Any], Any]:
    """Return a site with the pages `/length/SIZE` and `/chunks/SIZE`."""

    def render(request: Any) -> Any:
        _, framing, size = request.path.split(b"/")
        if framing == b"length":
            request.setHeader(b"Content-Length", b"%d" % (PARTS * int(size)))
        source = kind(request, int(size))
        sources.append(source)
        source.start()
        return NOT_DONE_YET

    return render


def site(there: World, render: Callable[[Any], Any]) -> Site:
    made = Site(Page(render), reactor=there.reactor)
    made.log = lambda request: None  # type: ignore[method-assign]
    return made


@pytest.mark.parametrize("framing", ["length", "chunks"])
@pytest.mark.parametrize("kind", PRODUCERS)
@pytest.mark.parametrize("name", CARRIERS)
def test_the_whole_body_arrives(there: World, tmp_path: Path, name: str, kind: type[Any], framing: str) -> None:
    def get(carrier: Carrier, size: int, version: str = "1.1", count: int = 1) -> bytes:
        client = carrier.connect()
        head = f"GET /{framing}/{size} HTTP/{version}\r\nHost: a\r\n"
        client.send((f"{head}\r\n" * (count - 1) + f"{head}Connection: close\r\n\r\n").encode())
        received = dateless(client.rest())
        client.socket.close()
        return received

    def ask(carrier: Carrier) -> list[bytes]:
        carrier.serve(site(there, producing(kind, [])))
        came = []
        for size in SIZES:
            came += [get(carrier, size, "1.0"), get(carrier, size)]
            if carrier.stock:  # stock Twisted stalls when requests with pull producers are pipelined
                kept = came[-1].replace(b"Connection: close\r\n", b"")
                came.append(kept * 2 + came[-1])
            else:
                came.append(get(carrier, size, count=3))
        if framing == "length":
            came.append(get(carrier, LARGE))
        return came

    stock, engine = beside(there, name, tmp_path, ask)
    assert [len(each) for each in engine] == [len(each) for each in stock]
    assert engine == stock


@pytest.mark.parametrize("kind", [Pull, Push, LatePush, SlowPush])
@pytest.mark.parametrize("name", CARRIERS)
def test_a_producer_waits_for_its_client(there: World, tmp_path: Path, name: str, kind: type[Any]) -> None:
    """As on stock Twisted, the producer writes only as much as the buffers hold, and the rest when the client reads."""
    parts = 300
    size = 100_000

    def ask(carrier: Carrier) -> int:
        sources: list[Any] = []

        def render(request: Any) -> Any:
            request.setHeader(b"Content-Length", b"%d" % (parts * size))
            sources.append(kind(request, size, parts))
            sources[0].start()
            return NOT_DONE_YET

        carrier.serve(site(there, render))
        client = carrier.connect()
        client.get("/", "Connection: close")
        there.until(lambda: sources and sources[0].left < parts, "the first part")
        made = 0
        while made != sources[0].left:  # repeat until the client's buffers are full and nothing more is produced
            made = sources[0].left
            there.turn(100)
        assert made > parts // 2
        count = 0
        while not client.ended:
            there.turn(1)
            count += len(client.read())
            client.received = b""
        return count - count % size

    stock, engine = beside(there, name, tmp_path, ask)
    assert engine == stock == parts * size


@pytest.mark.parametrize("kind", PRODUCERS)
def test_a_transport_in_memory(monkeypatch: pytest.MonkeyPatch, kind: type[Any]) -> None:
    def ask(made: Any) -> bytes:
        made.timeOut = None
        clock = made.reactor
        channel = made.buildProtocol(None)
        transport = StringTransport()
        channel.makeConnection(transport)
        written = b""
        for framing in ("length", "chunks"):
            for size in (*SIZES, LARGE):
                channel.dataReceived(f"GET /{framing}/{size} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
                clock.pump([0] * 4 * PARTS)
                written += transport.value()
                transport.clear()
        return dateless(written)

    outcomes = []
    for prepare in (lambda made: made, accelerate):
        clock = Clock()
        own = Cooperator(scheduler=lambda call: clock.callLater(0, call))  # noqa: B023 - used within this round
        monkeypatch.setattr(_producer_helpers, "cooperate", own.cooperate)
        clock_driven: Any = Site(Page(producing(kind, [])), reactor=clock)
        outcomes.append(ask(prepare(clock_driven)))
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("kind", PRODUCERS)
def test_a_mounted_resource(serve: Callable[[App], Served], kind: type[Any]) -> None:
    sources: list[Any] = []
    served = serve(mount(producing(kind, sources), at="/"))
    for size in (*SIZES, LARGE):
        client = served.connect()
        client.get(f"/length/{size}", "Connection: close")
        assert client.rest().partition(b"\r\n\r\n")[2] == b"x" * (PARTS * size)
    assert [source.left for source in sources] == [0] * (len(SIZES) + 1)


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("name", CARRIERS)
def test_an_app_in_a_tree(
    there: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, streaming: bool
) -> None:
    """The producer of a grafted app also waits for the transport below the engine."""
    monkeypatch.setattr(twisted.internet, "reactor", there.reactor, raising=False)
    parts = 3000
    size = 10_000
    sources: list[Any] = []

    class Producing(Resource):
        isLeaf = True

        def render_GET(self, request: Request) -> Any:
            request.setHeader("Content-Length", f"{parts * size}")
            sources.append((Push if streaming else Pull)(request, size, parts))
            sources[0].start()
            return NOT_DONE_YET

    made = Site(graft(Producing()), reactor=there.reactor)
    made.log = lambda request: None  # type: ignore[method-assign]
    carrier = Carrier(there, name, tmp_path).serve(made)
    client = carrier.connect()
    client.get("/", "Connection: close")
    there.until(lambda: sources and sources[0].left < parts, "the first part")
    before = 0
    while before != sources[0].left:
        before = sources[0].left
        there.turn(100)
    assert before > parts // 2
    count = 0
    while not client.ended:
        there.turn(1)
        count += len(client.read())
        client.received = b""
    assert count - count % size == parts * size
