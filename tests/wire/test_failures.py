"""Failures: each has a response or a log line, and does not affect other requests."""

import json
import signal
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from tests.problems import problem
from tests.processes import Server, ropewalk
from tests.wire.conftest import address_of
from tests.wire.connection import GET, Connection

pytestmark = pytest.mark.slow

TROUBLED = Path(__file__).parent / "troubled.py"


class Trouble:
    """A server, and a second connection on which requests must always be served."""

    def __init__(self, server: Server, stack: ExitStack) -> None:
        self.server = server
        self._stack = stack
        self.bystander = self.connect()

    def connect(self) -> Connection:
        return self._stack.enter_context(Connection(address_of(self.server)))

    def get(self, path: str) -> Connection:
        """Return a new connection on which a path was requested."""
        connection = self.connect()
        connection.send(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        return connection

    def wait_for(self, event: str) -> None:
        """Poll the server until a handler has recorded an event."""
        deadline = time.monotonic() + 10
        while event not in json.loads(self.bystander.ask(b"GET /happened HTTP/1.1\r\nHost: a\r\n\r\n").body):
            assert time.monotonic() < deadline, event

    def log(self) -> str:
        """Check that the server still serves, stop it, and return its log."""
        assert self.bystander.ask(GET).text == "Hello, World!"
        assert self.connect().ask(GET).text == "Hello, World!"
        assert self.server.stop() == 0
        return self.server.errors


@contextmanager
def trouble(*flags: str) -> Iterator[Trouble]:
    with ExitStack() as stack:
        server = stack.enter_context(ropewalk("run", TROUBLED, "--access-log", "off", *flags))
        yield Trouble(server, stack)


class TestHandlersThatFail:
    @pytest.mark.parametrize(
        ("path", "name", "words"),
        [
            ("/raises", "raises", 'raise LookupError("lost the rope")'),
            ("/raises-at-once", "raises_at_once", 'raise LookupError("lost at once")'),
            ("/raises-in-time", "raises_in_time", 'raise LookupError("lost in time")'),
            ("/fails", "fails", "lost later"),
            ("/wrong", "wrong", "RW201"),
        ],
    )
    def test_500_and_a_line_that_names_the_handler(self, path: str, name: str, words: str) -> None:
        with trouble() as it:
            connection = it.get(path)
            response = connection.response()
            assert (response.status, response.field("connection")) == (500, None)
            assert response.text == problem(500)
            assert connection.ask(GET).status == 200
            log = it.log()
        assert words in log
        assert f"{name} at " in log
        assert "troubled.py:" in log

    def test_after_the_head_the_connection_is_cut(self) -> None:
        with trouble() as it:
            connection = it.get("/raises-late")
            received = b""
            while data := received_or_reset(connection):
                received += data
            assert b"the beginning" in received
            assert not received.endswith(b"0\r\n\r\n")
            log = it.log()
        assert "RW208" in log
        assert "lost the end" in log

    def test_one_that_writes_after_the_end(self) -> None:
        with trouble() as it:
            connection = it.get("/late")
            assert connection.response().text == "all"
            log = it.log()
        assert "RW301" in log
        assert "troubled.py" in log

    def test_one_that_sends_less_than_it_said(self) -> None:
        with trouble() as it:
            connection = it.get("/promises")
            with pytest.raises((AssertionError, ConnectionResetError)):
                connection.response()
            log = it.log()
        assert "RW303" in log

    def test_one_that_blocks_is_named(self) -> None:
        with trouble() as it:
            connection = it.get("/blocks")
            assert connection.response().text == "at last"
            log = it.log()
        assert "RW306" in log
        assert "blocks" in log
        assert "s. Await the work, or run it in a thread with deferToThread." in log


class TestClientsThatVanish:
    def test_while_a_deferred_is_waited_for(self) -> None:
        with trouble() as it:
            connection = it.get("/never")
            it.wait_for("never began")
            connection.socket.close()
            it.wait_for("never was cancelled")
            assert "RW208" not in it.log()

    def test_while_a_coroutine_waits(self) -> None:
        with trouble() as it:
            connection = it.get("/never-async")
            it.wait_for("never-async began")
            connection.socket.close()
            it.wait_for("never-async was cancelled")
            assert "RW208" not in it.log()

    def test_by_a_reset(self) -> None:
        with trouble() as it:
            connection = it.get("/never-async")
            it.wait_for("never-async began")
            reset(connection)
            it.wait_for("never-async was cancelled")
            assert "RW" not in it.log()

    def test_within_an_endless_response(self) -> None:
        with trouble() as it:
            connection = it.get("/endless")
            assert connection.socket.recv(100_000)
            reset(connection)
            it.wait_for("endless was closed")
            assert "RW208" not in it.log()

    def test_an_endless_response_waits_for_a_client_that_pauses(self) -> None:
        with trouble() as it:
            connection = it.get("/endless")
            it.wait_for("endless began")
            for _ in range(50):
                assert it.bystander.ask(GET).status == 200
            connection.socket.close()
            it.wait_for("endless was closed")
            it.log()

    def test_within_a_file(self) -> None:
        with trouble() as it:
            connection = it.get("/file")
            assert connection.socket.recv(100_000)
            reset(connection)
            assert "RW" not in it.log()

    def test_within_a_body(self) -> None:
        with trouble() as it:
            connection = it.connect()
            connection.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
            reset(connection)
            assert "RW" not in it.log()

    def test_before_they_say_anything(self) -> None:
        with trouble() as it:
            for _ in range(50):
                reset(it.connect())
            assert "RW" not in it.log()


class TestDrain:
    def test_what_runs_is_finished(self) -> None:
        with trouble() as it:
            connection = it.get("/patient")
            it.wait_for("patient began")
            it.server.process.send_signal(signal.SIGTERM)
            assert it.bystander.end() == b"", "idle connections are closed at once"
            response = connection.response()
            assert (response.text, response.field("connection")) == ("at last", "close")
            assert connection.end() == b""
            it.server.output, it.server.errors = it.server.process.communicate(timeout=20)
            assert it.server.process.returncode == 0
            assert "cut off" not in it.server.errors

    def test_what_never_ends_is_cut_and_counted(self) -> None:
        with trouble("--limit", "drain_timeout=0.3") as it:
            it.get("/never")
            it.get("/never-async")
            it.wait_for("never began")
            it.wait_for("never-async began")
            assert it.server.stop() == 0
        assert "2 requests were cut off at the deadline of the drain" in it.server.errors

    def test_a_second_signal_ends_it_at_once(self) -> None:
        with trouble() as it:
            connection = it.get("/never")
            it.wait_for("never began")
            it.server.process.send_signal(signal.SIGTERM)
            assert it.bystander.end() == b"", "it drains"
            assert it.server.stop() == 0
            with pytest.raises((AssertionError, ConnectionResetError)):
                connection.response()


class TestFilesThatChange:
    def test_one_that_becomes_shorter_cuts_its_response(self) -> None:
        with trouble() as it:
            connection = it.get("/file")
            assert connection.socket.recv(1000)
            assert it.bystander.ask(b"POST /shorten HTTP/1.1\r\nHost: a\r\n\r\n").status == 204
            while received_or_reset(connection):
                pass
            assert "RW307" in it.log()


class TestManyClients:
    def test_they_are_all_served(self) -> None:
        with trouble() as it:
            connections = [it.connect() for _ in range(300)]
            for _ in range(3):
                for connection in connections:
                    connection.send(GET + GET)
                for connection in connections:
                    assert (connection.response().text, connection.response().text) == (
                        "Hello, World!",
                        "Hello, World!",
                    )
            it.log()


class TestFullDescriptors:
    def test_accepting_pauses_says_so_and_recovers(self) -> None:
        command = ("run", "tests.wire.crowded:app", "--access-log", "off", "--limit", "connections=1000")
        with ropewalk(*command, environment={"DESCRIPTORS": "64"}) as server, ExitStack() as stack:
            address = address_of(server)
            clients = [stack.enter_context(Connection(address)) for _ in range(80)]
            first = clients[0]
            assert first.ask(GET).status == 200
            for client in clients:
                client.send(GET)
            waiting = clients[-1]
            waiting.socket.settimeout(0.3)
            with pytest.raises(TimeoutError):
                waiting.response()
            assert first.response().status == 200, "those who are in are served"
            for client in clients[1:-1]:
                client.socket.close()
            waiting.socket.settimeout(20)
            assert waiting.response().status == 200
            assert stack.enter_context(Connection(address)).ask(GET).status == 200
            counters = json.loads(first.ask(b"GET /counters HTTP/1.1\r\nHost: a\r\n\r\n").body)
            assert counters["accept_backoffs"] >= 1
            assert counters["turns"] < 10_000, "it does not spin"
            assert server.stop() == 0
        assert server.errors.count("RW504") == 1


def reset(connection: Connection) -> None:
    """Close with RST."""
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.socket.close()


def received_or_reset(connection: Connection) -> bytes:
    try:
        return connection.socket.recv(100_000)
    except ConnectionResetError:
        return b""
