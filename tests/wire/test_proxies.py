"""Servers behind proxies, on real sockets: RFC 7239, X-Forwarded-*, and the PROXY protocol."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.processes import Server, ropewalk
from tests.wire.conftest import address_of, by_site
from tests.wire.connection import Connection

pytestmark = pytest.mark.slow

SERVICE = Path(__file__).parent / "proxied.py"

FLAGS = {
    "x-forwarded": ["--proxy-headers", "x-forwarded"],
    "x-forwarded with host": ["--proxy-headers", "x-forwarded", "--proxy-host"],
    "forwarded": ["--proxy-headers", "forwarded"],
    "protocol": ["--proxy-protocol"],
}
"""The command line flags for each way in which a proxy reports clients."""

LINE = b"PROXY TCP4 192.0.2.1 198.51.100.1 1234 443\r\n"
BLOCK = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes([192, 0, 2, 1, 198, 51, 100, 1]) + b"\x04\xd2\x01\xbb"


@contextmanager
def serving(way: str, kind: str) -> Iterator[Server]:
    """A server that trusts 127.0.0.1: on accepted sockets, on adopted ones, and on a Twisted transport."""
    if way == "accepted":
        flags = FLAGS[kind]
        with ropewalk("run", SERVICE, "--access-log", "off", "--trusted-proxy", "127.0.0.1", *flags) as server:
            yield server
        return
    with by_site("tests.wire.proxied", way, kind) as server:
        yield server


def asked(server: Server, *, before: bytes = b"", fields: bytes = b"") -> dict[str, Any]:
    """Return the service's report of a request."""
    with Connection(address_of(server)) as connection:
        response = connection.ask(before + b"GET /who HTTP/1.1\r\nHost: inside\r\n" + fields + b"\r\n")
        seen: dict[str, Any] = json.loads(response.body)
        assert (response.status, seen["peer"]) == (200, list(connection.socket.getsockname()))
        return seen


@pytest.mark.parametrize("way", ["accepted", "adopted", "piped"])
class TestFields:
    @pytest.mark.parametrize(("kind", "host"), [("x-forwarded", "inside"), ("x-forwarded with host", "example.com")])
    def test_x_forwarded(self, way: str, kind: str, host: str) -> None:
        fields = (
            b"X-Forwarded-For: 6.6.6.6, 192.0.2.1:5\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: example.com\r\n"
        )
        with serving(way, kind) as server:
            seen = asked(server, fields=fields + b"Forwarded: for=6.6.6.6\r\n")
        assert (seen["client"], seen["url"]) == (["192.0.2.1", 5], f"https://{host}/who")

    def test_forwarded(self, way: str) -> None:
        with serving(way, "forwarded") as server:
            fields = b'Forwarded: for="[2001:db8::1]:5";proto=https;host=example.com\r\nX-Forwarded-For: 6.6.6.6\r\n'
            seen = asked(server, fields=fields)
        assert (seen["client"], seen["url"]) == (["2001:db8::1", 5], "https://example.com/who")


@pytest.mark.parametrize("way", ["accepted", "adopted"])
class TestProtocol:
    @pytest.mark.parametrize("header", [LINE, BLOCK], ids=["version 1", "version 2"])
    def test_it_tells_the_client(self, way: str, header: bytes) -> None:
        with serving(way, "protocol") as server:
            seen = asked(server, before=header, fields=b"X-Forwarded-For: 6.6.6.6\r\n")
        assert (seen["client"], seen["server"]) == (["192.0.2.1", 1234], ["198.51.100.1", 443])

    def test_nothing_else_may_begin_a_connection(self, way: str) -> None:
        with serving(way, "protocol") as server:
            with Connection(address_of(server)) as connection:
                connection.send(b"GET /who HTTP/1.1\r\nHost: a\r\n\r\n")
                assert ended(connection) == b""
            assert asked(server, before=LINE)["refused"] == 1


def test_another_peer_is_dropped_before_it_says_anything() -> None:
    with (
        ropewalk("run", SERVICE, "--trusted-proxy", "192.0.2.1", "--proxy-protocol", "--log-level", "debug") as server,
        Connection(address_of(server)) as connection,
    ):
        assert ended(connection) == b""
        server.stop()
    assert server.errors.count("RW510") == 1
    assert "the PROXY protocol is spoken with trusted proxies only" in server.errors


def test_the_access_log_has_the_client() -> None:
    with ropewalk("run", SERVICE, "--trusted-proxy", "127.0.0.1", "--proxy-headers", "x-forwarded") as server:
        asked(server, fields=b"X-Forwarded-For: 192.0.2.1\r\n")
        server.stop()
    assert server.output.startswith("192.0.2.1 - - [")


def ended(connection: Connection) -> bytes:
    """Return the bytes until the connection was closed, which may be by a reset if bytes were unread."""
    try:
        return connection.end()
    except ConnectionResetError:
        return b""
