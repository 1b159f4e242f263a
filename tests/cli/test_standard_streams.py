"""Servers that are started with closed standard streams."""

import signal
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pytest
from tests.cli.standalone import BY_RUN, QUIET, Standalone, standalone
from tests.processes import SECONDS_TO_STOP

pytestmark = pytest.mark.slow

CLOSING = {0: "<&-", 1: ">&-", 2: "2>&-"}
CLOSED = [streams for count in range(4) for streams in combinations(CLOSING, count)]

APP = """
import sys
from ropewalk import App

app = App()

@app.get("/")
def root(request):
    print("printed")
    print("printed", file=sys.stderr)
    print("printed", file=sys.__stderr__)
    return f"read: {sys.stdin.read()!r}"
"""

WAYS = {
    "ropewalk": (str(Path(sys.executable).parent / "ropewalk"), "run", "served.py", "--listen", "{listen}"),
    "-m": (*QUIET, "run", "served.py", "--listen", "{listen}"),
    "App.run": (sys.executable, "-W", "error", "by_run.py", "{listen}"),
}


@pytest.mark.parametrize("to_file", [False, True], ids=["stdout", "file"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("closed", CLOSED, ids=lambda closed: f"closed:{closed}")
def test_closed_streams_are_the_null_device(closed: tuple[int, ...], way: str, to_file: bool, tmp_path: Path) -> None:
    (tmp_path / "served.py").write_text(APP)
    (tmp_path / "by_run.py").write_text(BY_RUN.format(module="served"))
    command: tuple[str | Path, ...] = WAYS[way]
    if to_file:
        command = (*command, *(() if way == "App.run" else ("--access-log-file",)), tmp_path / "access.log")
    shell = " ".join(CLOSING[stream] for stream in closed) or "2>&2"
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with standalone(command, cwd=tmp_path, shell=shell, **pipes) as server:
        assert server.get().endswith(b"read: ''")
        assert streams_of(server) == dict.fromkeys({0, *closed}, "/dev/null")
        server.process.send_signal(signal.SIGTERM)
        output, errors = server.process.communicate(timeout=SECONDS_TO_STOP)
        assert server.process.returncode == 0, errors
    logged = (tmp_path / "access.log").read_text() if to_file else output.decode()
    if to_file or 1 not in closed:
        assert '"GET / HTTP/1.1" 200' in logged
    if 2 not in closed:
        assert b"fd:" in errors or b"http://" in errors
        assert b"Traceback" not in errors


def streams_of(server: Standalone) -> dict[int, str]:
    """Return the targets of descriptors 0 to 2, except the test's pipes."""
    folder = Path(f"/proc/{server.process.pid}/fd")
    places = {number: str((folder / str(number)).readlink()) for number in CLOSING}
    return {number: place for number, place in places.items() if not place.startswith("pipe:")}


@pytest.mark.parametrize("command", ["--version", "check served.py", "routes served.py", "exec own.py"])
def test_other_commands(command: str, tmp_path: Path) -> None:
    (tmp_path / "served.py").write_text(APP)
    (tmp_path / "own.py").write_text(
        "import socket, sys\nassert socket.socket().fileno() > 2\nprint('a', file=sys.stderr)\nprint('b')\ninput"
    )
    ended = subprocess.run(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *QUIET, *command.split()], cwd=tmp_path)
    assert ended.returncode == 0


def test_a_descriptor_that_was_handed_over_is_left_alone(tmp_path: Path) -> None:
    """The standard error is closed, and its number now belongs to a file, which must not be written to."""
    (tmp_path / "own.py").write_text(
        "import os, sys\n"
        "os.close(2)\n"
        "sys.stderr = sys.__stderr__ = None\n"
        "kept = open('kept', 'w')\n"
        "assert kept.fileno() == 2\n"
        "from ropewalk.server import reserve_standard_streams\n"
        "reserve_standard_streams()\n"
        "print('lost', file=sys.stderr, flush=True)\n"
        "assert sys.stderr.fileno() > 2\n"
        "kept.write('kept')\n"
    )
    subprocess.run([sys.executable, "-W", "error", "own.py"], cwd=tmp_path, check=True)
    assert (tmp_path / "kept").read_text() == "kept"


def test_a_full_disk_does_not_prevent_a_start(tmp_path: Path) -> None:
    (tmp_path / "served.py").write_text('from ropewalk import App\n\napp = App()\napp.get("/")(lambda: "hello")\n')
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with standalone(WAYS["ropewalk"], cwd=tmp_path, shell=">/dev/full 2>/dev/full", **pipes) as server:
        assert server.get().endswith(b"hello")
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(SECONDS_TO_STOP) == 0
