"""Applications that write from threads, such as Buildbot, which writes thousands of chunks."""

import re
from collections.abc import Callable
from threading import Thread
from typing import Any

import pytest
from tests.unit.dropin.connection.sites import serve, site
from tests.unit.dropin.world import World, in_thread
from twisted.internet.error import ConnectionAborted, ConnectionDone
from twisted.internet.protocol import Protocol
from twisted.web import http
from twisted.web.server import NOT_DONE_YET

from ropewalk.dropin import HTTPChannel, accelerate_port
from ropewalk.dropin.connection.exchange import RelayedExchange
from ropewalk.dropin.connection.thread_queue import JOINED, ThreadQueue

PIECES = 20_000


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Record the sizes of the engine's writes."""
    sizes: list[int] = []
    plain = RelayedExchange.relay_write

    def counting(self: Any, data: bytes) -> bool:
        sizes.append(len(data))
        return plain(self, data)

    monkeypatch.setattr(RelayedExchange, "relay_write", counting, raising=False)
    return sizes


def test_chunks_are_joined(there: World, way: str, calls: list[int]) -> None:
    woken: list[Any] = []

    def render(request: Any) -> Any:
        request.write(b"first")

        def work() -> None:
            for number in range(PIECES):
                request.write(b"%05d " % number)
            request.finish()

        call = there.reactor.callFromThread

        def waking(*args: Any) -> None:
            woken.append(args)
            call(*args)

        there.reactor.callFromThread = waking
        in_thread(work)
        there.reactor.callFromThread = call
        return NOT_DONE_YET

    client = serve(there, way, render)
    client.get()
    received = client.until(b"0\r\n\r\n")
    body = b"".join(re.findall(rb"(?<=6\r\n)\d{5} (?=\r\n)", received))
    assert body == b"".join(b"%05d " % number for number in range(PIECES))
    assert len(woken) == 1
    assert len(calls) <= 3 + sum(calls) // JOINED


def test_all_arrives_in_order_while_the_reactor_writes_too(there: World, way: str) -> None:
    requests: list[Any] = []
    threads: list[Thread] = []

    def render(request: Any) -> Any:
        requests.append(request)

        def work() -> None:
            for number in range(PIECES):
                request.write(b"t%05d" % number)

        threads.append(Thread(target=work))
        threads[0].start()
        return NOT_DONE_YET

    client = serve(there, way, render)
    client.get()
    there.until(lambda: requests)
    written = 0
    while threads[0].is_alive():
        requests[0].write(b"r%05d" % written)
        written += 1
        there.turn(1)
        client.read()
    threads[0].join()
    requests[0].finish()
    received = client.until(b"0\r\n\r\n")
    for kind, count in ((b"t", PIECES), (b"r", written)):
        numbers = re.findall(rb"(?<=6\r\n)%b(\d{5})(?=\r\n)" % kind, received)
        assert numbers == [b"%05d" % number for number in range(count)]


def test_an_excess_beyond_content_length_drops_nothing_else(there: World, way: str) -> None:
    def render(request: Any) -> Any:
        request.setHeader(b"Content-Length", b"4")
        request.write(b"a")

        def work() -> None:
            for piece in (b"b", b"c", b"d", b"e"):
                request.write(piece)

        in_thread(work)
        return NOT_DONE_YET

    client = serve(there, way, render)
    client.get()
    assert client.rest().endswith(b"\r\n\r\nabcd")


def test_a_method_that_is_overridden_is_called_once(there: World) -> None:
    calls: list[str] = []

    class Own(HTTPChannel):
        def writeHeaders(self, version: bytes, code: bytes, reason: bytes, headers: Any) -> None:
            calls.append("writeHeaders")
            super().writeHeaders(version, code, reason, headers)

        def write(self, data: bytes) -> None:
            calls.append("write")
            super().write(data.replace(b"a", b"aa"))

        def requestDone(self, request: Any) -> None:
            calls.append("requestDone")
            super().requestDone(request)

    def render(request: Any) -> Any:
        request.setHeader(b"Content-Length", b"4")

        def work() -> None:
            request.write(b"a")
            request.write(b"a")
            request.finish()

        in_thread(work)
        return NOT_DONE_YET

    factory = site(there, render)
    vars(factory)["protocol"] = lambda: http._GenericHTTPChannelProtocol(Own())
    port = there.reactor.listenTCP(0, factory, interface="127.0.0.1")
    there.keep_port(port)
    assert accelerate_port(port)
    client = there.connect(port)
    client.get()
    assert client.until(b"\r\n\r\naaaa")
    assert calls == ["writeHeaders", "write", "write", "requestDone"]


WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
ON_TRANSPORTS = ("accepted", "adopted")


class Raw(Protocol):
    """Records the reason of `connectionLost`."""

    def __init__(self) -> None:
        self.received = b""
        self.lost: list[Any] = []

    def dataReceived(self, data: bytes) -> None:
        self.received += data

    def connectionLost(self, reason: Any = None) -> None:
        self.lost.append(reason.type)


class Pushing:
    """A push producer that records its calls."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def pauseProducing(self) -> None:
        self.calls.append("pause")

    def resumeProducing(self) -> None:
        self.calls.append("resume")

    def stopProducing(self) -> None:
        self.calls.append("stop")


@pytest.mark.parametrize("name", ON_TRANSPORTS)
def test_a_transport_is_used_during_a_request(there: World, name: str, calls: list[int]) -> None:
    def render(request: Any) -> Any:
        def work() -> None:
            for number in range(len(WHOLE)):
                request.transport.write(WHOLE[number : number + 1])
            request.transport.loseConnection()

        in_thread(work)
        return NOT_DONE_YET

    client = serve(there, name, render)
    client.get()
    assert client.rest() == WHOLE
    assert calls == [len(WHOLE)]


@pytest.mark.parametrize("name", ON_TRANSPORTS)
@pytest.mark.parametrize("where", ["reactor", "thread"])
def test_a_transport_is_used_after_an_upgrade(there: World, name: str, where: str) -> None:
    raw = Raw()

    def render(request: Any) -> Any:
        transport = request.channel.transport

        def upgrade() -> None:
            transport.protocol = raw

        upgrade() if where == "reactor" else in_thread(upgrade)

        def work() -> None:
            transport.write(b"one")
            transport.writeSequence([b"two", b"three"])
            transport.loseConnection()
            transport.write(b"four")

        in_thread(work)
        return NOT_DONE_YET

    client = serve(there, name, render)
    client.get()
    assert client.rest() == b"onetwothree"
    there.until(lambda: raw.lost)
    assert raw.lost == [ConnectionDone]


@pytest.mark.parametrize("name", ON_TRANSPORTS)
def test_a_transport_is_aborted(there: World, name: str) -> None:
    raw = Raw()

    def render(request: Any) -> Any:
        request.channel.transport.protocol = raw
        in_thread(request.channel.transport.abortConnection)
        return NOT_DONE_YET

    client = serve(there, name, render)
    client.get()
    there.until(lambda: raw.lost)
    assert raw.lost == [ConnectionAborted]


@pytest.mark.parametrize("name", ON_TRANSPORTS)
def test_the_reactor_writes_after_the_threads(there: World, name: str) -> None:
    """The reactor's thread writes to the channel and to its transport, in either order."""

    def render(request: Any) -> Any:
        request.transport.protocol = Raw()
        in_thread(request.transport.write, b"a")
        in_thread(request.channel.write, b"b")
        in_thread(request.transport.write, b"c")
        request.transport.write(b"d")
        in_thread(request.transport.write, b"e")
        request.transport.loseConnection()
        return NOT_DONE_YET

    client = serve(there, name, render)
    client.get()
    assert client.rest() == b"abcde"


@pytest.mark.parametrize("name", ON_TRANSPORTS)
def test_a_producer_of_a_transport_and_reading(there: World, name: str) -> None:
    raw, producer = Raw(), Pushing()
    transports: list[Any] = []

    def render(request: Any) -> Any:
        transport = request.channel.transport
        transports.append(transport)
        transport.protocol = raw
        transport.unregisterProducer()

        def work() -> None:
            transport.pauseProducing()
            transport.registerProducer(producer, True)
            transport.write(b"x" * 5_000_000)

        in_thread(work)
        return NOT_DONE_YET

    client = serve(there, name, render)
    client.get()
    there.until(lambda: producer.calls)
    client.send(b"data")
    there.until(lambda: client.read() and "resume" in producer.calls)
    assert raw.received == b""
    in_thread(transports[0].resumeProducing)
    there.until(lambda: raw.received == b"data")
    in_thread(transports[0].unregisterProducer)
    in_thread(transports[0].loseConnection)
    there.until(lambda: client.read() and client.ended)
    assert producer.calls[:2] == ["pause", "resume"]
    assert "stop" not in producer.calls


def test_a_producer_that_a_thread_registers_and_unregisters(there: World, way: str) -> None:
    """The producer is no longer registered when the connection ends, so it is not called."""
    producers: list[Pushing] = []

    def render(request: Any) -> Any:
        def work() -> None:
            producers.append(Pushing())
            request.registerProducer(producers[-1], True)
            request.write(b"body")
            request.unregisterProducer()
            request.finish()

        in_thread(work)
        return NOT_DONE_YET

    factory = site(there, render)
    client = there.connect(there.listen(factory, way))
    for _ in range(2):
        client.get()
        assert b"\r\nbody\r\n" in client.until(b"0\r\n\r\n")
    client.socket.close()
    there.until(lambda: not vars(factory)["_ropewalk"].engine.connections)
    assert [producer.calls for producer in producers] == [[], []]


def test_a_timeout_is_set(there: World, way: str) -> None:
    raised: list[BaseException] = []

    def render(request: Any) -> Any:
        def work() -> None:
            try:
                request.channel.setTimeout(7)
            except BaseException as error:
                raised.append(error)
                raise

        if way != "fed":  # a fed connection uses Twisted's timer, which only the reactor's thread may set
            in_thread(work)
        return b"body"

    client = serve(there, way, render)
    client.get()
    client.until(b"body")
    assert not raised


class Reactor:
    """Records `callFromThread`."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], None]] = []

    def callFromThread(self, call: Callable[[], None]) -> None:
        self.calls.append(call)

    def run(self) -> None:
        calls, self.calls = self.calls, []
        for call in calls:
            call()


class TestThreadQueue:
    def test_a_call_added_meanwhile_wakes_the_reactor_again(self) -> None:
        reactor, written = Reactor(), list[list[bytes]]()
        calls = ThreadQueue(reactor)
        calls.add((written.append, b"a"))
        calls.add(lambda: calls.add((written.append, b"c")))
        calls.add((written.append, b"b"))
        assert len(reactor.calls) == 1
        reactor.run()
        assert written == [[b"a"], [b"b"]]
        reactor.run()
        assert written == [[b"a"], [b"b"], [b"c"]]
        assert not reactor.calls

    def test_a_call_that_fails_does_not_prevent_the_others(self) -> None:
        reactor, written = Reactor(), list[list[bytes]]()
        calls = ThreadQueue(reactor)
        calls.add(lambda: [][0])
        calls.add((written.append, b"a"))
        with pytest.raises(IndexError):
            reactor.run()
        reactor.run()
        assert written == [[b"a"]]

    def test_calls_run_before_the_wakeup(self) -> None:
        reactor, written = Reactor(), list[list[bytes]]()
        calls = ThreadQueue(reactor)
        calls.add((written.append, b"a"))
        calls.run()
        calls.add((written.append, b"b"))
        reactor.run()
        assert written == [[b"a"], [b"b"]]

    def test_chunks_are_joined_up_to_a_size(self) -> None:
        reactor, written = Reactor(), list[list[bytes]]()
        calls = ThreadQueue(reactor)
        for _ in range(3):
            calls.add((written.append, b"x" * (JOINED // 2)))
        reactor.run()
        assert [len(parts) for parts in written] == [2, 1]

    def test_chunks_of_different_writers_are_not_joined(self) -> None:
        reactor, written, raw = Reactor(), list[list[bytes]](), list[list[bytes]]()
        calls = ThreadQueue(reactor)
        for write, data in ((written.append, b"a"), (written.append, b"b"), (raw.append, b"c"), (written.append, b"d")):
            calls.add((write, data))
        reactor.run()
        assert (written, raw) == ([[b"a", b"b"], [b"d"]], [[b"c"]])
