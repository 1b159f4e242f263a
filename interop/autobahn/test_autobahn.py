"""Echoes through `WebSocketResource`, Autobahn's and twisted.web's."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from interop.raw import handshake, masked, read, read_frame, read_head
from ways import PATIENCE, WAYS, Served
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Close

CLIENT = Path(__file__).with_name("client.py")
TALK = [
    "subprotocol second",
    *[
        "text 0",
        "text 0",
        "text 9000",
        "text 9000",
        "binary 256000",
        "binary 256000",
        "binary 3000000",
        "binary 3000000",
    ],
    *["text 70", "binary 12", "pong there?", "closed clean 1000"],
]

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
SIZES = [0, 1, 125, 126, 65_535, 65_536, 16_000_000]
MEBIBYTE = 1024 * 1024


@pytest.fixture(scope="module", params=WAYS)
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with WAYS[request.param](tmp_path_factory.mktemp("served")) as served:
        yield served


@pytest.fixture(params=["/autobahn", "/twisted"])
def path(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def code(close: Close | None) -> int | None:
    return close and close.code


@pytest.mark.parametrize("size", SIZES)
def test_bytes(served: Served, path: str, size: int) -> None:
    message = (bytes(range(256)) * (size // 256 + 1))[:size]
    with served.open(path) as client:
        client.send(message)
        assert client.recv() == message


def test_text(served: Served, path: str) -> None:
    with served.open(path) as client:
        for text in ("", "a", "ä€😀" * 100_000):
            client.send(text)
            assert client.recv() == text


def test_fragments(served: Served, path: str) -> None:
    with served.open(path) as client:
        client.send(iter(["one, ", "two, ", "three"]))
        assert client.recv() == "one, two, three"
        client.send(iter([b"x" * 50_000] * 50))
        assert client.recv() == b"x" * 2_500_000


def test_many_messages_at_once(served: Served, path: str) -> None:
    with served.open(path, max_queue=None) as client:
        texts = [str(number) for number in range(2000)]
        for text in texts:
            client.send(text)
        assert [client.recv() for _ in texts] == texts


def test_ping(served: Served, path: str) -> None:
    with served.open(path) as client:
        assert client.ping(b"there?") < PATIENCE


def test_deflate(served: Served) -> None:
    with served.open("/deflate") as client:
        assert client.socket.protocol.extensions
        client.send("much of the same " * 10_000)
        assert client.recv() == "much of the same " * 10_000


def test_client_closes(served: Served, path: str) -> None:
    """The server's protocol is notified that the close was clean."""
    with served.open(path) as client:
        said = len(served.process.said)
        client.close(4002)
    assert client.socket.protocol.close_rcvd
    served.loses(path, "Connection(Done|Aborted)", said)


def test_client_goes_away(served: Served, path: str) -> None:
    """The client closes without a closing handshake. The protocol is notified once."""
    said = len(served.process.said)
    with served.dial() as client:
        client.sendall(handshake(path))
        assert read_head(client).startswith(b"HTTP/1.1 101 ")
    served.loses(path, "Connection", said)
    test_text(served, path)
    assert served.process.said.count(f"lost {path} ", said) <= 2


def test_server_closes(served: Served, path: str) -> None:
    with served.open(path) as client:
        said = len(served.process.said)
        client.send("close 4003")
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(PATIENCE)
    assert code(closed.value.rcvd) == 4003
    served.loses(path, "Connection(Done|Aborted)", said)


def test_server_drops(served: Served, path: str) -> None:
    """The server closes without a closing handshake. Its protocol is notified that it did so itself."""
    with served.open(path) as client:
        said = len(served.process.said)
        client.send("drop")
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(PATIENCE)
    assert closed.value.rcvd is None
    served.loses(path, "ConnectionAborted", said)


def test_flood(served: Served, path: str) -> None:
    """The producer is paused while the client reads nothing, and all is sent before the close."""
    said = len(served.process.said)
    with served.open(path, max_queue=1) as client:
        client.send("flood")
        served.process.says("flood is held back", after=said, seconds=PATIENCE)
        messages = [client.recv(PATIENCE) for _ in range(48)]
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(PATIENCE)
    assert [(message[0], len(message)) for message in messages] == [(number, MEBIBYTE) for number in range(48)]
    assert code(closed.value.rcvd) == 4001


def test_silence(served: Served, path: str) -> None:
    """The connection is idle for longer than the site's timeout, which does not apply to a WebSocket."""
    with served.open(path) as client:
        with pytest.raises(TimeoutError):
            client.recv(3.5)
        client.send("still there?")
        assert client.recv() == "still there?"


def test_crowd(served: Served, path: str) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(served.open(path)) for _ in range(50)]
        for number, client in enumerate(clients):
            client.send(str(number))
        assert [client.recv() for client in clients] == list(map(str, range(50)))


def test_after_requests(served: Served, path: str) -> None:
    """The connection has had ordinary requests before."""
    with served.dial() as client:
        for request in (GET, POST, GET):
            client.sendall(request)
            assert read_head(client).startswith(b"HTTP/1.1 200 ")
            assert read(client, 5) == b"hello"
        client.sendall(handshake(path))
        assert read_head(client).startswith(b"HTTP/1.1 101 ")
        client.sendall(masked(b"text"))
        assert read_frame(client) == (1, b"text")


def test_in_a_hurry(served: Served, path: str) -> None:
    """Frames directly after the handshake, in one segment with it and with a request before."""
    with served.dial() as client:
        client.sendall(GET + handshake(path) + masked(b"one") + masked(b"two")[:3])
        assert read_head(client).startswith(b"HTTP/1.1 200 ")
        assert read(client, 5) == b"hello"
        assert read_head(client).startswith(b"HTTP/1.1 101 ")
        assert read_frame(client) == (1, b"one")
        client.sendall(masked(b"two")[3:])
        assert read_frame(client) == (1, b"two")


def test_byte_by_byte(served: Served, path: str) -> None:
    with served.dial() as client:
        for byte in handshake(path):
            client.sendall(bytes([byte]))
        assert read_head(client).startswith(b"HTTP/1.1 101 ")
        for byte in masked(b"text"):
            client.sendall(bytes([byte]))
        assert read_frame(client) == (1, b"text")


def test_bad_handshake(served: Served, path: str) -> None:
    """The library refuses the message."""
    with served.dial() as client:
        client.sendall(handshake(path).replace(b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Version: 7"))
        assert read_head(client).startswith(b"HTTP/1.1 400 ")


def test_no_handshake(served: Served, path: str) -> None:
    """An ordinary request for the path of a WebSocket."""
    with served.dial() as client:
        client.sendall(b"GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % path.encode())
        assert read_head(client).startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 426 ", b"HTTP/1.1 200 "))


def test_not_there(served: Served) -> None:
    with pytest.raises(InvalidStatus) as refused:
        served.open("/nowhere")
    assert refused.value.response.status_code == 404


def test_client_of_autobahn(served: Served) -> None:
    """The messages are sent whole, in fragments, chopped and frame by frame."""
    if not served.url:
        pytest.skip("Autobahn's client has no way to a UNIX socket by a URL")
    command = [sys.executable, CLIENT, f"{served.url}/autobahn", *([served.authority] if served.authority else [])]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=60, check=True)
    assert ended.stdout.splitlines() == TALK


@pytest.mark.parametrize("way", WAYS)
def test_stop(way: str, path: str, tmp_path: Path) -> None:
    """SIGTERM ends the server, with or without a WebSocket. The protocol is notified before."""
    with WAYS[way](tmp_path) as served, served.open(path) as client:
        client.send("a")
        assert client.recv() == "a"
        assert served.process.stop() == 0
        assert f"lost {path} " in served.process.said
        with pytest.raises(ConnectionClosed):
            client.recv(PATIENCE)
