"""Clients that close their sending side (a FIN) and still read: the responses of every kind of handler."""

import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from itertools import count
from pathlib import Path

import pytest
from tests.processes import ROOT, SECONDS_TO_STOP, Server, ropewalk
from tests.wire.conftest import address_of, by_site
from tests.wire.connection import Connection, ReceivedResponse

SERVICE = Path(__file__).parent / "half_closing.py"
NUMBERS = count()

WAITING = ["/wsgi/wait", "/guarded/wait", "/api/wait", "/api/coroutine", "/guarded/api/wait", "/guarded/api/coroutine"]
"""Handlers that no half-close cancels."""

STREAMS = ["/native/stream", "/wsgi/stream", "/api/stream", "/guarded/stream", "/guarded/api/stream"]

EVENTS = ["/native/events", "/api/events", "/guarded/api/events"]


class Half:
    """A client that sends a request, closes its sending side, and reads."""

    def __init__(self, stack: ExitStack, server: Server) -> None:
        self.name = f"n{next(NUMBERS)}"
        self._asking = stack.enter_context(Connection(address_of(server)))
        self._other = stack.enter_context(Connection(address_of(server)))

    def ask(self, path: str) -> None:
        """Request a path with this client's name, and close the sending side."""
        self.ask_exactly(f"GET {path}/{self.name} HTTP/1.1\r\nHost: a\r\n\r\n")

    def ask_exactly(self, request: str) -> None:
        self._asking.send(request.encode())
        self._asking.socket.shutdown(socket.SHUT_WR)

    def reset(self, path: str) -> None:
        """Send a request, and reset the connection when the handler runs."""
        self._asking.send(f"GET {path}/{self.name} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        self.wait_until_notified("-begun")
        self._asking.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._asking.socket.close()

    def open(self) -> None:
        """Let the handler continue."""
        assert self._other.ask(f"POST /open/{self.name} HTTP/1.1\r\nHost: a\r\n\r\n".encode()).status == 204

    def wait_until_notified(self, what: str = "") -> None:
        """Wait until the handler was notified that the client has left."""
        assert self._other.ask(f"GET /notified/{self.name}{what} HTTP/1.1\r\nHost: a\r\n\r\n".encode()).status == 204

    def first_part(self) -> None:
        """Wait until the response has begun. It can still be read."""
        received = b""
        while b"one" not in received:
            received = self._asking.socket.recv(65536, socket.MSG_PEEK)

    def response(self) -> ReceivedResponse:
        return self._asking.response()

    def end(self) -> bytes:
        """Return the bytes until the FIN. Fails for a reset."""
        return self._asking.end()


Start = Callable[[], AbstractContextManager[Server]]

SERVERS: dict[str, Start] = {
    "run": lambda: ropewalk("run", SERVICE, "--access-log", "off"),
    "app": lambda: by_site("tests.wire.half_closing", "app"),
    "site": lambda: by_site("tests.wire.half_closing", "site"),
}

TOLERANT: dict[str, Start] = {
    "flag": lambda: ropewalk("run", SERVICE, "--half-close"),
    "environment": lambda: ropewalk("run", SERVICE, environment={"ROPEWALK_HALF_CLOSE": "1"}),
    "description": lambda: ropewalk("run", SERVICE, "--listen", "tcp:0:interface=127.0.0.1:halfClose=yes"),
    "app": lambda: by_site("tests.wire.half_closing", "app", "tolerant"),
    "site": lambda: by_site("tests.wire.half_closing", "site", "tolerant"),
    "endpoint": lambda: by_site("tests.wire.half_closing", "endpoint", "tolerant"),
}


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with SERVERS[request.param]() as server:
        yield server


@pytest.fixture
def half(server: Server) -> Iterator[Half]:
    with ExitStack() as stack:
        yield Half(stack, server)


@pytest.mark.parametrize("path", WAITING)
def test_what_cannot_be_cancelled_has_its_response_sent(half: Half, path: str) -> None:
    half.ask(path)
    half.open()
    response = half.response()
    assert (response.status, response.text.strip('"'), half.end()) == (200, "late", b"")


@pytest.mark.parametrize("path", STREAMS)
def test_a_response_under_way_is_sent_whole(half: Half, path: str) -> None:
    half.ask(path)
    half.first_part()
    half.open()
    assert (half.response().text, half.end()) == ("onetwo", b"")


def test_a_stream_that_begins_when_its_client_has_closed_is_sent_whole(half: Half) -> None:
    half.ask("/api/stream_late")
    half.open()
    assert (half.response().text, half.end()) == ("onetwo", b"")


def test_a_large_one_too(half: Half) -> None:
    half.ask_exactly("GET /native/large HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (len(half.response().body), half.end()) == (10_000_000, b"")


@pytest.mark.parametrize("path", ["/native/wait", "/resource", "/listen", "/guarded/listen"])
def test_a_handler_that_waits_is_cancelled_or_notified(half: Half, path: str) -> None:
    half.ask(path)
    assert half.end() == b""
    half.wait_until_notified()


BEGUN = ["/begun", "/guarded/begun", "/collected/begun"]
"""Applications that have begun a response and wait for the disconnect. The client or middleware has the first part."""


@pytest.fixture(scope="module")
def impatient() -> Iterator[Server]:
    with ropewalk("run", SERVICE, "--limit", "half_close_timeout=0.1") as server:
        yield server


@pytest.mark.parametrize("path", BEGUN)
def test_one_that_has_begun_and_pauses_is_notified(impatient: Server, path: str) -> None:
    with ExitStack() as stack:
        half = Half(stack, impatient)
        half.ask(path)
        half.wait_until_notified()


@pytest.mark.parametrize("path", BEGUN)
def test_one_that_has_begun_is_notified_of_a_reset_at_once(server: Server, path: str) -> None:
    with ExitStack() as stack:
        half = Half(stack, server)
        half.reset(path)
        half.wait_until_notified()


def test_one_that_ends_while_middleware_holds_its_response_is_no_error() -> None:
    with ropewalk("run", SERVICE, "--access-log", "off", "--limit", "half_close_timeout=0.1") as server:
        with ExitStack() as stack:
            half = Half(stack, server)
            half.ask("/collected/begun")
            half.wait_until_notified()
            assert half.end() == b""
        assert server.stop() == 0
        assert server.errors == ""


def test_what_middleware_collects_is_sent_whole(half: Half) -> None:
    half.ask("/collected/api/stream")
    half.open()
    assert (half.response().text, half.end()) == ("onetwo", b"")


def test_middleware_around_it_ends_with_it(half: Half) -> None:
    half.ask("/guarded/listen")
    half.wait_until_notified("-passed")


@pytest.mark.parametrize("path", ["/api/poll", "/guarded/api/poll"])
def test_one_that_asks_for_its_client_is_notified(half: Half, path: str) -> None:
    half.ask(path)
    half.wait_until_notified()
    assert (half.response().text, half.end()) == ('"left"', b"")


@pytest.mark.parametrize("path", EVENTS)
def test_a_stream_of_events_ends_when_a_stop_begins(path: str) -> None:
    with ropewalk("run", SERVICE, "--access-log", "off", "--half-close") as server, ExitStack() as stack:
        half = Half(stack, server)
        half.ask(path)
        half.first_part()
        server.process.send_signal(signal.SIGTERM)
        assert (half.response().text, half.end()) == ("one", b"")
        assert server.process.wait(SECONDS_TO_STOP) == 0


@pytest.mark.parametrize("way", TOLERANT)
def test_a_listener_may_tolerate_it_for_all(way: str) -> None:
    with TOLERANT[way]() as server, ExitStack() as stack:
        for path in ["/native/wait", *WAITING]:
            half = Half(stack, server)
            half.ask(path)
            half.open()
            assert (half.response().text.strip('"'), half.end()) == ("late", b"")


def test_a_listener_may_say_otherwise_than_the_flag() -> None:
    with (
        ropewalk("run", SERVICE, "--half-close", "--listen", "tcp:0:interface=127.0.0.1:halfClose=no") as server,
        ExitStack() as stack,
    ):
        half = Half(stack, server)
        half.ask("/native/wait")
        assert half.end() == b""


PROGRAM = """
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

waiting = []

class Waiting(Resource):
    isLeaf = True
    def render_GET(self, request):
        waiting.append(request)
        return NOT_DONE_YET
    def render_POST(self, request):
        for each in waiting:
            each.write(b"late")
            each.finish()
        return b"done"

def announce(port):
    print(port.getHost().port, flush=True)

site = Site(Waiting())
LISTEN
reactor.run()
"""
"""A program of twisted.web."""

BY_TWISTED = 'announce(reactor.listenTCP(0, site, interface="127.0.0.1"))'

ACCELERATED = f"""
from ropewalk.dropin import accelerate
accelerate(site, half_close=True)
{BY_TWISTED}
"""

BY_ENDPOINT = """
from twisted.internet.endpoints import serverFromString
serverFromString(reactor, "ropewalk:halfClose=yes:tcp:0:interface=127.0.0.1").listen(site).addCallback(announce)
"""

EXEC = ["-m", "ropewalk", "exec", "--half-close", "--quiet"]


@pytest.mark.parametrize(("starter", "listen"), [(EXEC, BY_TWISTED), ([], ACCELERATED), ([], BY_ENDPOINT)])
def test_so_may_programs_of_twisted_web(tmp_path: Path, starter: list[str], listen: str) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.replace("LISTEN", listen))
    command = [sys.executable, *starter, str(program)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = ("127.0.0.1", int(process.stdout.readline()))
            with Connection(address) as asking, Connection(address) as other:
                asking.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                asking.socket.shutdown(socket.SHUT_WR)
                assert other.ask(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").text == "done"
                assert (asking.response().text, asking.end()) == ("late", b"")
        finally:
            process.terminate()
