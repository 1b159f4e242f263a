"""An ASGI app on Daphne as its users run it, over HTTP and WebSocket."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest
from interop.processes import BIN, ON_ROPEWALK, Process, started
from interop.raw import handshake, masked, read, read_frame, read_head
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Close
from websockets.sync.client import ClientConnection, connect

HERE = Path(__file__).parent
ENDPOINT = f"{'ropewalk:' if ON_ROPEWALK else ''}tcp:port=0:interface=127.0.0.1"
COMMAND = (BIN / "daphne", "-e", ENDPOINT, "app:app")
LISTENING = r"Listening on TCP address 127\.0\.0\.1:(\d+)"
BROTHERS = [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /scope HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"]


@pytest.fixture(scope="module")
def server() -> Iterator[Process]:
    with started(*COMMAND, cwd=HERE) as server:
        yield server


@pytest.fixture(scope="module")
def address(server: Process) -> tuple[str, int]:
    return "127.0.0.1", int(server.says(LISTENING)[1])


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


def open_(address: tuple[str, int], path: str = "/echo", **options: object) -> ClientConnection:
    return connect(f"ws://{address[0]}:{address[1]}{path}", max_size=None, **options)  # type: ignore[arg-type]


def code(close: Close | None) -> int | None:
    return close and close.code


class TestHTTP:
    def test_get(self, connection: HTTPConnection) -> None:
        response, got = ask(connection, "GET", "/")
        assert (response.status, got) == (200, b"hello")
        assert response.headers.get_all("X-Two") == ["1", "2"]
        assert response.headers["Server"] == "daphne"

    def test_head(self, connection: HTTPConnection) -> None:
        response, got = ask(connection, "HEAD", "/")
        assert (response.status, response.headers["Content-Length"], got) == (200, "5", b"")
        assert ask(connection, "GET", "/")[1] == b"hello"

    def test_scope(self, connection: HTTPConnection) -> None:
        _, got = ask(connection, "GET", "/with%20space?a=1&b=%20", X_One="1", X_Other="2")
        assert json.loads(got) == {
            "type": "http",
            "method": "GET",
            "path": "/with space",
            "raw_path": "/with%20space",
            "query_string": "a=1&b=%20",
            "http_version": "1.1",
            "scheme": "http",
            "root_path": "",
            "headers": [["x-one", "1"], ["x-other", "2"]],
            "client": "127.0.0.1",
        }

    @pytest.mark.parametrize("size", [1, 8192, 65_536, 5_000_000])
    def test_body(self, connection: HTTPConnection, size: int) -> None:
        body = (bytes(range(256)) * (size // 256 + 1))[:size]
        assert ask(connection, "POST", "/echo", body)[1] == body

    def test_chunked_body(self, connection: HTTPConnection) -> None:
        connection.request("POST", "/echo", iter([b"one", b"two" * 10_000]), encode_chunked=True)
        assert connection.getresponse().read() == b"one" + b"two" * 10_000

    def test_in_pieces(self, connection: HTTPConnection) -> None:
        response, got = ask(connection, "GET", "/pieces")
        assert response.headers["Transfer-Encoding"] == "chunked"
        assert got == b"".join(b"%05d" % number * 1000 for number in range(100)) + b"end"

    def test_failing(self, connection: HTTPConnection) -> None:
        response, got = ask(connection, "GET", "/failing")
        assert response.status == 500
        assert b"Exception inside application" in got
        assert ask(connection, "GET", "/")[1] == b"hello"

    def test_unknown_path(self, connection: HTTPConnection) -> None:
        assert ask(connection, "GET", "/nowhere")[0].status == 404

    def test_many_requests_on_one_connection(self, connection: HTTPConnection) -> None:
        ask(connection, "GET", "/")
        sock = connection.sock
        for _ in range(100):
            assert ask(connection, "GET", "/")[1] == b"hello"
        assert connection.sock is sock

    def test_pipelined(self, address: tuple[str, int]) -> None:
        with socket.create_connection(address, timeout=10) as client:
            client.sendall(BROTHERS[0] * 20 + BROTHERS[1])
            got = b"".join(iter(lambda: client.recv(65_536), b""))
        assert got.count(b"\r\n\r\nhello") == 20
        assert got.endswith(b"}")

    def test_client_that_goes_away(self, address: tuple[str, int], connection: HTTPConnection) -> None:
        """The app receives `http.disconnect`."""
        with socket.create_connection(address, timeout=10) as client:
            client.sendall(b"GET /watched HTTP/1.1\r\nHost: a\r\n\r\n")
            read_head(client)
        assert ask(connection, "GET", "/left?http.disconnect")[1] == b"yes"


class TestWebSocket:
    @pytest.mark.parametrize("size", [1, 125, 126, 65_535, 65_536, 1_000_000])
    def test_bytes(self, address: tuple[str, int], size: int) -> None:
        message = (bytes(range(256)) * (size // 256 + 1))[:size]
        with open_(address) as client:
            client.send(message)
            assert client.recv() == message

    def test_text(self, address: tuple[str, int]) -> None:
        with open_(address) as client:
            for text in ("a", "ä€😀" * 1000):
                client.send(text)
                assert client.recv() == text

    def test_fragments(self, address: tuple[str, int]) -> None:
        with open_(address) as client:
            client.send(iter(["one, ", "two, ", "three"]))
            assert client.recv() == "one, two, three"

    def test_subprotocol(self, address: tuple[str, int]) -> None:
        with open_(address, subprotocols=["first", "second"]) as client:
            assert client.subprotocol == "second"

    def test_ping(self, address: tuple[str, int]) -> None:
        with open_(address) as client:
            assert client.ping(b"there?").wait(10)

    def test_client_closes(self, address: tuple[str, int], connection: HTTPConnection) -> None:
        """The app receives the code."""
        with open_(address) as client:
            client.close(4002)
        assert code(client.protocol.close_rcvd) == 1000
        assert ask(connection, "GET", "/left?4002")[1] == b"yes"

    def test_client_that_goes_away(self, address: tuple[str, int], connection: HTTPConnection) -> None:
        """A connection that ends without a closing handshake has the code 1006."""
        with socket.create_connection(address, timeout=10) as client:
            client.sendall(handshake("/echo"))
            assert read_head(client).startswith(b"HTTP/1.1 101 ")
        assert ask(connection, "GET", "/left?1006")[1] == b"yes"

    def test_server_closes(self, address: tuple[str, int]) -> None:
        """The app closes at once after more messages than the client reads."""
        with open_(address, "/flood", max_queue=1) as client:
            messages = [client.recv() for _ in range(16)]
            with pytest.raises(ConnectionClosed) as closed:
                client.recv()
        assert [(message[0], len(message)) for message in messages] == [(number, 1 << 20) for number in range(16)]
        assert code(closed.value.rcvd) == 4001

    @pytest.mark.parametrize("path", ["/refusing", "/nowhere"])
    def test_refused(self, address: tuple[str, int], path: str) -> None:
        with pytest.raises(InvalidStatus) as refused:
            open_(address, path)
        assert refused.value.response.status_code == 403

    def test_failing(self, address: tuple[str, int]) -> None:
        with open_(address, "/failing") as client, pytest.raises(ConnectionClosed) as closed:
            client.recv()
        assert code(closed.value.rcvd) == 1011

    def test_bad_handshake(self, address: tuple[str, int]) -> None:
        with socket.create_connection(address, timeout=10) as client:
            client.sendall(handshake("/echo").replace(b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Version: 7"))
            assert read_head(client).startswith(b"HTTP/1.1 400 ")

    def test_many(self, address: tuple[str, int]) -> None:
        with ExitStack() as stack:
            clients = [stack.enter_context(open_(address)) for _ in range(100)]
            for number, client in enumerate(clients):
                client.send(str(number))
            assert [client.recv() for client in clients] == list(map(str, range(100)))

    def test_after_requests(self, address: tuple[str, int]) -> None:
        """The connection has had ordinary requests before."""
        with socket.create_connection(address, timeout=10) as client:
            for _ in range(3):
                client.sendall(BROTHERS[0])
                assert read_head(client).startswith(b"HTTP/1.1 200 ")
                assert read(client, 5) == b"hello"
            client.sendall(handshake("/echo"))
            assert read_head(client).startswith(b"HTTP/1.1 101 ")
            client.sendall(masked(b"text"))
            assert read_frame(client) == (1, b"text")

    def test_in_a_hurry(self, address: tuple[str, int]) -> None:
        """A frame directly after the handshake, in one segment with it."""
        with socket.create_connection(address, timeout=10) as client:
            client.sendall(handshake("/echo") + masked(b"text"))
            assert read_head(client).startswith(b"HTTP/1.1 101 ")
            assert read_frame(client) == (1, b"text")


def test_stop() -> None:
    """SIGTERM ends the server although a WebSocket is open."""
    with started(*COMMAND, cwd=HERE) as server:
        port = int(server.says(LISTENING)[1])
        with open_(("127.0.0.1", port)) as client:
            client.send("a")
            assert client.recv() == "a"
            assert server.stop() == 0
