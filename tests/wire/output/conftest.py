"""A server with faulty handlers, the bytes that it sends, and its log."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from tests.processes import ROOT, Server, ropewalk
from tests.wire.conftest import address_of
from tests.wire.connection import GET, SECONDS, Connection, ReceivedResponse

from ropewalk.errors import CATALOGUE, LATE_REMEDY

HERE = "tests/wire/output/"


class Careless:
    """A server of faulty handlers, and a second connection on which valid requests must always be served."""

    def __init__(self, server: Server, stack: ExitStack) -> None:
        self._server = server
        self._stack = stack
        self._bystander = self.connect()
        self.log()

    def connect(self) -> Connection:
        return self._stack.enter_context(Connection(address_of(self._server)))

    def log(self) -> list[str]:
        """Return the log events since the last call."""
        lines: list[str] = json.loads(self._bystander.ask(request("/log")).body)
        return lines

    def wait_for(self, event: str) -> None:
        """Poll the server until a handler has recorded an event."""
        deadline = time.monotonic() + SECONDS
        while event not in json.loads(self._bystander.ask(request("/happened")).body):
            assert time.monotonic() < deadline, event

    def logged(self) -> list[str]:
        """Return the log events since the last call, as `log` does, but wait until there is at least one."""
        deadline = time.monotonic() + SECONDS
        while not (lines := self.log()):
            assert time.monotonic() < deadline, "nothing was logged"
        return lines

    def responses(self, *requests: bytes) -> list[ReceivedResponse]:
        """Return the responses to pipelined requests. After each, a valid request is sent, which must be served."""
        connection = self.connect()
        connection.send(b"".join(each + GET for each in requests))
        responses = []
        for each in requests:
            responses.append(connection.response(head=each.startswith(b"HEAD")))
            assert connection.response().text == "Hello, World!"
        connection.socket.close()
        return responses

    def cut(self, request: bytes) -> bytes:
        """Send a request and a valid one after it, and return what is received until the connection is closed."""
        connection = self.connect()
        connection.send(request + GET)
        received = b""
        while data := received_or_reset(connection):
            received += data
        assert b"Hello, World!" not in received
        return received

    def cut_or_500(self, request: bytes) -> bytes:
        """As `cut`, but if the head was not sent, the response may also be a 500. The next request must then be
        served."""
        connection = self.connect()
        connection.send(request + GET)
        received = b""
        while data := received_or_reset(connection):
            received += data
            if received.endswith(b"Hello, World!"):
                assert received.startswith(b"HTTP/1.1 500 ")
                return b""
        assert b"Hello, World!" not in received
        return received


def request(path: str, method: str = "GET", version: str = "1.1") -> bytes:
    return f"{method} {path} HTTP/{version}\r\nHost: a\r\n\r\n".encode()


def received_or_reset(connection: Connection) -> bytes:
    try:
        return connection.socket.recv(100_000)
    except ConnectionResetError:
        return b""


def assert_logged(entry: str, code: str, path: str, handler: str, *words: str) -> None:
    """Check the first line of a log entry: the code, the request, the handler, its place, and what to do."""
    line = entry.partition("\n")[0]
    assert line.startswith(f"{code} "), entry
    assert f" {path}: " in line, entry
    assert f"{handler} at {HERE}" in line, entry
    for word in words:
        assert word in line, entry
    if not words:
        late = (LATE_REMEDY,) if code == "RW208" else ()
        assert line.endswith((CATALOGUE[code].remedy, *late)), entry


@contextmanager
def piped() -> Iterator[Server]:
    command = [sys.executable, "-W", "error", "-m", "tests.wire.output.piped"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        server = Server(process)
        try:
            server.read_banner()
            yield server
        finally:
            process.kill()


@contextmanager
def accepted() -> Iterator[Server]:
    with ropewalk("run", "tests.wire.output.service:app", "--access-log", "off", "--log-level", "critical") as server:
        yield server


@pytest.fixture(scope="session", params=[accepted, piped])
def careless_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """The server on the engine's sockets with asyncio's reactor, and on a Twisted transport with Twisted's reactor."""
    make: Callable[[], Iterator[Server]] = request.param
    with make() as server:  # type: ignore[attr-defined] # a context manager
        yield server
        if server.process.poll() is None:
            assert server.stop() == 0
        assert server.errors == ""


@pytest.fixture
def careless(careless_server: Server) -> Iterator[Careless]:
    """The server. At the end, the test must have read the whole log, and the server must still serve."""
    with ExitStack() as stack:
        careless = Careless(careless_server, stack)
        yield careless
        assert careless.log() == []
        assert careless.responses(GET)[0].status == 200
