"""The supervisor, with fake workers and a fake watcher, in one process."""

import os
import signal
import socket
from collections import deque
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from time import time
from typing import Any, cast

import pytest

from ropewalk.dev.messages import Message, MessageSocket
from ropewalk.dev.supervisor import BACK_OFF, GRACE, SLOW, STABLE, Environment, Supervisor
from ropewalk.dev.watcher import Watcher
from ropewalk.dev.worker import Worker, changed_names, ending


class FakeProcess:
    pid = 1


class FakeWorker(Worker):
    """A worker whose other end of the socket is in the test."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        self.messages = MessageSocket(ours)
        self.theirs = MessageSocket(theirs)
        self.process = cast("Any", FakeProcess())
        self.is_waiting = False
        self.since = None
        self.deadline = None
        self.asked_where = False
        self.is_broken = False
        self.pages_are_cached = True
        self.code: int | None = None
        self.received: list[Message] = []

    def exit_code(self) -> int | None:
        return self.code

    def kill(self) -> None:
        self.end(-9)

    def end(self, code: int) -> None:
        """End the process."""
        if self.code is None:
            self.code = code
            self.kinds()
            self.theirs.close()

    def kinds(self) -> list[str]:
        """The kinds of the messages that the worker got."""
        self.received += self.theirs.receive(wait=False) or []
        return [each["kind"] for each in self.received]

    def is_ready(self, *folders: str, broken: bool = False, cached: bool = False) -> None:
        self.theirs.send("ready", is_broken=broken, pages_are_cached=cached, folders=folders, modules=["ropewalk.auth"])


class FakeWatcher:
    def __init__(self) -> None:
        self.folders: tuple[Path, ...] = ()
        self.since: float | None = None
        self.missing: SimpleQueue[str] = SimpleQueue()
        self.changed: set[str] = set()

    def start(self, folders: list[Path], *, since: float | None = None) -> None:
        self.folders = tuple(folders)
        self.since = since

    def stop(self) -> None:
        pass

    def take(self) -> set[str]:
        taken, self.changed = self.changed, set()
        return taken


class Harness:
    """Runs a supervisor with a list of steps, which are functions. Each time the supervisor looks for events, the next
    step is called."""

    def __init__(self) -> None:
        self.now = 0.0
        self.said: list[str] = []
        self.workers: list[FakeWorker] = []
        self.watcher = FakeWatcher()
        self.steps: deque[Callable[[], object]] = deque()
        environment = Environment(
            start=self.start,
            watcher=lambda _: cast("Watcher", self.watcher),
            print_line=self.said.append,
            folders=[Path("/project")],
            order={"arguments": ["dev", "hello.py"]},
            clock=lambda: self.now,
        )
        self.supervisor = Supervisor(environment)
        turn = self.supervisor._turn

        def step() -> None:
            self.steps.popleft()()
            self.supervisor._wake()
            turn()

        self.supervisor._turn = step  # type: ignore[method-assign]

    def start(self) -> Worker:
        worker = FakeWorker()
        worker.theirs.send("waiting")
        self.workers.append(worker)
        return worker

    def run(self, *steps: Callable[[], object]) -> int:
        self.steps.extend([*steps, nothing, self.terminate, self.end_workers, nothing])
        return self.supervisor.run()

    def terminate(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    def end_workers(self) -> None:
        for worker in self.workers:
            worker.end(0)

    def change(self, *paths: str) -> Callable[[], None]:
        return lambda: self.watcher.changed.update(paths)

    def ready(self, number: int, **values: bool) -> Callable[[], None]:
        return lambda: self.workers[number].is_ready(**values)


@pytest.fixture
def harness() -> Harness:
    return Harness()


def nothing() -> None:
    """A step in which the supervisor only looks for events."""


def test_a_change_starts_the_spare_worker_and_stops_the_old_one_when_it_is_ready(harness: Harness) -> None:
    kinds: list[list[str]] = []

    def note() -> None:
        kinds.append(harness.workers[0].kinds())

    steps = [nothing, harness.ready(0), nothing, harness.change("/p/a.py"), nothing, note, harness.ready(1), note]
    code = harness.run(*steps)
    assert code == 0
    first, second, third = harness.workers[:3]
    assert kinds == [["go"], ["go", "drain"]]  # the old worker serves until the new one is ready
    assert first.received[0]["first"] is True
    assert second.kinds()[:2] == ["preload", "go"]
    assert second.received[1]["first"] is False
    assert third.kinds() == ["preload", "drain"]


def test_a_change_during_a_start_begins_again(harness: Harness) -> None:
    harness.run(nothing, harness.change("/p/a.py"), nothing, harness.change("/p/b.py"), nothing, harness.ready(2))
    assert [worker.kinds() for worker in harness.workers[:2]] == [["go", "drain"], ["go", "drain"]]
    assert harness.workers[2].kinds()[0] == "go"
    assert harness.workers[2].received[0]["changed"].count("py") == 2


def test_pages_and_styles_refresh_the_browser_only(harness: Harness) -> None:
    harness.run(nothing, harness.ready(0), nothing, harness.change("/p/a.html"), nothing, harness.change("/p/a.css"))
    worker = harness.workers[0]
    worker.kinds()
    assert [each["what"] for each in worker.received if each["kind"] == "refresh"] == ["page", "styles"]
    assert len(harness.workers) == 2


def test_a_page_restarts_a_program_that_caches_its_templates(harness: Harness) -> None:
    harness.run(nothing, harness.ready(0, cached=True), nothing, harness.change("/p/a.html"), nothing)
    assert "go" in harness.workers[1].kinds()


def test_a_page_restarts_a_program_that_did_not_start(harness: Harness) -> None:
    harness.run(nothing, harness.ready(0, broken=True), nothing, harness.change("/p/a.html"), nothing)
    assert "go" in harness.workers[1].kinds()


def test_a_start_that_fails_is_served_as_a_page(harness: Harness) -> None:
    problem = {"title": "t", "text": "x", "html": "h"}

    def fail() -> None:
        harness.workers[0].theirs.send("failed", problem=problem, exit_code=None)

    harness.run(nothing, fail, nothing, harness.ready(1, broken=True))
    assert harness.workers[1].kinds()[0] == "go"
    assert harness.workers[1].received[0]["problem"] == problem


def test_a_first_start_with_wrong_settings_ends_the_command(harness: Harness) -> None:
    def fail() -> None:
        worker = harness.workers[0]
        worker.theirs.send("failed", problem={"title": "t", "text": "x", "html": "h"}, exit_code=2)

    assert harness.run(nothing, fail, lambda: harness.workers[0].end(2)) == 2


def test_a_program_that_exits_at_its_import(harness: Harness) -> None:
    harness.run(nothing, lambda: harness.workers[0].end(3), nothing, harness.ready(1, broken=True))
    assert harness.said == ["RW313 The program exited with status 3 before it served."]
    assert harness.workers[1].kinds()[0] == "go"
    assert "exited with status 3" in harness.workers[1].received[0]["problem"]["text"]


def test_a_worker_that_is_killed_is_replaced_after_a_wait_that_grows(harness: Harness) -> None:
    def pass_time() -> None:
        harness.now += BACK_OFF[0] * 2

    harness.run(
        *(nothing, harness.ready(0), nothing, lambda: harness.workers[0].end(-9), nothing, pass_time, nothing),
        *(harness.ready(1), nothing, lambda: harness.workers[1].end(-11), nothing),
    )
    assert harness.said == [
        "RW313 The worker was killed by SIGKILL. Another one starts in 0.5 s. Requests wait meanwhile.",
        "RW313 The worker was killed by SIGSEGV. Another one starts in 1 s. Requests wait meanwhile.",
    ]


@pytest.mark.parametrize(("seconds", "wait"), [(STABLE - 1, "1 s"), (STABLE, "0.5 s")])
def test_the_wait_is_short_again_after_the_program_has_run_well(harness: Harness, seconds: float, wait: str) -> None:
    def pass_time(seconds: float) -> Callable[[], None]:
        def step() -> None:
            harness.now += seconds

        return step

    harness.run(
        *(nothing, harness.ready(0), nothing, lambda: harness.workers[0].end(-9), nothing, pass_time(1), nothing),
        *(harness.ready(1), nothing, pass_time(seconds), lambda: harness.workers[1].end(-9), nothing),
    )
    assert len(harness.said) == 2
    assert f"Another one starts in {wait}." in harness.said[-1]


def test_a_program_that_always_ends_is_started_again_and_again(harness: Harness) -> None:
    harness.supervisor._failures = 5000
    harness.run(nothing, harness.ready(0), nothing, lambda: harness.workers[0].end(-9), nothing)
    assert f"Another one starts in {BACK_OFF[1]:g} s." in harness.said[-1]


def test_an_old_worker_that_does_not_finish_is_killed(harness: Harness) -> None:
    def pass_time() -> None:
        harness.now += GRACE + 1

    steps = [
        nothing,
        harness.ready(0),
        nothing,
        harness.change("/p/a.py"),
        nothing,
        harness.ready(1),
        pass_time,
        nothing,
    ]
    harness.run(*steps)
    assert harness.workers[0].code == -9
    assert harness.said == ["Process 1 has not finished its requests in 5 s, and is killed."]


def test_a_slow_start_shows_where_it_is(harness: Harness) -> None:
    def pass_time() -> None:
        harness.now += SLOW + 1

    def reply() -> None:
        assert harness.workers[0].kinds() == ["go", "where"]
        harness.workers[0].theirs.send("place", place="db.py:12")

    harness.run(nothing, pass_time, nothing, reply)
    assert harness.said == ["The program has not started within 10 s. It is at db.py:12."]


def test_a_spare_worker_that_still_imports_is_killed_at_the_end(harness: Harness) -> None:
    def is_waiting() -> None:
        harness.workers[1].is_waiting = False

    assert harness.run(nothing, harness.ready(0), nothing, is_waiting) == 0
    assert [worker.code for worker in harness.workers] == [0, -9]


def test_a_second_signal_kills(harness: Harness) -> None:
    def interrupt() -> None:
        os.kill(os.getpid(), signal.SIGINT)

    assert harness.run(nothing, harness.ready(0), interrupt, interrupt) == 0
    assert harness.workers[0].code == -9


def test_a_second_hangup_does_not_kill(harness: Harness) -> None:
    def hang_up() -> None:
        os.kill(os.getpid(), signal.SIGHUP)

    assert harness.run(nothing, harness.ready(0), hang_up, hang_up, lambda: harness.workers[0].end(0)) == 0
    assert harness.workers[0].code == 0


def test_messages_of_the_watcher_are_shown(harness: Harness) -> None:
    harness.run(lambda: harness.watcher.missing.put("RW312 it is gone"))
    assert harness.said == ["RW312 it is gone"]


@pytest.mark.parametrize(
    ("code", "text"), [(3, "exited with status 3"), (-9, "was killed by SIGKILL"), (-99, "was killed by signal 99")]
)
def test_endings(code: int, text: str) -> None:
    assert ending(code) == text


def test_names_of_many_changed_files() -> None:
    assert changed_names(["c.py", "a.py", "b.py", "d.py"]) == "a.py, b.py and 2 more"
    assert changed_names([]) == ""


def test_folders_of_imported_modules_are_watched_from_the_import_on() -> None:
    """A change while the program starts, before the new watch is set, is not lost."""
    harness = Harness()

    def ready() -> None:
        assert (harness.watcher.folders, harness.watcher.since) == ((Path("/project"),), None)
        harness.now += 5
        harness.workers[0].is_ready("/library")

    def check() -> None:
        assert harness.watcher.folders == (Path("/project"), Path("/library"))
        assert harness.watcher.since is not None
        assert harness.watcher.since <= time() - 5

    harness.run(nothing, ready, nothing, check)


@pytest.mark.parametrize(("seconds", "is_told"), [(0.5, True), (5, False)])
def test_a_program_that_writes_a_watched_file(harness: Harness, seconds: float, is_told: bool) -> None:
    steps: list[Callable[[], object]] = [nothing, harness.ready(0), nothing]

    def wait() -> None:
        harness.now += seconds

    for number in range(1, 7):
        paths = ["gen.py"] if number != 2 else ["gen.py", "other.py"]
        steps += [wait, harness.change(*paths), nothing, harness.ready(number), nothing]
    harness.run(*steps)
    told = [each for each in harness.said if "--reload-exclude gen.py" in each]
    assert len(told) == is_told
