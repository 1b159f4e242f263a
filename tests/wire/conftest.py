"""A server for the tests of the wire, and connections to it."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.processes import ROOT, Server, ropewalk
from tests.wire.connection import Connection

Connect = Callable[[], Connection]

SERVICE = Path(__file__).parent / "service.py"


on_sockets = pytest.mark.parametrize("server", ["accepted", "adopted"], indirect=True)
"""For what Twisted's transports do not let a server do: to say its last word, and then to listen a little longer."""


def address_of(server: Server) -> tuple[str, int]:
    url = urlsplit(server.url)
    assert url.hostname is not None
    assert url.port is not None
    return url.hostname, url.port


@pytest.fixture(scope="session", params=["accepted", "adopted", "piped"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """The service: on sockets that the engine accepted, on those that it took over, and behind a Twisted transport."""
    if request.param == "accepted":
        with ropewalk("run", SERVICE, "--access-log", "off") as server:
            yield server
    else:
        with by_site(request.param) as server:
            yield server


@contextmanager
def by_site(way: str) -> Iterator[Server]:
    command = [sys.executable, "-W", "error", "-m", "tests.wire.by_site", way]
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
