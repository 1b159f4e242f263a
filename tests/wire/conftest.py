"""A server for the tests of the wire, and connections to it."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.processes import ROOT, Server, ropewalk
from tests.wire.agreement import Accepted
from tests.wire.books import Books
from tests.wire.connection import Connection
from tests.wire.deliveries import Cut, in_bytes, in_every_way, uncut
from tests.wire.refusals import Refused

Connect = Callable[[], Connection]

SERVICE = Path(__file__).parent / "service.py"


on_sockets = pytest.mark.parametrize("kind", ["accepted", "adopted"], indirect=True)
"""Tests that need half-closed connections, on which a server reads after its last byte.

Twisted's transports have none.
"""


def address_of(server: Server) -> tuple[str, int]:
    url = urlsplit(server.url)
    assert url.hostname is not None
    assert url.port is not None
    return url.hostname, url.port


@pytest.fixture(scope="session", params=["accepted", "adopted", "piped"])
def kind(request: pytest.FixtureRequest) -> str:
    """The engine accepts connections, adopts accepted ones from Twisted, or is fed by a transport of Twisted."""
    kind: str = request.param
    return kind


@pytest.fixture(scope="session")
def server(kind: str) -> Iterator[Server]:
    """A server for `service.py`."""
    if kind == "accepted":
        with ropewalk("run", SERVICE, "--access-log", "off") as server:
            yield server
    else:
        with by_site("tests.wire.by_site", kind) as server:
            yield server


@contextmanager
def by_site(module: str, *arguments: str) -> Iterator[Server]:
    """Start a module of these tests that serves with a Site."""
    command = [sys.executable, "-W", "error", "-m", module, *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        server = Server(process)
        try:
            server.read_banner()
            yield server
            assert server.stop() == 0, server.errors
        finally:
            process.kill()


@pytest.fixture
def connect(server: Server) -> Iterator[Connect]:
    """Opens connections, which are closed at the end of the test."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(Connection(address_of(server)))


@pytest.fixture
def connection(connect: Connect) -> Connection:
    return connect()


@pytest.fixture
def books(connect: Connect) -> Books:
    return Books(connect())


CUT: Mapping[str, Cut] = {"accepted": in_every_way, "adopted": uncut, "piped": in_bytes}
"""How messages are cut, for each kind of server.

The engine reads adopted sockets like accepted ones, so messages to them are not cut. A transport gets single bytes.
"""


@pytest.fixture
def refused(server: Server, kind: str, books: Books) -> Refused:
    return Refused(address_of(server), books, CUT[kind])


@pytest.fixture
def accepted(server: Server, kind: str, books: Books) -> Accepted:
    return Accepted(address_of(server), books, CUT[kind])
