"""Redirects from plain HTTP to HTTPS."""

import pytest

from ropewalk.errors import StartError
from ropewalk.server.https_redirects import redirect_endpoint, redirecting_app
from ropewalk.testing import Client

COVERED = {"example.com", "localhost", "[::1]"}


def client(port: int = 443) -> Client:
    return Client(redirecting_app(port, COVERED.__contains__))


@pytest.mark.parametrize(
    ("host", "port", "authority"),
    [
        ("example.com", 443, "example.com"),
        ("EXAMPLE.com:80", 443, "example.com"),
        ("example.com.", 443, "example.com"),
        ("example.com:8080", 8443, "example.com:8443"),
        ("[::1]:80", 8443, "[::1]:8443"),
    ],
)
def test_the_host(host: str, port: int, authority: str) -> None:
    response = client(port).get("/", headers={"host": host})
    assert (response.status, response.headers["location"]) == (308, f"https://{authority}/")


@pytest.mark.parametrize(
    "path", ["/", "/a/b", "/a?b=1&c=%20%0d%0a", "//evil.com/", "/a//b/../c", "/%0d%0aSet-Cookie:x", "/?u=//evil.com"]
)
def test_the_path_and_the_query_stay(path: str) -> None:
    response = client().get(path, headers={"host": "example.com"})
    assert (response.status, response.headers["location"]) == (308, f"https://example.com{path}")


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_every_method(method: str) -> None:
    assert client().request(method, "/x", headers={"host": "example.com"}).status == 308


@pytest.mark.parametrize("host", ["evil.com", "example.com.evil.com", "www.example.com", "192.0.2.1", "[::2]"])
def test_a_host_that_the_certificate_lacks(host: str) -> None:
    response = client().get("/", headers={"host": host})
    assert (response.status, "location" in response.headers) == (421, False)


@pytest.mark.parametrize("host", ["example.com:99999", "a..b"])
def test_a_malformed_host(host: str) -> None:
    response = client().get("/", headers={"host": host})
    assert (response.status, "location" in response.headers) == (400, False)


@pytest.mark.parametrize(
    ("address", "endpoint"),
    [
        ("80", "tcp:80:interface=10.0.0.1"),
        ("0", "tcp:0:interface=10.0.0.1"),
        ("0.0.0.0:80", "tcp:80:interface=0.0.0.0"),
        ("localhost:80", "tcp:80:interface=localhost"),
        ("[::]:80", r"tcp6:80:interface=\:\:"),
        ("tcp:80:reusePort=yes", "tcp:80:reusePort=yes"),
    ],
)
def test_addresses(address: str, endpoint: str) -> None:
    assert redirect_endpoint(address, "10.0.0.1") == endpoint


@pytest.mark.parametrize("address", ["", "x", "80x", "65536", "-1", "1.2.3.4", "::1:80", "http://x", "localhost:", "²"])
def test_malformed_addresses(address: str) -> None:
    with pytest.raises(StartError, match="RW426 .* is not an address on which to redirect to HTTPS"):
        redirect_endpoint(address, "10.0.0.1")


def test_a_malformed_endpoint() -> None:
    with pytest.raises(StartError, match="RW401"):
        redirect_endpoint("tcp:x", "10.0.0.1")
