"""A live server for the HTTP clients of other projects."""

import http.client
import json
from collections.abc import Callable, Iterator

import pytest
from tests.processes import ropewalk
from tests.wire.conftest import SERVICE

LARGE = bytes(range(256)) * 16_384
"""The body of the response of `/large`."""

Accepted = Callable[[], int]


@pytest.fixture(scope="session")
def url() -> Iterator[str]:
    """The URL of the service in `tests.wire.service`, without a slash at the end."""
    with ropewalk("run", SERVICE, "--access-log", "off") as server:
        yield server.url


@pytest.fixture
def accepted(url: str) -> Accepted:
    """How many connections the server has accepted since the start of the test."""

    def count() -> int:
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=20)
        try:
            connection.request("GET", "/counters")
            counters = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        return int(counters["accepted"])

    before = count()
    return lambda: count() - before - 1
