"""Logs of a real process: stalled readers, full disks, rotated files, and signals."""

import fcntl
import os
import re
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import IO, Any

import pytest
from tests.cli.standalone import BY_RUN, QUIET, Standalone, standalone
from tests.processes import SECONDS_TO_STOP, Server, ropewalk

pytestmark = pytest.mark.slow

APP = """
import os
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from ropewalk import App

app = App()
log = Logger()
held = []

@app.get("/{name}")
def get(request, name: str):
    log.info("x" * 1000)
    return f"by {os.getpid()}"

@app.get("/")
def root(request):
    return "here"

@app.get("/hold/")
async def hold(request):
    held.append(Deferred())
    await held[-1]
    return "held"

@app.get("/release/")
def release(request):
    held.pop().callback(None)
    return "released"
"""

RUN = (*QUIET, "run", "served.py", "--listen", "{listen}")
PROGRAM = (sys.executable, "-W", "error", "by_run.py", "{listen}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "served.py").write_text(APP)
    (tmp_path / "by_run.py").write_text(BY_RUN.format(module="served"))
    return tmp_path


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe with the smallest buffer."""
    ours, theirs = os.pipe()
    fcntl.fcntl(theirs, fcntl.F_SETPIPE_SZ, 4096)
    yield ours, theirs
    os.close(ours)
    os.close(theirs)


def fill(pipe: int) -> None:
    os.write(pipe, b"x" * 4096)


def read_until(stream: IO[Any], text: str) -> str:
    """Return the log line that contains a text."""
    for line in stream:
        shown = line.decode() if isinstance(line, bytes) else line
        if text in shown:
            return str(shown)
    raise AssertionError(f"There was no line with {text!r}.")


class TestStalls:
    """A standard stream is not read. The server continues to serve, and stops within a time limit."""

    @pytest.mark.parametrize("command", [RUN, PROGRAM, (*RUN, "--log-format", "json")], ids=["run", "App.run", "JSON"])
    def test_the_standard_error(self, folder: Path, pipe: tuple[int, int], command: tuple[str, ...]) -> None:
        fill(pipe[1])
        with standalone(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=pipe[1]) as server:
            server.get_many(100)
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(SECONDS_TO_STOP) == 0

    def test_the_standard_error_of_static(self, folder: Path, pipe: tuple[int, int]) -> None:
        fill(pipe[1])
        command = (*QUIET, "static", ".", "--listen", "{listen}")
        with standalone(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=pipe[1]) as server:
            assert b"200 OK" in server.get("/served.py")
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(SECONDS_TO_STOP) == 0

    def test_the_standard_error_of_exec(self, folder: Path, pipe: tuple[int, int]) -> None:
        fill(pipe[1])
        (folder / "site.py").write_text(
            "from twisted.internet import endpoints, reactor\n"
            "from twisted.web.resource import Resource\nfrom twisted.web.server import Site\n"
            "endpoints.serverFromString(reactor, 'tcp:0:interface=127.0.0.1').listen(Site(Resource()))\n"
            "reactor.callWhenRunning(print, 'up', flush=True)\n"
            "reactor.run()"
        )
        command = (*QUIET, "exec", "./site.py")
        with standalone(command, cwd=folder, stdout=subprocess.PIPE, stderr=pipe[1]) as server:
            assert server.process.stdout is not None
            assert server.process.stdout.readline() == b"up\n"
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(SECONDS_TO_STOP) == 0

    @pytest.mark.parametrize("command", [RUN, PROGRAM], ids=["run", "App.run"])
    def test_the_standard_output(self, folder: Path, pipe: tuple[int, int], command: tuple[str, ...]) -> None:
        fill(pipe[1])
        with standalone(command, cwd=folder, stdout=pipe[1], stderr=subprocess.PIPE) as server:
            server.get_many(100)
            server.process.send_signal(signal.SIGTERM)
            _, errors = server.process.communicate(timeout=SECONDS_TO_STOP)
            assert server.process.returncode == 0
            assert b"The access log has a gap: 100 lines are lost." in errors

    @pytest.mark.parametrize("blocking", [True, False])
    def test_a_slow_reader_has_every_line(self, folder: Path, pipe: tuple[int, int], blocking: bool) -> None:
        ours, theirs = pipe
        os.set_blocking(theirs, blocking)
        came: list[bytes] = []
        with standalone(RUN, cwd=folder, stdout=theirs, stderr=subprocess.DEVNULL) as server:
            server.get_many(400)
            reader = Thread(target=read_lines, args=(ours, 400, came))
            reader.start()
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(SECONDS_TO_STOP) == 0
            reader.join(SECONDS_TO_STOP)
        paths = re.findall(rb'^127\.0\.0\.1 .* "GET /(\d+) HTTP/1\.1" 200 .*$', b"".join(came), re.MULTILINE)
        assert paths == [b"%d" % number for number in range(400)]


def read_lines(pipe: int, count: int, came: list[bytes]) -> None:
    while sum(part.count(b"\n") for part in came) < count:
        came.append(os.read(pipe, 65536))


class TestFullDisk:
    """The size of a file is limited.

    After a part of a line, writing fails with EFBIG, as it does with ENOSPC on a full disk.
    """

    def test_no_line_is_lost_or_joined(self, folder: Path) -> None:
        file = folder / "access.log"
        with ropewalk("run", "served.py", "--access-log-file", file, cwd=folder) as server:
            get(server, 10)
            limits = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (777, resource.RLIM_INFINITY))
            get(server, 50)
            assert server.process.stderr is not None
            assert "File too large" in read_until(server.process.stderr, "The access log cannot be written")
            resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, limits)
            read_until(server.process.stderr, "The access log is written again")
            get(server, 5)
            server.stop()
        lines = file.read_text().splitlines()
        assert [line.split()[6] for line in lines] == [f"/{n}" for count in (10, 50, 5) for n in range(count)]

    def test_what_is_lost_at_a_stop_is_counted_and_ended(self, folder: Path) -> None:
        file = folder / "access.log"
        with ropewalk("run", "served.py", "--access-log-file", file, cwd=folder) as server:
            resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (777, resource.RLIM_INFINITY))
            get(server, 50)
            assert server.stop() == 0
        whole = file.read_text().count("\n")
        assert f"The access log has a gap: {50 - whole} lines are lost." in server.errors
        with ropewalk("run", "served.py", "--access-log-file", file, cwd=folder) as server:
            get(server, 1)
            server.stop()
        lines = file.read_text().splitlines()
        assert len(lines) == whole + 2  # two more lines: the part that was cut off, and the last request
        assert re.fullmatch(r'127.0.0.1 - - \[[^]]*] "GET /0 HTTP/1.1" 200 \d+ "-" "x+"', lines[-1])


def get(server: Server, count: int) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    Standalone(server.process, (host, int(port))).get_many(count)


class TestRotation:
    """The log file is renamed, with and without a signal to the server."""

    def test_without_a_signal(self, folder: Path) -> None:
        file = folder / "access.log"
        with ropewalk("run", "served.py", "--access-log-file", file, cwd=folder) as server:
            file.rename(folder / "access.log.1")
            get(server, 2)
            server.stop()
        assert (folder / "access.log.1").read_text() == ""
        assert len(file.read_text().splitlines()) == 2

    @pytest.mark.parametrize("command", ["run", "App.run"])
    def test_sigusr1(self, folder: Path, command: str) -> None:
        file = folder / "access.log"
        words = (*RUN, "--access-log-file", file) if command == "run" else (*PROGRAM, file)
        with standalone(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as server:
            assert b"here" in server.get()
            file.rename(folder / "access.log.1")
            server.process.send_signal(signal.SIGUSR1)
            assert server.process.stderr is not None
            read_until(server.process.stderr, " The access log is opened again.")
            assert b"here" in server.get()
            server.process.send_signal(signal.SIGTERM)
            server.process.communicate(timeout=SECONDS_TO_STOP)
            assert server.process.returncode == 0
        logged = [(folder / name).read_text().count("\n") for name in ("access.log.1", "access.log")]
        # The engine passes lines on once a second, so the first may come after the rotation.
        assert logged in ([1, 1], [0, 2])
        assert logged[1]

    def test_sigusr1_without_a_file(self, folder: Path) -> None:
        with ropewalk("run", "served.py", cwd=folder) as server:
            server.process.send_signal(signal.SIGUSR1)
            assert server.process.stderr is not None
            read_until(server.process.stderr, "SIGUSR1: no log goes to a file, so none is opened again.")


class TestSignals:
    """SIGHUP, SIGUSR1 and SIGUSR2."""

    @pytest.mark.parametrize("command", [RUN, PROGRAM, (*QUIET, "static", ".", "--listen", "{listen}")])
    def test_sigusr2_is_ignored(self, folder: Path, command: tuple[str, ...]) -> None:
        with standalone(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as server:
            server.get()
            server.process.send_signal(signal.SIGUSR2)
            assert server.process.stderr is not None
            read_until(server.process.stderr, "SIGUSR2 is ignored")
            assert b"HTTP/1.1" in server.get()
            server.process.send_signal(signal.SIGTERM)
            server.process.communicate(timeout=SECONDS_TO_STOP)
            assert server.process.returncode == 0

    @pytest.mark.parametrize("command", [RUN, PROGRAM], ids=["run", "App.run"])
    def test_sighup_drains_however_often_it_comes(self, folder: Path, command: tuple[str, ...]) -> None:
        with standalone(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as server:
            with (
                socket.create_connection(server.address, SECONDS_TO_STOP) as held,
                socket.create_connection(server.address, SECONDS_TO_STOP) as other,
            ):
                held.sendall(b"GET /hold/ HTTP/1.1\r\nHost: a\r\n\r\n")
                other.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                assert b"here" in other.recv(65536)
                server.process.send_signal(signal.SIGHUP)
                assert server.process.stderr is not None
                read_until(server.process.stderr, "Stopping: 1 request is running")
                server.process.send_signal(signal.SIGHUP)
                other.sendall(b"GET /release/ HTTP/1.1\r\nHost: a\r\n\r\n")
                assert b"released" in other.recv(65536)
                assert held.recv(65536).endswith(b"held")
            server.process.communicate(timeout=SECONDS_TO_STOP)
            assert server.process.returncode == 0

    @pytest.mark.parametrize("command", [RUN, PROGRAM], ids=["run", "App.run"])
    def test_what_is_ignored_stays_ignored(self, folder: Path, command: tuple[str, ...]) -> None:
        """Signals that are ignored at the start stay ignored, because nohup(1) starts programs like this."""
        numbers = (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
        streams: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        ignoring = ("sh", "-c", 'trap "" HUP USR1 USR2; exec "$@"', "sh", *command)
        with standalone(ignoring, cwd=folder, **streams) as server:
            server.get()
            for number in numbers:
                server.process.send_signal(number)
            assert b"here" in server.get()
            server.process.send_signal(signal.SIGTERM)
            _, errors = server.process.communicate(timeout=SECONDS_TO_STOP)
            assert server.process.returncode == 0
            assert b"SIGUSR" not in errors

    @pytest.mark.parametrize("start", [RUN, PROGRAM], ids=["run", "App.run"])
    def test_handlers_of_the_program_win(self, folder: Path, start: tuple[str, ...]) -> None:
        handlers = (
            "import signal\n"
            "for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):\n"
            "    signal.signal(number, lambda number, _: log.info('own: {n}', n=signal.Signals(number).name))\n"
        )
        (folder / "served.py").write_text(APP + handlers)
        with standalone(start, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as server:
            server.get()
            assert server.process.stderr is not None
            for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
                server.process.send_signal(number)
                assert f"own: {number.name}" in read_until(server.process.stderr, "SIG")

    def test_none_kills_a_process_that_exits(self, folder: Path) -> None:
        """Signals that arrive while `atexit` functions run, or while modules are torn down, are ignored and do not end
        the process."""
        last = (
            "import atexit, os\n"
            "from signal import SIGHUP, SIGUSR1, SIGUSR2\n"
            "class Last:\n"
            "    def __del__(self, kill=os.kill, me=os.getpid(), numbers=(SIGHUP, SIGUSR1, SIGUSR2)):\n"
            "        for number in numbers: kill(me, number)\n"
            "last = Last()\n"
            "atexit.register(last.__del__)\n"
        )
        (folder / "served.py").write_text(APP + last)
        with standalone(RUN, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as server:
            server.get()
            server.process.send_signal(signal.SIGTERM)
            server.process.communicate(timeout=SECONDS_TO_STOP)
            assert server.process.returncode == 0

    def test_a_log_is_rotated_while_the_target_is_imported(self, folder: Path) -> None:
        (folder / "served.py").write_text(f"print('importing', flush=True)\ninput()\n{APP}")
        streams: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        with standalone(RUN, cwd=folder, **streams) as server:
            assert server.process.stdin is not None
            assert server.process.stdout is not None
            assert server.process.stdout.readline() == b"importing\n"
            server.process.send_signal(signal.SIGUSR1)
            server.process.stdin.write(b"\n")
            server.process.stdin.flush()
            assert b"here" in server.get()

    def test_the_greatest_size_of_a_file_is_an_error_and_no_end(self, folder: Path) -> None:
        (folder / "served.py").write_text(f"import signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_DFL)\n{APP}")
        file = folder / "access.log"
        with ropewalk("run", "served.py", "--access-log-file", file, cwd=folder) as server:
            resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
            get(server, 1)
            assert server.process.stderr is not None
            assert "File too large" in read_until(server.process.stderr, "The access log cannot be written")

    @pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2])
    def test_exec_leaves_them_to_the_program(self, folder: Path, number: signal.Signals) -> None:
        """As under Python, a signal ends the program unless the program handles it."""
        program = "import signal\nprint(signal.getsignal(signal.{name}), flush=True)\nsignal.pause()"
        (folder / "program.py").write_text(program.format(name=number.name))
        with standalone((*QUIET, "exec", "program.py"), cwd=folder, stdout=subprocess.PIPE) as server:
            assert server.process.stdout is not None
            assert server.process.stdout.readline() == b"0\n"
            server.process.send_signal(number)
            assert server.process.wait(SECONDS_TO_STOP) == -number
