"""Twisted's and asyncio's awaitables in one handler, in a real process on the asyncio reactor."""

import time
from collections.abc import Iterator

import httpx
import pytest
from tests.processes import EXAMPLES, ropewalk

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with (
        ropewalk("run", EXAMPLES / "deferreds_and_asyncio.py") as server,
        httpx.Client(base_url=server.url) as client,
    ):
        yield client


def test_a_deferred(client: httpx.Client) -> None:
    assert client.get("/deferred").text == "from a Deferred\n"


def test_one_after_the_other(client: httpx.Client) -> None:
    assert client.get("/both").json() == {"first": "Deferred", "then": "asyncio"}


def test_side_by_side(client: httpx.Client) -> None:
    assert client.get("/side-by-side").json() == ["one", "two", "three"]


def test_a_deadline(client: httpx.Client) -> None:
    response = client.get("/slow")
    assert response.status_code == 504
    assert "That took too long." in response.text


def test_work_in_a_thread(client: httpx.Client) -> None:
    assert client.get("/blocking").text == "done in a thread\n"


def test_a_client_that_leaves_ends_the_wait(client: httpx.Client) -> None:
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(client.base_url.join("/patient"), timeout=0.3)
    deadline = time.monotonic() + 10
    while not (departures := client.get("/departures").json()) and time.monotonic() < deadline:
        pass
    assert departures == ["/patient"]
