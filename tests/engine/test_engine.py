"""The engine as a whole: sockets, pipes, time, the end."""

import os
import re
import select
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.engine.world import GET, World

from ropewalk import _engine
from ropewalk.errors import WrongThread


def read_answer(world: World, client: socket.socket) -> bytes:
    """Run turns until the client has something."""
    while True:
        readable, _, _ = select.select([world.engine.fileno(), client.fileno()], [], [], 5)
        assert readable, "nothing happens"
        if world.engine.fileno() in readable:
            world.engine.turn()
        if client.fileno() in readable:
            return client.recv(100_000)


def is_readable(client: socket.socket) -> bool:
    readable, _, _ = select.select([client.fileno()], [], [], 0)
    return bool(readable)


class TestSockets:
    def test_it_listens_on_tcp(self) -> None:
        world = World()
        world.serve(lambda request: f"{request.client[0]} {request.server[1]}")
        listener = world.engine.listen_tcp("127.0.0.1", 0)
        address = world.engine.address(listener)
        assert isinstance(address, tuple)
        with socket.create_connection(address) as client:
            client.sendall(GET)
            assert read_answer(world, client).endswith(f"127.0.0.1 {address[1]}".encode())
        world.engine.stop_listening(listener)
        with pytest.raises(ValueError, match="closed"):
            world.engine.address(listener)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)

    def test_responses_of_a_turn_leave_together(self) -> None:
        world = World()
        listener = world.engine.listen_tcp("127.0.0.1", 0)
        address = world.engine.address(listener)
        assert isinstance(address, tuple)
        with socket.create_connection(address) as first, socket.create_connection(address) as second:
            first.setblocking(False)
            early: list[bool] = []

            def handler(request: Any) -> Any:
                if request.path == "/second":
                    early.append(is_readable(first))
                return request.path

            world.serve(handler)
            # A machine that stops this process for a millisecond makes the first handler a slow one.
            for _ in range(1000):
                first.sendall(b"GET /first HTTP/1.1\r\nHost: a\r\n\r\n")
                second.sendall(b"GET /second HTTP/1.1\r\nHost: a\r\n\r\n")
                assert read_answer(world, second).endswith(b"/second")
                assert read_answer(world, first).endswith(b"/first")
                if False in early:
                    return
        pytest.fail("each response was sent before the next handler ran")

    def test_it_listens_on_a_unix_socket(self, tmp_path: Path) -> None:
        world = World()
        world.serve(lambda request: f"{request.client} {request.server}")
        path = str(tmp_path / "socket")
        listener = world.engine.listen_unix(path, mode=0o600)
        assert (world.engine.address(listener), Path(path).stat().st_mode & 0o777) == (path, 0o600)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
            client.sendall(GET)
            assert read_answer(world, client).endswith(f" {path}".encode())

    def test_it_accepts_on_a_descriptor(self) -> None:
        world = World()
        world.serve(lambda request: "inherited")
        with socket.create_server(("127.0.0.1", 0)) as listening:
            world.engine.listen_descriptor(listening.fileno())
            with socket.create_connection(listening.getsockname()) as client:
                client.sendall(GET)
                assert read_answer(world, client).endswith(b"inherited")

    def test_it_adopts_a_socket_and_what_was_read_from_it(self) -> None:
        world = World()
        world.serve(lambda request: request.path)
        ours, client = socket.socketpair()
        with client:
            with ours:
                world.engine.adopt(ours.fileno(), b"GET /adop")
            client.sendall(b"ted HTTP/1.1\r\nHost: a\r\n\r\n")
            assert read_answer(world, client).endswith(b"/adopted")

    def test_what_cannot_be_listened_on_is_an_os_error(self, tmp_path: Path) -> None:
        engine = World().engine
        (tmp_path / "file").write_text("precious")
        with pytest.raises(OSError, match="socket"):
            engine.listen_unix(str(tmp_path / "file"))
        with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
            engine.listen_tcp(*taken.getsockname())
        with pytest.raises(OSError):  # noqa: PT011 - which one is the system's affair
            engine.adopt(0 if os.isatty(0) else 999)


class TestPipes:
    def test_the_end_of_the_other_side(self) -> None:
        world = World()
        request = world.waiting()
        world.pipe.eof()
        assert request.told == ["gone: the client left"]
        assert world.sink.calls == ["close"]  # it still listens
        world.pipe.feed(GET)
        world.pipe.lost()

    def test_a_refused_message(self) -> None:
        world = World()
        assert world.exchange(b"nonsense\r\n\r\n").startswith(b"HTTP/1.1 400 ")
        assert world.sink.calls == ["end_writing"]
        world.pipe.eof()
        assert world.sink.calls == ["end_writing", "close"]

    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    def test_a_sink_that_fails_ends_nothing_else(self) -> None:
        world = World()
        world.serve(lambda request: "x")
        world.sink.write = None  # type: ignore[assignment, method-assign]
        world.pipe.feed(GET)
        world.open()
        assert world.ask() == b"x"


class TestTime:
    def test_a_deadline_is_wished_for(self) -> None:
        world = World(head_timeout=5)
        world.pipe.feed(b"GET")
        assert 4.5 < world.service.armed[-1] < 5.5
        world.engine.tick()

    def test_a_deadline_that_is_met(self) -> None:
        world = World(head_timeout=0.1)
        world.pipe.feed(b"GET")
        pass_time(world, until=lambda: world.sink.bytes)
        assert world.output().startswith(b"HTTP/1.1 408 ")


class TestEnd:
    def test_a_drain(self) -> None:
        world = World(drain_grace=0.01)
        request = world.waiting()
        busy = world.sink
        world.open()
        world.engine.drain()
        pass_time(world, until=lambda: world.sink.calls)
        assert (world.sink.calls, busy.calls, world.service.cut) == (["close"], [], None)
        request.respond(200, (), b"last")
        world.settle()
        assert (busy.calls, world.service.cut) == (["close"], 0)

    def test_a_drain_that_cuts(self) -> None:
        world = World()
        request = world.waiting()
        world.engine.drain(0)
        world.engine.tick()
        assert (request.told, world.service.cut) == (["gone: the server stopped"], 1)

    def test_closing(self) -> None:
        world = World()
        request = world.waiting()
        assert world.engine.close() == 1
        assert (request.told, world.engine.connections) == (["gone: the server stopped"], 0)
        assert world.engine.close() == 0


class TestReports:
    def test_a_handler_that_holds_up_the_reactor(self) -> None:
        world = World()
        waited = threading.Event()
        world.serve(lambda request: str(waited.wait(0.55)))
        assert world.ask() == b"False"
        assert [(level, code) for level, code, _ in world.service.reports] == [("warn", "RW306")]
        assert "test_engine.py" in world.service.reports[0][2]

    def test_refusals_where_somebody_debugs(self) -> None:
        world = World()
        world.engine.set_debug(True)
        world.exchange(b"nonsense\r\n\r\n")
        assert world.service.reports[0][:2] == ("debug", "RW510")

    def test_the_access_log(self) -> None:
        world = World()
        world.engine.set_access_log("combined")
        world.serve(lambda request: "x")
        world.ask()
        assert b'"GET / HTTP/1.1" 200 1 "-" "-"\n' in world.engine.take_access_log()
        assert world.engine.take_access_log() == b""
        world.engine.set_access_log("json")
        world.ask()
        assert b'"status":200' in world.engine.take_access_log()
        world.engine.set_access_log("timed")
        world.ask()
        assert re.search(rb' 200 1 "-" "-" \d+\.\d{6} \d+\.\d{6}\n$', world.engine.take_access_log())
        world.engine.set_access_log(None)
        world.ask()
        assert world.engine.take_access_log() == b""
        with pytest.raises(ValueError, match="combined"):
            world.engine.set_access_log("fancy")

    def test_the_writer_of_the_log_is_told_when_there_is_much(self) -> None:
        world = World()
        world.engine.set_access_log("combined")
        world.serve(lambda request: "x")
        for _ in range(100):
            world.pipe.feed(GET * 20)
        assert world.service.log_ready >= 1

    def test_lost_lines_are_counted(self) -> None:
        engine = World().engine
        engine.count_lost_log_lines(2)
        writer = threading.Thread(target=engine.count_lost_log_lines, args=(3,))
        writer.start()
        writer.join()
        assert engine.counters()["log_lines_lost"] == 5

    def test_counters(self) -> None:
        world = World()
        world.serve(lambda request: "x")
        world.exchange(GET * 3)
        counters = world.engine.counters()
        assert (counters["requests"], counters["answered"], counters["running"]) == (3, 3, 0)
        assert counters["responses"] == [0, 3, 0, 0, 0]
        assert counters["accepted"] == counters["open"] == 1


class TestThreads:
    def test_another_thread_is_told_off(self) -> None:
        world = World()
        request = world.waiting()
        errors: list[BaseException] = []

        def meddle() -> None:
            for call in (lambda: request.respond(200, (), b""), world.engine.turn, lambda: world.pipe.feed(GET)):
                try:
                    call()
                except WrongThread as error:
                    errors.append(error)

        thread = threading.Thread(target=meddle)
        thread.start()
        thread.join()
        assert len(errors) == 3
        request.respond(200, (), b"here")
        assert world.output().endswith(b"here")


def test_it_is_a_descriptor_that_wakes() -> None:
    _engine.self_test()
    world = World()
    request = world.waiting()
    world.settle()
    request.begin(200, ())
    assert select.select([world.engine], [], [], 0)[0], "what is left to be sent asks for a turn"
    world.engine.turn()
    assert not select.select([world.engine], [], [], 0)[0]


def test_a_version() -> None:
    assert _engine.__version__.count(".") == 2


def pass_time(world: World, *, until: Callable[[], object]) -> None:
    """Let the wishes for a deadline come due."""
    waited = threading.Event()
    while not until():
        waited.wait(world.service.armed[-1])
        world.engine.tick()
