"""Two processes of `wormhole`: one sends, the other receives, through the servers or directly."""

import hashlib
import re
import socket
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from interop.autobahn.talking import Talker, talkers
from interop.processes import started
from interop.raw import read
from interop.wormhole.servers import HOST, Mailbox, Relay, faults, mailbox, relay, wormhole
from websockets.asyncio.client import connect

BIG = b"".join(hashlib.sha256(str(number).encode()).digest() for number in range(5_000_000 // 32))

numbers = count(100)


@pytest.fixture(scope="module", params=["started", "endpoint"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mailbox]:
    by_endpoint = request.param == "endpoint"
    with mailbox("tcp", tmp_path_factory.mktemp("mailbox"), by_endpoint=by_endpoint) as server:
        yield server
    found = faults(server.process.said)
    assert not found, "\n\n".join(found)


@pytest.fixture(scope="module")
def helper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    with relay(tmp_path_factory.mktemp("relay")) as helper:
        yield helper
    found = faults(helper.process.said)
    assert not found, "\n\n".join(found)


@pytest.fixture
def transfer(server: Mailbox, helper: Relay, tmp_path: Path) -> Callable[..., tuple[str, str]]:
    """Run a sender and a receiver with these options. Returns the output of both."""
    for side in ("from", "to"):
        (tmp_path / side).mkdir()

    def run(sending: tuple[str, ...], receiving: tuple[str, ...] = ()) -> tuple[str, str]:
        code = f"{next(numbers)}-rope-walk"
        send = wormhole(server, helper, "send", "--no-qr", "--hide-progress", "--code", code, *sending)
        receive = wormhole(server, helper, "receive", "--accept-file", "--hide-progress", *receiving, code)
        with started(*send, cwd=tmp_path / "from") as sender, started(*receive, cwd=tmp_path / "to") as receiver:
            codes = [process.popen.wait(40) for process in (receiver, sender)]
            said = [process.said for process in (sender, receiver) if process.stop() is not None]
        assert codes == [0, 0], said
        return said[0], said[1]

    return run


def test_text(transfer: Any) -> None:
    sent, received = transfer(("--text", "a rope of ä and ö"))
    assert "text message sent" in sent
    assert received == "a rope of ä and ö\n"


def test_long_text(transfer: Any) -> None:
    text = "rope " * 20_000
    assert transfer(("--text", text))[1] == f"{text}\n"


@pytest.mark.parametrize("through", ["directly", "by the relay"])
def test_file(transfer: Any, tmp_path: Path, through: str) -> None:
    """Without a listening port, the two processes can only meet at the transit relay."""
    (tmp_path / "from" / "big.bin").write_bytes(BIG)
    options = () if through == "directly" else ("--no-listen",)
    sent, received = transfer((*options, "big.bin"), options)
    assert ("->relay:" in received) == (through != "directly")
    assert "Transfer complete" in sent
    assert (tmp_path / "to" / "big.bin").read_bytes() == BIG


def test_folder(transfer: Any, tmp_path: Path) -> None:
    for number in range(20):
        file = tmp_path / "from" / "folder" / str(number % 3) / f"{number}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(str(number) * 1000)
    transfer(("folder",))
    received = {file.name: file.read_text() for file in (tmp_path / "to" / "folder").glob("*/*.txt")}
    assert received == {f"{number}.txt": str(number) * 1000 for number in range(20)}


def test_wrong_code(server: Mailbox, helper: Relay, tmp_path: Path) -> None:
    """Both sides report that their codes differ."""
    send = wormhole(server, helper, "send", "--no-qr", "--code", "99-rope-walk", "--text", "a secret")
    receive = wormhole(server, helper, "receive", "99-rope-run")
    with started(*send, cwd=tmp_path) as sender, started(*receive, cwd=tmp_path) as receiver:
        assert [process.popen.wait(40) for process in (receiver, sender)] == [1, 1]
        receiver.stop()
        sender.stop()
    assert re.search("confirmation failed", sender.said)
    assert "a secret" not in receiver.said


class TestRelay:
    """The transit relay connects two clients with the same token, without the command `wormhole`."""

    @pytest.fixture
    def token(self) -> str:
        return f"{next(numbers):064x}"

    def line(self, token: str, side: str) -> bytes:
        return f"please relay {token} for side {side * 16}\n".encode()

    def test_tcp(self, helper: Relay, token: str) -> None:
        one, other = (socket.create_connection((HOST, helper.port), timeout=10) for _ in range(2))
        with one, other:
            for side, client in (("a", one), ("b", other)):
                client.sendall(self.line(token, side))
            for client in (one, other):
                assert read(client, 3) == b"ok\n"
            self.exchange(one.sendall, other, BIG[:1_000_000])

    def exchange(self, send: Callable[[bytes], None], client: socket.socket, data: bytes) -> None:
        for start in range(0, len(data), 50_000):
            piece = data[start : start + 50_000]
            send(piece)
            assert read(client, len(piece)) == piece

    @pytest.fixture
    def websockets(self, helper: Relay) -> Iterator[Callable[[], Talker]]:
        with talkers() as talker:
            url = f"ws://{HOST}:{helper.websocket_port}/"
            yield lambda: talker(lambda: connect(url, max_size=None, close_timeout=1))

    def test_websocket(self, websockets: Callable[[], Talker], token: str) -> None:
        with websockets() as one, websockets() as other:
            for side, client in (("a", one), ("b", other)):
                client.send(self.line(token, side))
            for client in (one, other):
                assert client.recv() == b"ok\n"
            for start in range(0, len(BIG), 100_000):
                one.send(BIG[start : start + 100_000])
            received = b""
            while len(received) < len(BIG):
                received += other.recv()
            assert received == BIG

    def test_websocket_and_tcp(self, helper: Relay, websockets: Callable[[], Talker], token: str) -> None:
        with websockets() as one, socket.create_connection((HOST, helper.port), timeout=10) as other:
            one.send(self.line(token, "a"))
            other.sendall(self.line(token, "b"))
            assert one.recv() == b"ok\n"
            assert read(other, 3) == b"ok\n"
            self.exchange(one.send, other, BIG[:1_000_000])
            other.sendall(b"back")
            assert one.recv() == b"back"
