"""The engine as a whole: sockets, pipes, deadlines, drain and close."""

import os
import re
import select
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.engine.harness import GET, NEVER_OPEN, Harness

from ropewalk import _engine
from ropewalk.errors import WrongThread


def read_response(harness: Harness, client: socket.socket) -> bytes:
    """Run turns until the client has received something."""
    while True:
        readable, _, _ = select.select([harness.engine.fileno(), client.fileno()], [], [], 5)
        assert readable, "nothing happens"
        if harness.engine.fileno() in readable:
            harness.engine.turn()
        if client.fileno() in readable:
            return client.recv(100_000)


def is_readable(client: socket.socket) -> bool:
    readable, _, _ = select.select([client.fileno()], [], [], 0)
    return bool(readable)


class TestSockets:
    def test_listening_on_tcp(self) -> None:
        harness = Harness()
        harness.serve(lambda request: f"{request.client[0]} {request.server[1]}")
        listener = harness.engine.listen_tcp("127.0.0.1", 0)
        address = harness.engine.address(listener)
        assert isinstance(address, tuple)
        with socket.create_connection(address) as client:
            client.sendall(GET)
            assert read_response(harness, client).endswith(f"127.0.0.1 {address[1]}".encode())
        harness.engine.stop_listening(listener)
        with pytest.raises(ValueError, match="closed"):
            harness.engine.address(listener)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)

    def test_responses_of_a_turn_leave_together(self) -> None:
        harness = Harness()
        listener = harness.engine.listen_tcp("127.0.0.1", 0)
        address = harness.engine.address(listener)
        assert isinstance(address, tuple)
        with socket.create_connection(address) as first, socket.create_connection(address) as second:
            first.setblocking(False)
            early: list[bool] = []

            def handler(request: Any) -> Any:
                if request.path == "/second":
                    early.append(is_readable(first))
                return request.path

            harness.serve(handler)
            # If the machine stops this process for a millisecond, the engine regards the handler as slow. For the next
            # 100 ms, it then sends each response at once.
            end = time.monotonic() + 30
            while time.monotonic() < end:
                first.sendall(b"GET /first HTTP/1.1\r\nHost: a\r\n\r\n")
                second.sendall(b"GET /second HTTP/1.1\r\nHost: a\r\n\r\n")
                assert read_response(harness, second).endswith(b"/second")
                assert read_response(harness, first).endswith(b"/first")
                if False in early:
                    return
        pytest.fail("each response was sent before the next handler ran")

    def test_listening_on_a_unix_socket(self, tmp_path: Path) -> None:
        harness = Harness()
        harness.serve(lambda request: f"{request.client} {request.server}")
        path = str(tmp_path / "socket")
        listener = harness.engine.listen_unix(path, mode=0o600)
        assert (harness.engine.address(listener), Path(path).stat().st_mode & 0o777) == (path, 0o600)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
            client.sendall(GET)
            assert read_response(harness, client).endswith(f" {path}".encode())

    def test_listening_on_a_descriptor(self) -> None:
        harness = Harness()
        harness.serve(lambda request: "inherited")
        with socket.create_server(("127.0.0.1", 0)) as listening:
            harness.engine.listen_descriptor(listening.fileno())
            with socket.create_connection(listening.getsockname()) as client:
                client.sendall(GET)
                assert read_response(harness, client).endswith(b"inherited")

    def test_adopting_a_socket_and_what_was_read_from_it(self) -> None:
        harness = Harness()
        harness.serve(lambda request: request.path)
        ours, client = socket.socketpair()
        with client:
            with ours:
                harness.engine.adopt(ours.fileno(), b"GET /adop")
            client.sendall(b"ted HTTP/1.1\r\nHost: a\r\n\r\n")
            assert read_response(harness, client).endswith(b"/adopted")

    def test_a_socket_that_cannot_be_opened_raises_os_error(self, tmp_path: Path) -> None:
        engine = Harness().engine
        (tmp_path / "file").write_text("precious")
        with pytest.raises(OSError, match="socket"):
            engine.listen_unix(str(tmp_path / "file"))
        with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
            engine.listen_tcp(*taken.getsockname())
        with pytest.raises(OSError):  # noqa: PT011 - the message of this error depends on the system
            engine.adopt(0 if os.isatty(0) else NEVER_OPEN)


class TestPipes:
    def test_the_client_leaves(self) -> None:
        harness = Harness()
        request = harness.waiting()
        harness.pipe.eof()
        assert request.calls == ["gone: the client left"]
        assert harness.sink.calls == ["close"]  # the engine still listens
        harness.pipe.feed(GET)
        harness.pipe.lost()

    def test_a_refused_request(self) -> None:
        harness = Harness()
        assert harness.exchange(b"nonsense\r\n\r\n").startswith(b"HTTP/1.1 400 ")
        assert harness.sink.calls == ["end_writing"]
        harness.pipe.eof()
        assert harness.sink.calls == ["end_writing", "close"]

    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    def test_a_sink_that_raises_affects_nothing_else(self) -> None:
        harness = Harness()
        harness.serve(lambda request: "x")
        harness.sink.write = None  # type: ignore[assignment, method-assign]
        harness.pipe.feed(GET)
        harness.open()
        assert harness.body_of() == b"x"


class TestTime:
    def test_a_deadline_arms_the_service(self) -> None:
        harness = Harness(head_timeout=60)
        harness.pipe.feed(b"GET")
        assert 50 < harness.service.armed[-1] < 61
        harness.engine.tick()

    def test_a_deadline_that_passes(self) -> None:
        harness = Harness(head_timeout=0.1)
        harness.pipe.feed(b"GET")
        pass_time(harness, until=lambda: harness.sink.bytes)
        assert harness.output().startswith(b"HTTP/1.1 408 ")


class TestEnd:
    def test_a_drain(self) -> None:
        harness = Harness(drain_grace=0.01)
        request = harness.waiting()
        busy = harness.sink
        harness.open()
        harness.engine.drain()
        pass_time(harness, until=lambda: harness.sink.calls)
        assert (harness.sink.calls, busy.calls, harness.service.cut) == (["close"], [], None)
        request.respond(200, (), b"last")
        harness.run_turns()
        assert (busy.calls, harness.service.cut) == (["close"], 0)

    def test_a_drain_that_aborts_exchanges(self) -> None:
        harness = Harness()
        request = harness.waiting()
        harness.engine.drain(0)
        harness.engine.tick()
        assert (request.calls, harness.service.cut) == (["gone: the server stopped"], 1)

    def test_closing(self) -> None:
        harness = Harness()
        request = harness.waiting()
        assert harness.engine.close() == 1
        assert (request.calls, harness.engine.connections) == (["gone: the server stopped"], 0)
        assert harness.engine.close() == 0

    def test_closing_serves_more_than_a_turn_does(self) -> None:
        """`close` handles all waiting events, because the reactor no longer watches the engine: no later turn runs."""
        harness = Harness(turn_events=1)
        requests = [harness.waiting()]
        for _ in range(3):
            harness.open()
            requests.append(harness.waiting())
        assert harness.engine.close() == 4
        assert [request.calls for request in requests] == [["gone: the server stopped"]] * 4

    def test_closing_within_a_turn(self) -> None:
        harness = Harness(turn_events=1)
        requests = [harness.waiting()]
        for _ in range(3):
            harness.open()
            requests.append(harness.waiting())
        harness.serve(lambda request: harness.engine.close())
        harness.open()
        harness.pipe.feed(GET)
        assert [request.calls for request in requests] == [["gone: the server stopped"]] * 4
        assert harness.engine.connections == 0

    def test_closing_while_one_pipe_is_served(self) -> None:
        harness = Harness()
        request = harness.waiting()
        harness.open()
        last = harness.waiting()
        last.on_gone = lambda reason: harness.engine.close()  # type: ignore[assignment, method-assign]
        harness.pipe.disconnect()
        assert request.calls == ["gone: the server stopped"]


class TestReports:
    def test_a_handler_that_blocks_the_reactor(self) -> None:
        harness = Harness()
        waited = threading.Event()
        harness.serve(lambda request: str(waited.wait(0.55)))
        assert harness.body_of() == b"False"
        assert harness.service.reports == []
        assert [level for level, message in harness.service.blocked if "test_engine.py" in message] == ["warn"]

    def test_refusals_in_debug_mode(self) -> None:
        harness = Harness()
        harness.engine.set_debug(True)
        harness.exchange(b"nonsense\r\n\r\n")
        assert harness.service.reports[0][:2] == ("debug", "RW510")

    def test_the_access_log(self) -> None:
        harness = Harness()
        harness.engine.set_access_log("combined")
        harness.serve(lambda request: "x")
        harness.body_of()
        assert b'"GET / HTTP/1.1" 200 1 "-" "-"\n' in harness.engine.take_access_log()
        assert harness.engine.take_access_log() == b""
        harness.engine.set_access_log("json")
        harness.body_of()
        assert b'"status":200' in harness.engine.take_access_log()
        harness.engine.set_access_log("timed")
        harness.body_of()
        assert re.search(rb' 200 1 "-" "-" \d+\.\d{6} \d+\.\d{6}\n$', harness.engine.take_access_log())
        harness.engine.set_access_log(None)
        harness.body_of()
        assert harness.engine.take_access_log() == b""
        with pytest.raises(ValueError, match="combined"):
            harness.engine.set_access_log("fancy")

    def test_the_service_is_called_when_much_of_the_log_waits(self) -> None:
        harness = Harness()
        harness.engine.set_access_log("combined")
        harness.serve(lambda request: "x")
        for _ in range(100):
            harness.pipe.feed(GET * 20)
        assert harness.service.log_ready >= 1

    def test_lost_lines_are_counted(self) -> None:
        engine = Harness().engine
        engine.count_lost_log_lines(2)
        writer = threading.Thread(target=engine.count_lost_log_lines, args=(3,))
        writer.start()
        writer.join()
        assert engine.counters()["log_lines_lost"] == 5

    def test_counters(self) -> None:
        harness = Harness()
        harness.serve(lambda request: "x")
        harness.exchange(GET * 3)
        counters = harness.engine.counters()
        assert (counters["requests"], counters["answered"], counters["running"]) == (3, 3, 0)
        assert counters["responses"] == [0, 3, 0, 0, 0]
        assert counters["accepted"] == counters["open"] == 1


class TestThreads:
    def test_another_thread_is_refused(self) -> None:
        harness = Harness()
        request = harness.waiting()
        errors: list[BaseException] = []

        def meddle() -> None:
            for call in (lambda: request.respond(200, (), b""), harness.engine.turn, lambda: harness.pipe.feed(GET)):
                try:
                    call()
                except WrongThread as error:
                    errors.append(error)

        thread = threading.Thread(target=meddle)
        thread.start()
        thread.join()
        assert len(errors) == 3
        request.respond(200, (), b"here")
        assert harness.output().endswith(b"here")


def test_the_self_test() -> None:
    _engine.self_test()
    harness = Harness()
    request = harness.waiting()
    harness.run_turns()
    request.begin(200, ())
    assert select.select([harness.engine], [], [], 0)[0], "what is left to be sent asks for a turn"
    harness.engine.turn()
    assert not select.select([harness.engine], [], [], 0)[0]


def test_the_version() -> None:
    assert _engine.__version__.count(".") == 2


def pass_time(harness: Harness, *, until: Callable[[], object]) -> None:
    """Call `tick` as a reactor does when the armed time has passed."""
    waited = threading.Event()
    while not until():
        waited.wait(harness.service.armed[-1])
        harness.engine.tick()
