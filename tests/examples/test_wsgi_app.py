"""The WSGI application among the examples."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import wsgi_app
from ropewalk.testing import Client


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with Client(wsgi_app.app) as client:
        yield client


def test_beside_each_other(client: Client) -> None:
    assert client.get("/").text.startswith("Ropewalk itself.")
    assert client.get("/app/hello").text == "Hello, 127.0.0.1!\n"


def test_what_is_not_there(client: Client) -> None:
    assert [client.get(path).status for path in ("/nowhere", "/app/nowhere", "/app")] == [404] * 3


def test_up_and_down(client: Client) -> None:
    assert client.post("/app/upper", body=[b"one ", b"two"]).text == "ONE TWO"


def test_in_parts(client: Client) -> None:
    assert client.get("/app/countdown").text == "3\n2\n1\nLift-off\n"


def test_a_file(client: Client) -> None:
    assert client.get("/app/source").body == Path(wsgi_app.__file__).read_bytes()
