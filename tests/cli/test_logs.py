"""Logs of a real process: readers that stall, full disks, files that are rotated, and the signals for them."""

import fcntl
import os
import re
import resource
import signal
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
    """A pipe of the least size."""
    ours, theirs = os.pipe()
    fcntl.fcntl(theirs, fcntl.F_SETPIPE_SZ, 4096)
    yield ours, theirs
    os.close(ours)
    os.close(theirs)


def fill(pipe: int) -> None:
    os.write(pipe, b"x" * 4096)


def read_until(stream: IO[Any], text: str) -> str:
    """The line with a text, which the server has logged."""
    for line in stream:
        shown = line.decode() if isinstance(line, bytes) else line
        if text in shown:
            return str(shown)
    raise AssertionError(f"There was no line with {text!r}.")


class TestStalls:
    """Nobody reads a standard stream. The server goes on, and stops within a bound."""

    @pytest.mark.parametrize("command", [RUN, PROGRAM], ids=["run", "App.run"])
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
    """A file may not grow: RLIMIT_FSIZE gives EFBIG, as a full disk gives ENOSPC, after a part of a line."""

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
        assert len(lines) == whole + 2  # with the part of a line, which is by itself
        assert re.fullmatch(r'127.0.0.1 - - \[[^]]*] "GET /0 HTTP/1.1" 200 \d+ "-" "x+"', lines[-1])


def get(server: Server, count: int) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    Standalone(server.process, (host, int(port))).get_many(count)


class TestRotation:
    """The file is renamed, with and without a signal."""

    def test_without_a_signal(self, folder: Path) -> None:
        file = folder / "access.log"
        with ropewalk("run", "served.py", "--access-log-file", file, cwd=folder) as server:
            file.rename(folder / "access.log.1")
            get(server, 2)
            server.stop()
        assert (folder / "access.log.1").read_text() == ""
        assert len(file.read_text().splitlines()) == 2
