"""The mailbox server, used as by its clients: over TCP, TLS, a UNIX socket and through a proxy."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from interop.raw import masked, read_frame, read_head
from interop.wormhole.servers import Mailbox, faults, mailbox
from websockets.exceptions import ConnectionClosed

numbers = count()


@pytest.fixture(scope="module", params=["started", "endpoint"])
def by_endpoint(request: pytest.FixtureRequest) -> bool:
    """With the second parameter, only the server's endpoint selects Ropewalk."""
    return bool(request.param == "endpoint")


@pytest.fixture(scope="module", params=["tcp", "tls", "unix", "proxied"])
def server(
    request: pytest.FixtureRequest, by_endpoint: bool, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mailbox]:
    with mailbox(request.param, tmp_path_factory.mktemp("mailbox"), by_endpoint=by_endpoint) as server:
        yield server
    found = faults(server.process.said)
    assert not found, "\n\n".join(found)


class Client:
    """One side of a mailbox."""

    def __init__(self, server: Mailbox, side: str, appid: str) -> None:
        self.talker = server.websocket()
        self.welcome = self.expect("welcome")["welcome"]
        self.tell("bind", appid=appid, side=side)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.talker.close()

    def tell(self, kind: str, **fields: Any) -> None:
        """Send a command, and wait until the server has read it."""
        self.talker.send(json.dumps({"type": kind, "id": kind, **fields}))
        assert self.expect("ack")["id"] == kind

    def expect(self, kind: str) -> dict[str, Any]:
        """Return the next message, which must be of this kind."""
        message: dict[str, Any] = json.loads(self.talker.recv())
        assert message["type"] == kind, message
        return message

    def ask(self, kind: str, reply: str, **fields: Any) -> dict[str, Any]:
        self.tell(kind, **fields)
        return self.expect(reply)

    def add(self, phase: str, body: str) -> None:
        """Add a message to the open mailbox. The server also sends it to this side."""
        self.tell("add", phase=phase, body=body)
        assert self.message(phase) == body

    def message(self, phase: str) -> Any:
        """The body of the next message in the open mailbox."""
        message = self.expect("message")
        assert message["phase"] == phase
        return message["body"]


@pytest.fixture
def appid() -> str:
    """Two sides of an application that no other test uses.

    Its mailbox has the same name, because all mailboxes are in one table.
    """
    return f"example.com/{next(numbers)}"


@pytest.fixture
def one(server: Mailbox, appid: str) -> Iterator[Client]:
    with Client(server, "one", appid) as one:
        yield one


@pytest.fixture
def other(server: Mailbox, appid: str) -> Iterator[Client]:
    with Client(server, "other", appid) as other:
        yield other


def test_page(server: Mailbox) -> None:
    with closing(server.http()) as client:
        for method, body in (("GET", b"Wormhole Relay\n"), ("HEAD", b"")):
            client.request(method, "/")
            response = client.getresponse()
            assert (response.status, response.headers["Content-Length"]) == (200, "15")
            assert response.headers["Content-Type"] == "text/plain"
            assert response.read() == body


@pytest.mark.parametrize(("path", "status"), [("/v2", 404), ("/v1", 200)])
def test_page_that_is_not_its(server: Mailbox, path: str, status: int) -> None:
    """At `/v1`, Autobahn has a page for requests without a WebSocket."""
    with closing(server.http()) as client:
        client.request("GET", path)
        response = client.getresponse()
        assert response.status == status
        assert response.read()


def test_meeting(one: Client, other: Client) -> None:
    """Two sides meet by a nameplate that one of them has allocated."""
    nameplate = one.ask("allocate", "allocated")["nameplate"]
    assert other.ask("list", "nameplates")["nameplates"] == [{"id": nameplate}]
    places = {side.ask("claim", "claimed", nameplate=nameplate)["mailbox"] for side in (one, other)}
    (place,) = places
    for side in (one, other):
        side.tell("open", mailbox=place)
    one.add("pake", "00ff")
    assert other.message("pake") == "00ff"
    other.add("version", "aabb")
    assert one.message("version") == "aabb"
    for side in (one, other):
        side.ask("release", "released")
        side.ask("close", "closed", mood="happy")
    assert one.ask("list", "nameplates")["nameplates"] == []


@pytest.mark.parametrize("size", [1, 125, 65_536, 2_000_000])
def test_sizes(one: Client, other: Client, appid: str, size: int) -> None:
    for side in (one, other):
        side.tell("open", mailbox=appid)
    one.add("big", "ab" * size)
    assert other.message("big") == "ab" * size


def test_messages_from_before(server: Mailbox, one: Client, appid: str) -> None:
    """A client that opens a mailbox later gets its messages in order."""
    one.tell("open", mailbox=appid)
    for number in range(200):
        one.add(str(number), f"{number:04}")
    with Client(server, "other", appid) as other:
        other.tell("open", mailbox=appid)
        assert [other.message(str(number)) for number in range(200)] == [f"{number:04}" for number in range(200)]


def test_client_that_comes_back(server: Mailbox, one: Client, appid: str) -> None:
    """One connection has ended, and the mailbox still exists."""
    one.tell("open", mailbox=appid)
    one.add("first", "01")
    one.talker.socket.transport.abort()
    with Client(server, "one", appid) as again:
        again.tell("open", mailbox=appid)
        assert again.message("first") == "01"
        again.add("second", "02")


def test_crowd(server: Mailbox, one: Client, other: Client, appid: str) -> None:
    """A mailbox accepts two sides only."""
    for side in (one, other):
        side.tell("open", mailbox=appid)
    with Client(server, "third", appid) as third:
        assert third.ask("open", "error", mailbox=appid)["error"] == "crowded"


def test_errors(server: Mailbox, one: Client) -> None:
    assert one.ask("bind", "error", appid="a", side="b")["error"] == "already bound"
    assert one.ask("no such thing", "error")["error"] == "unknown type"
    assert one.ask("ping", "pong", ping=7)["pong"] == 7
    with server.websocket() as talker:
        talker.recv()
        talker.send(json.dumps({"type": "list"}))
        assert [json.loads(talker.recv())["type"] for _ in range(2)] == ["ack", "error"]


def test_many(server: Mailbox, appid: str) -> None:
    with ExitStack() as stack:
        pairs = [[stack.enter_context(Client(server, side, appid)) for side in "ab"] for _ in range(40)]
        for number, pair in enumerate(pairs):
            for client in pair:
                client.tell("open", mailbox=f"{appid}/{number}")
        for number, (one, _) in enumerate(pairs):
            one.add("only", f"{number:04}")
        assert [other.message("only") for _, other in pairs] == [f"{number:04}" for number in range(40)]


def test_in_a_hurry(server: Mailbox) -> None:
    """A frame directly after the handshake, in one segment with it."""
    with server.dial() as client:
        client.sendall(server.handshake + masked(b"there?", 9))
        assert read_head(client).startswith(b"HTTP/1.1 101 ")
        opcodes = {read_frame(client)[0] for _ in range(2)}
        assert opcodes == {1, 10}


def test_after_requests(server: Mailbox) -> None:
    """The connection has had ordinary requests before."""
    with server.dial() as client:
        for _ in range(3):
            client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert read_head(client).startswith(b"HTTP/1.1 200 ")
            assert client.recv(100) == b"Wormhole Relay\n"
        client.sendall(server.handshake)
        assert read_head(client).startswith(b"HTTP/1.1 101 ")
        assert read_frame(client)[0] == 1


class TestStop:
    @pytest.fixture
    def stopping(self, by_endpoint: bool, tmp_path: Path) -> Iterator[Mailbox]:
        with mailbox("tcp", tmp_path, by_endpoint=by_endpoint) as server:
            yield server

    def test_with_clients(self, stopping: Mailbox) -> None:
        """SIGTERM ends the server, with one idle WebSocket open and one that has a mailbox."""
        with stopping.websocket() as idle, Client(stopping, "one", "example.com") as client:
            client.tell("open", mailbox="a place")
            client.add("first", "01")
            stopping.process.stop()
            idle.recv()
            with pytest.raises(ConnectionClosed):
                idle.recv()
        with pytest.raises(ConnectionRefusedError):
            stopping.dial()

    def test_mailbox_outlives_it(self, by_endpoint: bool, tmp_path: Path) -> None:
        """The messages are in its database."""
        with mailbox("tcp", tmp_path, by_endpoint=by_endpoint) as server, Client(server, "one", "a") as one:
            one.tell("open", mailbox="a place")
            one.add("first", "01")
        with mailbox("tcp", tmp_path, by_endpoint=by_endpoint) as server, Client(server, "one", "a") as one:
            one.tell("open", mailbox="a place")
            assert one.message("first") == "01"
