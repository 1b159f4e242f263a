"""The effects of signals on requests, connections, hooks and logs. `tests.stops` has the load and its servers."""

import asyncio
import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from subprocess import PIPE, Popen, TimeoutExpired
from typing import IO

import pytest
from tests.processes import ROOT, Server, read_line, ropewalk
from tests.stops.clients import KINDS
from tests.stops.generations import SERVICE, Outcome, abandon, abandon_site, replace
from tests.wire.conftest import address_of
from tests.wire.connection import GET, Connection, ReceivedResponse

pytestmark = pytest.mark.slow

CROWDED = ROOT / "tests" / "wire" / "crowded.py"

SECONDS = 30
"""The timeout of a test."""

PATIENT = "--limit", "drain_grace=10"
"""A busy machine can make a client slower than the default allows."""


class TestUnderLoad:
    def test_servers_that_follow_one_another(self, tmp_path: Path) -> None:
        check(asyncio.run(replace(5, tmp_path, *PATIENT)), stops=5)

    def test_a_server_without_a_successor(self, tmp_path: Path) -> None:
        check(asyncio.run(abandon(tmp_path, *PATIENT)), stops=1)

    @pytest.mark.parametrize("way", ["adopted", "piped"])
    def test_a_site_whose_connections_twisted_accepts(self, way: str) -> None:
        """No request fails during the stop. The clients of this test keep their connections, because Twisted resets new
        connections while it closes its port."""
        stop, tally = asyncio.run(abandon_site(way, [kind for kind in KINDS if kind.kept]))
        assert (tally.failures, tally.declined) == ([], 0)
        assert (stop.code, stop.said) == (0, [])


def check(outcome: Outcome, *, stops: int) -> None:
    """Every request has a response and one log line; every server ended with code 0."""
    assert outcome.tally.failures == []
    assert outcome.tally.declined == 0
    assert outcome.wrong_in_logs() == {}
    assert [stop.in_good_order for stop in outcome.stops] == [True] * stops, outcome.stops
    assert outcome.tally.by_kind.keys() == {kind.name for kind in KINDS}


class TestConnections:
    """After the signal, each open connection gets one more response."""

    @pytest.fixture
    def server(self) -> Iterator[Server]:
        with ropewalk("run", SERVICE, *PATIENT) as server:
            yield server

    @pytest.fixture
    def hasty(self) -> Iterator[Server]:
        with ropewalk("run", SERVICE, "--limit", "drain_grace=0.1") as server:
            yield server

    def test_a_kept_one_is_closed_with_the_next_response(self, server: Server) -> None:
        with Connection(address_of(server)) as connection:
            assert connection.ask(get("/plain/1")).field("connection") is None
            begin_to_stop(server)
            check_last(connection, connection.ask(get("/plain/2")), "2")
        assert ended(server) == 0
        assert server.output.count(" 200 ") == 2

    def test_one_on_which_nothing_was_asked_yet(self, server: Server) -> None:
        with Connection(address_of(server)) as connection:
            begin_to_stop(server)
            check_last(connection, connection.ask(get("/plain/1")), "1")
        assert ended(server) == 0

    def test_requests_that_come_together_all_get_responses(self, server: Server) -> None:
        with Connection(address_of(server)) as connection:
            begin_to_stop(server)
            connection.send(get("/plain/1") + get("/plain/2") + get("/plain/3"))
            assert [connection.response().text for _ in range(2)] == ["1", "2"]
            check_last(connection, connection.response(), "3")
        assert ended(server) == 0

    def test_a_request_of_which_a_part_has_come_has_more_time(self, hasty: Server) -> None:
        with Connection(address_of(hasty)) as silent, Connection(address_of(hasty)) as slow:
            slow.send(get("/plain/1")[:20])
            begin_to_stop(hasty)
            assert silent.end() == b""
            check_last(slow, slow.ask(get("/plain/1")[20:]), "1")
        assert ended(hasty) == 0

    def test_an_upload_is_taken_to_its_end(self, server: Server) -> None:
        with Connection(address_of(server)) as connection:
            connection.send(b"POST /upload/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc")
            begin_to_stop(server)
            check_last(connection, connection.ask(b"def"), "6 1")
        assert ended(server) == 0

    def test_silent_ones_hold_up_nothing_for_long(self, hasty: Server) -> None:
        with Connection(address_of(hasty)) as fresh, Connection(address_of(hasty)) as kept:
            kept.ask(get("/plain/1"))
            begin_to_stop(hasty)
            assert fresh.end() == kept.end() == b""
        assert ended(hasty) == 0
        assert hasty.errors == ""

    def test_none_is_left_in_the_queue(self) -> None:
        """All connections that wait in the kernel's queue when the stop begins get a response. They are more than the
        engine accepts in one iteration of the reactor."""
        with ropewalk("run", SERVICE, "--access-log", "off") as server, ExitStack() as stack:
            address = address_of(server)
            server.process.send_signal(signal.SIGSTOP)
            crowd = [stack.enter_context(Connection(address)) for _ in range(600)]
            for connection in crowd:
                connection.send(get("/plain/1"))
            server.process.send_signal(signal.SIGTERM)
            server.process.send_signal(signal.SIGCONT)
            for connection in crowd:
                assert connection.response().text == "1"
                assert connection.end() == b""
            assert ended(server) == 0


class TestDeadline:
    def test_what_still_runs_is_cut_and_counted(self, tmp_path: Path) -> None:
        (tmp_path / "endless.py").write_text(
            "from asyncio import sleep\nfrom ropewalk import App\napp = App()\n"
            "@app.get('/')\nasync def endless(request):\n"
            "    while True:\n        yield 'data: still here\\n\\n'\n        await sleep(0.01)\n"
        )
        with (
            ropewalk("run", "endless.py", "--limit", "drain_timeout=0.5", cwd=tmp_path) as server,
            ExitStack() as stack,
        ):
            streams = [stack.enter_context(Connection(address_of(server))) for _ in range(3)]
            for stream in streams:
                stream.send(get("/"))
                assert stream.socket.recv(1)
            assert server.stop() == 0
            assert server.errors.count("3 requests were cut off at the deadline of the drain.") == 1
        assert server.output.count('"GET / HTTP/1.1"') == 3
        assert "Traceback" not in server.errors


class TestSignals:
    def test_the_second_one_cuts_what_runs(self, tmp_path: Path) -> None:
        (tmp_path / "patient.py").write_text(
            "from twisted.internet.defer import Deferred\nfrom ropewalk import App\napp = App()\n"
            "@app.get('/')\ndef never(request):\n    return Deferred()\n"
            "@app.on_stop\ndef stopped():\n    print('stopped', flush=True)\n"
        )
        with (
            ropewalk("run", "patient.py", "--access-log", "off", cwd=tmp_path) as server,
            Connection(address_of(server)) as connection,
        ):
            connection.send(get("/"))
            begin_to_stop(server)
            assert server.stop() == 0
        assert server.output == "stopped\n"
        assert "Stopping: 1 request is running, up to 30 s; repeat the signal to stop now." in server.errors
        assert server.errors.count("1 request was cut off before the deadline of the drain.") == 1

    @pytest.mark.parametrize(
        "hangs", ["def hanging():\n    {}\n    return Deferred()", "async def hanging():\n    {}\n    await sleep(60)"]
    )
    def test_the_second_one_lets_go_of_a_stop_hook_that_hangs(self, tmp_path: Path, hangs: str) -> None:
        with hooked(tmp_path, hangs) as server:
            server.process.send_signal(signal.SIGINT)
            assert next_line(server.process.stdout) == "hanging"
            assert server.stop(signal.SIGINT) == 0
        assert server.output == "the first hook\n"
        assert re.search(r"The stop hook hanging at hooked\.py:\d+ was cancelled\.", server.errors)
        assert "Traceback" not in server.errors

    def test_the_second_one_cuts_work_after_responses(self, tmp_path: Path) -> None:
        """A second signal cancels the work that applications do after their responses. Stop hooks are called
        afterwards."""
        (tmp_path / "behind.py").write_text(
            "from asyncio import sleep\nfrom ropewalk import ASGIOptions, App, asgi\napp = App()\n"
            "@app.on_stop\ndef stopped():\n    print('stopped', flush=True)\n"
            "def make():\n"
            "    async def application(scope, receive, send):\n"
            "        await send({'type': 'http.response.start', 'status': 200, 'headers': []})\n"
            "        await send({'type': 'http.response.body', 'body': b'sent'})\n"
            "        try:\n            await sleep(3600)\n"
            "        finally:\n            print('cancelled', flush=True)\n"
            "    return asgi(application, ASGIOptions(lifespan='off'))\n"
            "for name in ('/a', '/b', '/c'):\n    app.mount(name, make())\n"
        )
        limit = ["--limit", "drain_timeout=3600"]
        with ropewalk("run", "behind.py", "--access-log", "off", *limit, cwd=tmp_path) as server:
            for path in ("/a", "/b", "/c"):
                with Connection(address_of(server)) as connection:
                    assert connection.ask(get(path)).body == b"sent"
            begin_to_stop(server)
            while "still runs after its response." not in next_line(server.process.stderr):
                pass
            assert server.stop() == 0
        assert server.output == "cancelled\n" * 3 + "stopped\n"
        assert server.errors.count("RW716 Cancelled 1 call") == 3

    def test_a_third_one_kills_where_a_stop_hook_blocks(self, tmp_path: Path) -> None:
        with hooked(tmp_path, "def hanging():\n    {}\n    time.sleep(60)") as server:
            server.process.send_signal(signal.SIGTERM)
            assert next_line(server.process.stdout) == "hanging"
            deadline = time.monotonic() + SECONDS
            while server.process.poll() is None:
                assert time.monotonic() < deadline
                server.process.send_signal(signal.SIGTERM)
                with suppress(TimeoutExpired):
                    server.process.wait(0.05)
            assert server.process.returncode == -signal.SIGTERM

    def test_one_where_the_app_has_stopped_the_reactor_already(self, tmp_path: Path) -> None:
        quits = "@app.get('/')\ndef quits(request):\n    from twisted.internet import reactor\n    reactor.stop()\n"
        with hooked(tmp_path, f"def hanging():\n    {{}}\n    return Deferred()\n{quits}") as server:
            with Connection(address_of(server)) as connection:
                assert connection.ask(get("/")).status == 204
            assert next_line(server.process.stdout) == "hanging"
            assert server.stop() == 0
        assert "Traceback" not in server.errors

    def test_while_the_target_is_imported(self, tmp_path: Path) -> None:
        (tmp_path / "slow.py").write_text("import time\nprint('importing', flush=True)\ntime.sleep(60)\n")
        for number, code in (signal.SIGTERM, -signal.SIGTERM), (signal.SIGINT, 130):
            assert interrupted(["-m", "ropewalk", "run", "slow.py"], number, tmp_path) == (code, "")

    @pytest.mark.parametrize("command", [["-m", "ropewalk"], [str(Path(sys.executable).with_name("ropewalk"))]])
    def test_while_the_command_imports_its_own_modules(self, command: list[str], tmp_path: Path) -> None:
        (tmp_path / "sitecustomize.py").write_text(BLOCKING_IMPORT)
        assert interrupted(command, signal.SIGINT, tmp_path) == (-signal.SIGINT, "")

    def test_while_a_program_imports_the_package(self, tmp_path: Path) -> None:
        """If SIGINT arrives while a program imports Ropewalk, the program can catch the KeyboardInterrupt, as from any
        other import."""
        (tmp_path / "sitecustomize.py").write_text(BLOCKING_IMPORT)
        (tmp_path / "program.py").write_text("try:\n    import ropewalk\nexcept KeyboardInterrupt:\n    exit(3)\n")
        assert interrupted(["program.py"], signal.SIGINT, tmp_path) == (3, "")

    def test_a_stop_hook_that_fails_keeps_no_other(self, tmp_path: Path) -> None:
        with hooked(tmp_path, "def hanging():\n    {}\n    raise LookupError('no rope')") as server:
            assert server.stop() == 0
        assert server.output == "hanging\nthe first hook\n"
        assert server.errors.count("RW208") == 1
        assert "LookupError: no rope" in server.errors


class TestDescriptors:
    def test_who_waits_for_one_is_served_when_others_leave(self) -> None:
        """If the stop begins while the engine has no free descriptors, the connections that wait for one are accepted
        and served when other clients leave."""
        crowded = ropewalk(
            *("run", CROWDED, "--access-log", "off", "--limit", "connections=1000", "--limit", "drain_timeout=10"),
            environment={"DESCRIPTORS": "64"},
        )
        with crowded as server, ExitStack() as stack:
            crowd = [stack.enter_context(Connection(address_of(server))) for _ in range(100)]
            assert "RW504" in next_line(server.process.stderr)
            server.process.send_signal(signal.SIGTERM)
            for connection in crowd:
                connection.send(GET)
            for connection in crowd:
                assert connection.response().status == 200
                assert connection.end() == b""
            assert ended(server) == 0
        assert "Traceback" not in server.errors


BLOCKING_IMPORT = """
import sys, time

class Blocking:
    def find_spec(self, name, path=None, target=None):
        if name == "ropewalk.app":
            print("importing", flush=True)
            time.sleep(60)

sys.meta_path.insert(0, Blocking())
"""
"""Blocks the import of a module of the package."""


def interrupted(arguments: list[str], number: int, folder: Path) -> tuple[int, str]:
    """Start Python, send a signal when it prints `importing`, and return the exit code and the standard error."""
    environment = os.environ | {"PYTHONPATH": str(folder)}
    command = [sys.executable, *arguments]
    with Popen(command, cwd=folder, env=environment, stdout=PIPE, stderr=PIPE, text=True) as process:
        try:
            assert read_line(process.stdout) == "importing\n"
            process.send_signal(number)
            errors = process.communicate(timeout=SECONDS)[1]
        finally:
            process.kill()
    return process.returncode, errors


@contextmanager
def hooked(folder: Path, hook: str) -> Iterator[Server]:
    """A server with two stop hooks. `hook` is the code of the hook that is called first."""
    (folder / "hooked.py").write_text(
        "import time\nfrom asyncio import sleep\nfrom twisted.internet.defer import Deferred\n"
        "from ropewalk import App\napp = App()\n@app.on_stop\ndef first():\n    print('the first hook', flush=True)\n"
        "@app.on_stop\n" + hook.format("print('hanging', flush=True)") + "\n"
    )
    with ropewalk("run", "hooked.py", "--access-log", "off", cwd=folder) as server:
        yield server


def next_line(stream: IO[str] | None) -> str:
    while line := read_line(stream):
        if line.strip():
            return line.strip()
    raise AssertionError("nothing more was said")


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()


def begin_to_stop(server: Server) -> None:
    """Send SIGTERM, and wait until connections are refused."""
    server.process.send_signal(signal.SIGTERM)
    listening = f":{address_of(server)[1]:04X} 00000000:0000 0A "
    deadline = time.monotonic() + SECONDS
    while listening in Path("/proc/net/tcp").read_text():
        assert time.monotonic() < deadline, "the server still listens"


def ended(server: Server) -> int:
    """The exit code of a server after SIGTERM."""
    server.output, server.errors = server.process.communicate(timeout=SECONDS)
    return server.process.returncode


def check_last(connection: Connection, response: ReceivedResponse, text: str) -> None:
    """Check that this is the expected response, and the last one on its connection."""
    assert (response.status, response.text, response.field("connection")) == (200, text, "close")
    assert connection.end() == b""
