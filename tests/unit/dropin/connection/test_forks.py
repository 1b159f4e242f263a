"""Servers that fork: workers, daemons, and handlers that start processes."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from tests.unit.dropin.connection.forks_program import LIFE

ROOT = Path(__file__).parents[4]
PROGRAM = Path(__file__).with_name("forks_program.py")

WORKERS = ["from children True", "stopped 0", "the other True", "stopped 0"]
"""All requests reach a worker, and the remaining worker serves when the other has stopped."""
OWN_FILE = "the file is its maker's True"


def output(scene: str, reactor: str, way: str) -> list[str]:
    """Return the output of a program. All of its processes have ended."""
    # From 3.12 on, Python warns if a process forks while it has threads, such as the client's.
    options = ["-W", "error", "-W", "ignore:This process:DeprecationWarning"]
    process = subprocess.Popen(
        [sys.executable, *options, str(PROGRAM), scene, reactor, way],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])},
    )
    try:
        printed, errors = process.communicate(timeout=LIFE + 10)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    assert process.returncode == 0, printed + errors
    return printed.splitlines()


class TestWorkers:
    """Children that run the reactor, forked after their parent has begun to listen."""

    def test_stock(self) -> None:
        assert output("prefork", "poll", "stock") == WORKERS[:1]

    @pytest.mark.parametrize("way", ["accelerated", "wrapped"])
    def test_ports_of_twisted_s(self, way: str) -> None:
        assert output("prefork", "poll", way) == output("prefork", "poll", "stock")

    @pytest.mark.parametrize("way", ["replaced", "endpoint", "site", "native", "mounted"])
    def test_on_tcp(self, way: str) -> None:
        assert output("prefork", "poll", way) == WORKERS

    @pytest.mark.parametrize("way", ["unix", "native unix", "site unix"])
    def test_on_unix_sockets(self, way: str) -> None:
        assert output("prefork", "poll", way) == [*WORKERS, OWN_FILE]

    @pytest.mark.slow
    @pytest.mark.parametrize("reactor", ["select", "epoll", "asyncio"])
    @pytest.mark.parametrize("way", ["replaced", "native"])
    def test_on_other_reactors(self, reactor: str, way: str) -> None:
        assert output("prefork", reactor, way) == WORKERS

    def test_threads_of_wsgi(self) -> None:
        assert output("prefork", "poll", "wsgi") == ["responses {'hello'}", "stopped 0"]


class TestHelpers:
    """Children that never run the reactor, forked before their parent runs it, for example by `multiprocessing`."""

    @pytest.mark.parametrize(
        ("reactor", "way"),
        [
            *(("poll", way) for way in ("stock", "replaced", "endpoint", "site", "native", "mounted")),
            *((reactor, way) for reactor in ("epoll", "asyncio") for way in ("replaced", "native")),
        ],
    )
    def test_they_leave_the_port_to_the_parent(self, reactor: str, way: str) -> None:
        assert output("helper", reactor, way) == ["served True", "after ConnectionRefusedError", "a successor listens"]


@pytest.mark.parametrize(
    ("reactor", "way"),
    [
        *(("poll", way) for way in ("replaced", "endpoint", "site", "native", "mounted")),
        *((reactor, way) for reactor in ("epoll", "asyncio") for way in ("replaced", "native")),
    ],
)
def test_a_worker_serves_on_when_its_parent_has_stopped(reactor: str, way: str) -> None:
    assert output("master", reactor, way) == ["the worker True", "stopped 0"]


@pytest.mark.parametrize("way", ["unix", "native unix", "site unix"])
def test_a_daemon_removes_the_file_of_its_socket(way: str) -> None:
    """The daemon removes the file, although another process, which has ended, created it."""
    assert output("daemon", "poll", way) == ["parent 0", "served True", "the file is left False"]


@pytest.mark.parametrize("way", ["replaced", "native"])
def test_a_child_without_descriptors_gets_an_error(way: str) -> None:
    assert output("short", "poll", way) == ["child RW508", "parent True"]


@pytest.mark.parametrize(
    ("reactor", "way"),
    [
        *(("epoll", way) for way in ("stock", "replaced", "native", "site", "mounted")),
        ("asyncio", "native"),
        ("poll", "replaced"),
    ],
)
def test_handlers_fork(reactor: str, way: str) -> None:
    """Connections of the parent stay open until the parent closes them, although a child has copies."""
    expected = [
        "before True",
        *(f"{path} True True True" for path in ("/fork", "/multiprocessing", "/fork")),
        "descriptors 0",
        "held True True True",
        "after ConnectionRefusedError",
    ]
    if way in ("replaced", "native"):
        expected.insert(-2, "meddling 9 True")
    assert output("handlers", reactor, way) == expected


def test_a_child_starts_its_own_threads() -> None:
    program = """
import os, threading
from ropewalk.wsgi import threads
threads.IDLE = 60  # seconds: it is idle when the process forks
pool = threads.Threads(1)
ran = threading.Event()
pool.submit(ran.set)
assert ran.wait(20)
while not pool._idle:
    pass
child = os.fork()
ran = threading.Event()
if not child:
    pool.submit(ran.set)
    os._exit(0 if ran.wait(20) else 1)
print(os.waitpid(child, 0)[1])
pool.submit(ran.set)
print(ran.wait(20))
"""
    options = ["-W", "error", "-W", "ignore:This process:DeprecationWarning"]
    command = [sys.executable, *options, "-c", program]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=LIFE, check=False)
    assert ended.stdout == "0\nTrue\n", ended.stdout + ended.stderr
