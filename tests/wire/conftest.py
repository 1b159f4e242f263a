"""A server for the tests of the wire, and connections to it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.processes import Server, ropewalk
from tests.wire.connection import Connection

Connect = Callable[[], Connection]

SERVICE = Path(__file__).parent / "service.py"


def address_of(server: Server) -> tuple[str, int]:
    url = urlsplit(server.url)
    assert url.hostname is not None
    assert url.port is not None
    return url.hostname, url.port


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with ropewalk("run", SERVICE, "--access-log", "off") as server:
        yield server


@pytest.fixture
def connect(server: Server) -> Iterator[Connect]:
    """Opens connections, which are closed at the end of the test."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(Connection(address_of(server)))


@pytest.fixture
def connection(connect: Connect) -> Connection:
    return connect()
