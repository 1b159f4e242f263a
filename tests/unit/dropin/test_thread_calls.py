"""Programs that write from threads, as Buildbot does with thousands of pieces."""

import re
from collections.abc import Callable, Iterator
from threading import Thread
from typing import Any

import pytest
from tests.unit.dropin.test_channel import serve, site
from tests.unit.dropin.world import WAYS, World, world
from twisted.web import http
from twisted.web.server import NOT_DONE_YET

from ropewalk.dropin import HTTPChannel, take_over
from ropewalk.dropin.exchange import Incoming
from ropewalk.dropin.thread_calls import JOINED, ThreadCalls

PIECES = 20_000


@pytest.fixture
def there() -> Iterator[World]:
    with world() as made:
        yield made


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of what the engine was asked to write."""
    sizes: list[int] = []
    plain = Incoming.relay_write

    def counting(self: Any, data: bytes) -> bool:
        sizes.append(len(data))
        return plain(self, data)

    monkeypatch.setattr(Incoming, "relay_write", counting, raising=False)
    return sizes


def in_thread(work: Callable[[], None]) -> None:
    thread = Thread(target=work)
    thread.start()
    thread.join()


def test_pieces_are_joined(there: World, way: str, calls: list[int]) -> None:
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


def test_what_is_too_much_takes_nothing_with_it(there: World, way: str) -> None:
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
    assert take_over(port)
    client = there.connect(port)
    client.get()
    assert client.until(b"\r\n\r\naaaa")
    assert calls == ["writeHeaders", "write", "write", "requestDone"]


class Reactor:
    """Keeps what it is called for."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], None]] = []

    def callFromThread(self, call: Callable[[], None]) -> None:
        self.calls.append(call)

    def run(self) -> None:
        calls, self.calls = self.calls, []
        for call in calls:
            call()


class TestThreadCalls:
    def test_what_is_added_meanwhile_wakes_the_reactor_again(self) -> None:
        reactor, written = Reactor(), list[list[bytes]]()
        calls = ThreadCalls(written.append, reactor)
        calls.add(b"a")
        calls.add(lambda: calls.add(b"c"))
        calls.add(b"b")
        assert len(reactor.calls) == 1
        reactor.run()
        assert written == [[b"a"], [b"b"]]
        reactor.run()
        assert written == [[b"a"], [b"b"], [b"c"]]
        assert not reactor.calls

    def test_a_call_that_fails_does_not_keep_the_others(self) -> None:
        reactor, written = Reactor(), list[list[bytes]]()
        calls = ThreadCalls(written.append, reactor)
        calls.add(lambda: [][0])
        calls.add(b"a")
        with pytest.raises(IndexError):
            reactor.run()
        reactor.run()
        assert written == [[b"a"]]

    def test_made_by_the_reactor_before_it_is_woken(self) -> None:
        reactor, written = Reactor(), list[list[bytes]]()
        calls = ThreadCalls(written.append, reactor)
        calls.add(b"a")
        calls.make()
        calls.add(b"b")
        reactor.run()
        assert written == [[b"a"], [b"b"]]

    def test_joined_up_to_a_size(self) -> None:
        reactor, written = Reactor(), list[list[bytes]]()
        calls = ThreadCalls(written.append, reactor)
        for _ in range(3):
            calls.add(b"x" * (JOINED // 2))
        reactor.run()
        assert [len(parts) for parts in written] == [2, 1]
