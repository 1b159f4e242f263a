"""The documented configurations of proxies, with clients that forge the fields of a proxy."""

import json
import re
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.processes import ROOT, ropewalk
from tests.proxies.conftest import SERVICE, require
from tests.proxies.fronts import APACHE, FRONTS, HAPROXY, NGINX, VARNISH, Front
from tests.unit.server.program import write_certificate
from tests.versions import needs_websocket
from tests.wire.conftest import address_of

pytestmark = pytest.mark.slow

PAGE = ROOT / "docs" / "how-to" / "behind-a-proxy.md"

LANGUAGES = {NGINX: "nginx", HAPROXY: "text", APACHE: "apache", VARNISH: "vcl"}

LISTENING = (("listen 80;", "listen 127.0.0.1:PORT;"), ("bind :80", "bind 127.0.0.1:PORT"), ("*:80", "127.0.0.1:PORT"))
"""The documented lines that set the proxy's port, and their replacements in these tests."""

CLIENT = "127.0.0.2"
"""The address of a client, which differs from the proxy's."""

FORGED = b"""GET /a/path HTTP/1.1\r
Host: example.com\r
X-Forwarded-For: 6.6.6.6\r
X-Forwarded-Proto: https\r
X-Forwarded-Host: evil.example\r
Forwarded: for=6.6.6.6;proto=https;host=evil.example\r
Connection: X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host, close\r
\r
"""


def shown(front: Front, number: int = 0) -> str:
    """Return a configuration from the page, adapted to the proxies of these tests."""
    blocks = re.findall(rf"(?ms)^```{LANGUAGES[front]}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"))
    configurations = [block for block in blocks if "8080" in block]
    text = str(configurations[number]).replace("vcl 4.1;\n", "")
    for there, here in LISTENING:
        text = text.replace(there, here)
    return text.replace("8080", "SERVER")


def ask(port: int, request: bytes, tls: ssl.SSLContext | None = None) -> tuple[dict[str, Any], int]:
    """Send a request from another address. Return the service's report of it, and the client's port."""
    with socket.create_connection(("127.0.0.1", port), timeout=20, source_address=(CLIENT, 0)) as plain:
        own: int = plain.getsockname()[1]
        with tls.wrap_socket(plain) if tls else plain as client:
            client.sendall(request)
            response = b""
            while part := client.recv(1 << 16):
                response += part
    head, _, body = response.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 "), response
    facts: dict[str, Any] = json.loads(body[body.index(b"{") : body.rindex(b"}") + 1])
    return facts, own


@pytest.fixture(scope="module")
def by_fields() -> Iterator[int]:
    """The port of a service that trusts all three fields."""
    flags = ("--trusted-proxy", "127.0.0.1", "--proxy-headers", "x-forwarded", "--proxy-host")
    with ropewalk("run", SERVICE, *flags) as server:
        yield address_of(server)[1]


@pytest.fixture(scope="module")
def by_protocol() -> Iterator[int]:
    """The port of a service that speaks the PROXY protocol."""
    with ropewalk("run", SERVICE, "--trusted-proxy", "127.0.0.1", "--proxy-protocol") as server:
        yield address_of(server)[1]


@pytest.mark.parametrize("front", FRONTS, ids=lambda front: front.name)
def test_fields_tell_the_client_and_cannot_be_forged(front: Front, by_fields: int, tmp_path: Path) -> None:
    require(front)
    with front.running(tmp_path / "front", shown(front), by_fields) as port:
        # Varnish refuses requests that name this field in Connection.
        facts, _ = ask(port, FORGED.replace(b" X-Forwarded-For,", b"") if front is VARNISH else FORGED)
    assert facts["client"] == [CLIENT, 0]
    assert facts["peer"][0] == "127.0.0.1"
    assert facts["url"] == "http://example.com/a/path"


SPEAKING = {
    "haproxy, as shown": (HAPROXY, "send-proxy-v2", "send-proxy-v2"),
    "haproxy, version 1": (HAPROXY, "send-proxy-v2", "send-proxy"),
    "haproxy, with a checksum": (HAPROXY, "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id"),
    "haproxy, with health checks": (HAPROXY, "send-proxy-v2", "send-proxy-v2 check inter 10ms"),
    "varnish, version 1": (VARNISH, '.port = "SERVER";', '.port = "SERVER"; .proxy_header = 1;'),
    "varnish, version 2": (VARNISH, '.port = "SERVER";', '.port = "SERVER"; .proxy_header = 2;'),
}
"""Replacements in the documented configurations that make a proxy speak the PROXY protocol."""


@pytest.mark.parametrize("way", SPEAKING)
def test_the_proxy_protocol_tells_the_client(way: str, by_protocol: int, tmp_path: Path) -> None:
    front, there, here = SPEAKING[way]
    require(front)
    text = shown(front, int(front is HAPROXY)).replace(there, here)
    with front.running(tmp_path / "front", text, by_protocol) as port:
        facts, own = ask(port, FORGED.replace(b" X-Forwarded-For,", b""))
    assert facts["client"] == [CLIENT, own]
    assert facts["peer"][0] == "127.0.0.1"


def test_the_proxy_protocol_tells_of_tls(by_protocol: int, tmp_path: Path) -> None:
    require(HAPROXY)
    write_certificate(tmp_path)
    pem = tmp_path / "both.pem"
    pem.write_bytes((tmp_path / "key.pem").read_bytes() + (tmp_path / "certificate.pem").read_bytes())
    text = shown(HAPROXY, 1).replace("PORT", f"PORT ssl crt {pem}").replace("send-proxy-v2", "send-proxy-v2-ssl-cn")
    with HAPROXY.running(tmp_path / "front", text, by_protocol) as port:
        facts, own = ask(port, FORGED, ssl._create_unverified_context())
    assert facts["client"] == [CLIENT, own]
    assert facts["url"] == "https://example.com/a/path"


HANDSHAKE = b"""GET /socket HTTP/1.1\r
Host: example.com\r
Upgrade: websocket\r
Connection: Upgrade\r
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
Sec-WebSocket-Version: 13\r
\r
"""


@needs_websocket
def test_nginx_lets_websockets_through(tmp_path: Path) -> None:
    require(NGINX)
    with (
        ropewalk("run", Path(__file__).parent / "socket_service.py") as server,
        NGINX.running(tmp_path / "front", shown(NGINX), address_of(server)[1]) as port,
    ):
        with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
            client.sendall(HANDSHAKE)
            received = b""
            while not received.endswith(b"Hello by WebSocket"):
                part = client.recv(1 << 16)
                assert part, received
                received += part
        assert received.startswith(b"HTTP/1.1 101 ")
        with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n")
            plain = client.makefile("rb").read()
        assert plain.endswith(b"[null,null]")


def test_both_pages_let_websockets_through() -> None:
    """The HTTPS configuration contains the lines that the test above runs."""
    pages = [PAGE.read_text(encoding="utf-8"), PAGE.with_name("tls.md").read_text(encoding="utf-8")]
    for line in ("map $http_upgrade", "Upgrade $http_upgrade;", "Connection $connection_upgrade;"):
        assert [line in page for page in pages] == [True, True]
