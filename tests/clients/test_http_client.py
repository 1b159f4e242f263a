"""http.client of the standard library."""

import http.client
from collections.abc import Iterator

import pytest
from tests.clients.conftest import LARGE, Accepted


@pytest.fixture
def connection(url: str) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=20)
    yield connection
    connection.close()


def test_requests_on_one_connection(connection: http.client.HTTPConnection, accepted: Accepted) -> None:
    for _ in range(5):
        connection.request("GET", "/")
        response = connection.getresponse()
        assert (response.status, response.read()) == (200, b"Hello, World!")
    assert accepted() == 1


def test_download(connection: http.client.HTTPConnection) -> None:
    connection.request("GET", "/large")
    assert connection.getresponse().read() == LARGE


def test_upload(connection: http.client.HTTPConnection) -> None:
    connection.request("POST", "/echo", body=LARGE[:100_000])
    assert connection.getresponse().read() == LARGE[:100_000]


def test_upload_in_chunks(connection: http.client.HTTPConnection) -> None:
    connection.request("POST", "/echo", body=iter([b"one ", b"two"]), encode_chunked=True)
    assert connection.getresponse().read() == b"one two"


def test_head_and_errors_keep_the_connection(connection: http.client.HTTPConnection, accepted: Accepted) -> None:
    for method, path, status in (("HEAD", "/large", 200), ("GET", "/nowhere", 404), ("DELETE", "/", 405)):
        connection.request(method, path)
        response = connection.getresponse()
        response.read()
        assert response.status == status
    assert accepted() == 1
