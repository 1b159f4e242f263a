"""A Klein app, started by `app.run` and tested by requests."""

import re
import socket
import sys
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest
from interop.processes import ON_ROPEWALK, Process, started

APP = Path(__file__).with_name("app.py")
ENDPOINT = "ropewalk:tcp:0:interface=127.0.0.1" if ON_ROPEWALK else "tcp:0:interface=127.0.0.1"


@pytest.fixture(scope="module")
def server() -> Iterator[Process]:
    with started(sys.executable, APP, ENDPOINT) as server:
        yield server


@pytest.fixture(scope="module")
def address(server: Process) -> tuple[str, int]:
    return "127.0.0.1", int(server.says(r"starting on (\d+)")[1])


@pytest.fixture
def connection(address: tuple[str, int]) -> Iterator[HTTPConnection]:
    with closing(HTTPConnection(*address, timeout=10)) as connection:
        yield connection


def ask(
    connection: HTTPConnection, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[HTTPResponse, bytes]:
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    return response, response.read()


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/", 200, b"Hello, World!"),
        ("/bytes", 200, b"\x00\xff" * 1000),
        ("/nothing", 204, b""),
        ("/later", 200, b"later"),
        ("/async", 200, b"first, second"),
        ("/written", 200, b"0\n1\n2\n3\n4\n"),
        ("/in-pieces", 200, b"".join(b"%04d" % number * 1000 for number in range(20)) + b"end"),
        ("/failing-later", 418, b"handled: KeyError"),
        ("/not/there", 404, b"not here"),
        ("/resource", 200, b"resource||/resource"),
        ("/under/one", 200, b"under one"),
        ("/files/app.py", 200, APP.read_bytes()),
    ],
)
def test_get(connection: HTTPConnection, path: str, status: int, body: bytes) -> None:
    response, got = ask(connection, "GET", path)
    assert (response.status, got) == (status, body)


@pytest.mark.parametrize("path", ["/", "/bytes", "/files/app.py", "/not/there"])
def test_head(connection: HTTPConnection, path: str) -> None:
    """The response has only a head, and the connection is kept."""
    response, got = ask(connection, "HEAD", path)
    assert (response.status, got) == (404 if "not" in path else 200, b"")
    assert ask(connection, "GET", "/")[1] == b"Hello, World!"


def test_parameters(connection: HTTPConnection) -> None:
    response, got = ask(connection, "GET", "/pages/a%20b/6?x=1&x=2&y=%C3%A4")
    assert response.getheader("Content-Type") == "application/json"
    assert got.decode() == '{"name": "a b", "number": 7, "args": {"x": ["1", "2"], "y": ["\\u00e4"]}}'


def test_not_of_that_kind(connection: HTTPConnection) -> None:
    assert ask(connection, "GET", "/pages/a/six")[0].status == 404


def test_other_method(connection: HTTPConnection) -> None:
    response, _ = ask(connection, "GET", "/form")
    assert response.status == 405
    assert sorted(re.split(", *", response.headers["Allow"])) == ["POST"]


def test_form(connection: HTTPConnection) -> None:
    _, got = ask(connection, "POST", "/form", b"a=1&b=x+y", Content_Type="application/x-www-form-urlencoded")
    assert got == b"a=1,b=x y"


def test_multipart_form(connection: HTTPConnection) -> None:
    body = b'--cut\r\nContent-Disposition: form-data; name="a"\r\n\r\none\r\n--cut--\r\n'
    _, got = ask(connection, "POST", "/form", body, Content_Type="multipart/form-data; boundary=cut")
    assert got == b"a=one"


@pytest.mark.parametrize("size", [0, 1, 65_536, 5_000_000])
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_body(connection: HTTPConnection, method: str, size: int) -> None:
    body = bytes(range(256)) * (size // 256 + 1)
    response, got = ask(connection, method, "/echo", body[:size])
    assert response.getheader("X-Method") == method
    assert got == body[:size]


def test_chunked_body(connection: HTTPConnection) -> None:
    connection.request("POST", "/echo", iter([b"one", b"two" * 10_000]), encode_chunked=True)
    assert connection.getresponse().read() == b"one" + b"two" * 10_000


def test_headers_and_cookies(connection: HTTPConnection) -> None:
    response, got = ask(connection, "GET", "/headers", X_Sent="seen", Cookie="taste=sour")
    assert got == b"b'sour' True False"
    assert response.getheader("X-Seen") == "seen"
    assert response.headers.get_all("X-Two") == ["1", "2"]
    assert response.getheader("Set-Cookie") == "taste=sweet; Path=/; HttpOnly"
    assert response.getheader("Server", "").startswith("TwistedWeb/")
    assert response.getheader("Date")


def test_redirect(connection: HTTPConnection) -> None:
    response, _ = ask(connection, "GET", "/moved")
    assert (response.status, response.getheader("Location")) == (302, "/")


def test_failing(connection: HTTPConnection, server: Process) -> None:
    """The traceback is logged and not sent to the client, and the connection is kept."""
    response, got = ask(connection, "GET", "/failing")
    assert response.status == 500
    assert b"as it is meant to" not in got
    assert ask(connection, "GET", "/")[1] == b"Hello, World!"
    server.says("ValueError: as it is meant to")


@pytest.mark.parametrize(
    ("range_", "status", "body"),
    [("bytes=0-9", 206, APP.read_bytes()[:10]), ("bytes=-5", 206, APP.read_bytes()[-5:]), ("bytes=9999999-", 416, b"")],
)
def test_range_of_a_file(connection: HTTPConnection, range_: str, status: int, body: bytes) -> None:
    response, got = ask(connection, "GET", "/files/app.py", Range=range_)
    assert (response.status, got) == (status, body)


def test_file_not_modified(connection: HTTPConnection) -> None:
    response, _ = ask(connection, "GET", "/files/app.py")
    again, got = ask(connection, "GET", "/files/app.py", If_Modified_Since=response.headers["Last-Modified"])
    assert (again.status, got) == (304, b"")
    assert ask(connection, "GET", "/")[1] == b"Hello, World!"


def test_many_requests_on_one_connection(connection: HTTPConnection) -> None:
    sock = None
    for _ in range(200):
        assert ask(connection, "GET", "/async" if sock is None else "/")[0].status == 200
        sock = sock or connection.sock
    assert connection.sock is sock


def test_pipelined(address: tuple[str, int]) -> None:
    """The responses arrive in the order of the requests, although the first takes the longest."""
    with socket.create_connection(address, timeout=10) as client:
        for path in (b"/later", b"/", b"/async", b"/written"):
            client.sendall(b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n" % path)
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        got = b"".join(iter(lambda: client.recv(65_536), b""))
    places = [got.index(text) for text in (b"later", b"Hello", b"first, second", b"4\n")]
    assert places == sorted(places)
    assert got.count(b"HTTP/1.1 200 OK\r\n") == 5


def test_http_1_0(address: tuple[str, int]) -> None:
    with socket.create_connection(address, timeout=10) as client:
        client.sendall(b"GET /written HTTP/1.0\r\n\r\n")
        got = b"".join(iter(lambda: client.recv(65_536), b""))
    assert got.partition(b"\r\n\r\n")[2] == b"0\n1\n2\n3\n4\n"
    assert b"chunked" not in got


def test_client_that_goes_away(address: tuple[str, int], connection: HTTPConnection) -> None:
    """Other clients are not affected."""
    for _ in range(20):
        with socket.create_connection(address, timeout=10) as client:
            client.sendall(b"GET /in-pieces HTTP/1.1\r\nHost: a\r\n\r\n")
    assert ask(connection, "GET", "/")[1] == b"Hello, World!"


def test_access_log(server: Process, connection: HTTPConnection) -> None:
    """Klein's `run` logs to the standard output, by twisted.web's own log of requests."""
    ask(connection, "GET", "/under/one", User_Agent="tester")
    ask(connection, "GET", "/")
    server.says(r'"127\.0\.0\.1" - - \[[^]]+\] "GET /under/one HTTP/1\.1" 200 9 "-" "tester"')


def test_stop() -> None:
    """SIGTERM ends it cleanly."""
    with started(sys.executable, APP, ENDPOINT) as server:
        port = int(server.says(r"starting on (\d+)")[1])
        with closing(HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
            assert ask(connection, "GET", "/")[0].status == 200
        assert server.stop() == 0
    assert "Main loop terminated." in server.said
