"""Requests to an identity provider: their timeouts, their size limits, and redirects that are not followed."""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from threading import Event, Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.unit.auth.tokens import Issuer, serving

from ropewalk.auth.provider_http import FetchFailed, decode, fetch, fetch_json, is_secure_url

Talk = Callable[[socket.socket, Event], object]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@contextmanager
def talking(talk: Talk, *, reads: bool = True) -> Iterator[str]:
    """A server that passes one connection to a function, until the client has left."""
    left = Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError), listener.accept()[0] as connection:
                if reads:
                    connection.recv(65536)
                talk(connection, left)

        thread = Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/keys"
        finally:
            left.set()
            thread.join()


def trickle(before: bytes, part: bytes, after: bytes = b"") -> Talk:
    """Send a part many times, with pauses so short that no read of the socket times out, and then end."""

    def talk(connection: socket.socket, left: Event) -> None:
        connection.sendall(before)
        for _ in range(2000):
            if left.wait(0.01):
                return
            connection.sendall(part)
        connection.sendall(after)

    return talk


@pytest.mark.parametrize(
    "talk",
    [
        trickle(b"", b"H"),
        trickle(b"HTTP/1.1 200 OK\r\nx: ", b"y"),
        trickle(b"", b"HTTP/1.1 100 Continue\r\n\r\n", HEAD + b"Content-Length: 2\r\n\r\n{}"),
        trickle(HEAD + b"Content-Length: 2002\r\n\r\n{", b" ", b"}"),
        trickle(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n", b"2\r\n{}\r\n0\r\n\r\n"),
        trickle(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;", b"y"),
    ],
    ids=["status", "field", "interim", "body", "chunks", "extension"],
)
def test_a_server_that_trickles_does_not_hold_the_thread(talk: Talk) -> None:
    with talking(talk) as url, pytest.raises(FetchFailed, match="did not arrive in time"):
        fetch(url, timeout=0.2, body_limit=1000000)


def test_a_server_that_is_silent() -> None:
    with talking(lambda _, left: left.wait(20)) as url, pytest.raises(FetchFailed, match="did not arrive in time"):
        fetch(url, timeout=0.05, body_limit=1000)


@pytest.mark.parametrize("framing", [b"Content-Length: 9999999\r\n\r\n", b"Connection: close\r\n\r\n"])
def test_a_large_document(framing: bytes) -> None:
    def talk(connection: socket.socket, left: Event) -> None:
        connection.sendall(HEAD + framing)
        while not left.is_set():
            connection.sendall(b" " * 10000)

    with talking(talk) as url, pytest.raises(FetchFailed, match="more than 5000 bytes"):
        fetch(url, timeout=20, body_limit=5000)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"SSH-2.0-x\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        HEAD + b"Content-Length: 10\r\n\r\n{}",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        HEAD + b"y: z\r\n" * 200 + b"\r\n",
    ],
)
def test_a_response_that_is_not_http(sent: bytes) -> None:
    with talking(lambda connection, _: connection.sendall(sent)) as url, pytest.raises(FetchFailed):
        fetch_json(url, timeout=20, body_limit=1000)


def test_each_status_is_returned_and_nothing_is_followed() -> None:
    issuer, other = Issuer(), Issuer()
    with serving(issuer), serving(other):
        issuer.status, issuer.headers, issuer.body = 302, {"Location": other.url}, b"moved"
        assert fetch(issuer.url, timeout=20, body_limit=100) == (302, b"moved")
        issuer.status, issuer.body = 400, b'{"error": "invalid_grant"}'
        assert fetch(issuer.url, timeout=20, body_limit=100) == (400, issuer.body)
        with pytest.raises(FetchFailed, match=r"The status is 400\."):
            fetch_json(issuer.url, timeout=20, body_limit=100)
    assert other.calls == 0


def test_a_form_is_posted() -> None:
    received = []

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with listener.accept()[0] as connection:
                given = b""
                while not given.endswith(b"a=1"):
                    given += connection.recv(65536)
                received.append(given)
                connection.sendall(HEAD + b"Content-Length: 2\r\n\r\n{}")

        thread = Thread(target=serve)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/token"
        assert fetch(url, timeout=20, body_limit=10, body=b"a=1", fields={"Authorization": "Basic x"}) == (200, b"{}")
        thread.join()
    assert received[0].startswith(b"POST /token HTTP/1.1\r\n")
    assert b"\r\nAuthorization: Basic x\r\n" in received[0]


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000, b"nan"])
def test_documents_that_are_not_json(content: bytes) -> None:
    with pytest.raises(FetchFailed):
        decode(content)


def test_urls() -> None:
    for good in (
        "https://login.example",
        "https://h:8443/a?b=c",
        "http://localhost:1/",
        "http://127.0.0.1",
        "http://[::1]/",
    ):
        assert is_secure_url(good)
    wrong = (
        "http://login.example",
        "file:///etc/passwd",
        "https://",
        "https://h:x/",
        "",
        None,
        3,
        b"https://h",
        "ftp://h",
    )
    for bad in (*wrong, "https://h/\r\nHost: x", "https://h /", "https://hö/", "http://127.0.0.1.evil.example/"):
        assert not is_secure_url(bad)


@contextmanager
def talking_tls(folder: Path, talk: Talk) -> Iterator[str]:
    """The same over TLS, with a certificate for 127.0.0.1 that only clients trust that load its file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "issuer")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")

    def talk_tls(connection: socket.socket, left: Event) -> None:
        with context.wrap_socket(connection, server_side=True) as encrypted:
            encrypted.recv(65536)
            talk(encrypted, left)

    with talking(talk_tls, reads=False) as url:
        yield url.replace("http:", "https:")


def test_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    sent = HEAD + b"Content-Length: 13\r\n\r\n" + b'{"keys": "k"}'
    with talking_tls(tmp_path, lambda connection, _: connection.sendall(sent)) as url:
        assert fetch_json(url, timeout=20, body_limit=100) == {"keys": "k"}
    with talking_tls(tmp_path, trickle(HEAD, b"x")) as url, pytest.raises(FetchFailed, match="did not arrive in time"):
        fetch(url, timeout=0.5, body_limit=100)
    with (
        talking_tls(tmp_path, lambda connection, _: connection.sendall(sent)) as url,
        pytest.raises(FetchFailed, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        fetch(url.replace("127.0.0.1", "localhost"), timeout=20, body_limit=100)


def test_a_certificate_that_is_not_trusted(tmp_path: Path) -> None:
    with (
        talking_tls(tmp_path, lambda connection, left: None) as url,
        pytest.raises(FetchFailed, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        fetch(url, timeout=20, body_limit=100)


def test_a_handshake_that_does_not_end() -> None:
    with (
        talking(lambda _, left: left.wait(20), reads=False) as url,
        pytest.raises(FetchFailed, match="did not arrive in time"),
    ):
        fetch(url.replace("http:", "https:"), timeout=0.05, body_limit=100)
