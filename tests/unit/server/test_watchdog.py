"""The watchdog of the event loop, with a scripted clock and scripted frames, and once on a real reactor."""

import sys
from collections.abc import Callable, Iterator
from threading import Event, Thread
from types import FrameType
from typing import Any

import pytest
from tests.unit.conftest import Log

from ropewalk import App
from ropewalk.server.blocking_code import blocking_code, called_frames
from ropewalk.server.watchdog import MOST_REPORTS, System, Watchdog, start_watchdog

LIMIT = 0.125  # a binary fraction, so that the sums of times are exact
PAUSE = LIMIT / 2
REMEDY = "Await the work, or run it in a thread with deferToThread."


class Machine:
    """A machine whose reactor is busy until a time. `call` is what the reactor calls meanwhile."""

    def __init__(self) -> None:
        self.now = 100.0
        self.cpu = 5.0
        self.busy_until = 0.0
        self.call: FrameType | None = None
        self.waits: Callable[[float], None] = self.pass_time
        self.pending: Callable[[], object] | None = None
        app = App()
        system = System(
            now=lambda: self.now, cpu_time=lambda: self.cpu, frame_of=lambda ident: self.call, wait=self.wait
        )
        self.watchdog = Watchdog(self, LIMIT, app, system)

    def callFromThread(self, function: Callable[[], object]) -> None:
        self.pending = function
        self.respond()

    def wait(self, event: Event, seconds: float) -> None:
        self.waits(seconds)
        self.respond()

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.cpu += seconds

    def respond(self) -> None:
        if self.pending is not None and self.now >= self.busy_until:
            pending, self.pending = self.pending, None
            pending()


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def handler() -> Iterator[FrameType]:
    """A frame of a call that the loop makes."""
    yield from call_of("slow")


def call_of(name: str) -> Iterator[FrameType]:
    code = f"def {name}(look):\n    yield look()\n"
    names: dict[str, Any] = {}
    exec(compile(code, "rooms.py", "exec"), names)
    running = names[name](lambda: sys._getframe(1))
    yield next(running)
    running.close()


def blocked_by(machine: Machine, frame: FrameType, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop calls the code of a frame."""
    machine.call = frame
    monkeypatch.setattr("ropewalk.server.watchdog.called_frames", lambda frame, loop: [] if frame is None else [frame])


def test_nothing_is_reported_while_it_is_paused(
    machine: Machine, handler: FrameType, blocking_log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked_by(machine, handler, monkeypatch)
    machine.watchdog.is_paused = True
    machine.busy_until = machine.now + 8 * LIMIT
    machine.watchdog.watch_once()
    assert blocking_log.text == ""
    machine.watchdog.is_paused = False
    machine.busy_until = machine.now + 8 * LIMIT
    machine.watchdog.watch_once()
    assert "RW306 slow" in blocking_log.text


class TestReports:
    def test_a_loop_that_is_not_busy(self, machine: Machine, blocking_log: Log) -> None:
        machine.watchdog.watch_once()
        assert blocking_log.text == ""

    @pytest.mark.parametrize("busy", [0.05, 0.1, 0.125])
    def test_a_call_within_the_limit(
        self, machine: Machine, handler: FrameType, busy: float, monkeypatch: pytest.MonkeyPatch, blocking_log: Log
    ) -> None:
        blocked_by(machine, handler, monkeypatch)
        machine.busy_until = machine.now + busy
        machine.watchdog.watch_once()
        assert blocking_log.text == ""

    def test_a_call_over_the_limit(
        self, machine: Machine, handler: FrameType, monkeypatch: pytest.MonkeyPatch, blocking_log: Log
    ) -> None:
        blocked_by(machine, handler, monkeypatch)
        machine.busy_until = machine.now + 2
        machine.watchdog.watch_once()
        assert blocking_log.text.splitlines() == [
            f"RW306 slow at rooms.py:1 has blocked the reactor for 0.12 s, and now runs rooms.py:2 in slow. {REMEDY}",
            "RW306 slow at rooms.py:1 blocked the reactor for 2.00 s.",
        ]

    def test_it_says_so_while_the_call_lasts(
        self, machine: Machine, handler: FrameType, monkeypatch: pytest.MonkeyPatch, blocking_log: Log
    ) -> None:
        blocked_by(machine, handler, monkeypatch)
        machine.busy_until = machine.now + 60
        seen: list[tuple[bool, int]] = []

        def wait(seconds: float) -> None:
            machine.pass_time(seconds)
            seen.append((machine.watchdog.has_reported, len(blocking_log)))

        machine.waits = wait
        machine.watchdog.watch_once()
        assert seen[0] == seen[1] == (False, 0)
        assert {*seen[2:]} == {(True, 1)}
        assert machine.watchdog.has_reported is False

    def test_many_short_calls(
        self, machine: Machine, monkeypatch: pytest.MonkeyPatch, blocking_log: Log, handler: FrameType
    ) -> None:
        """Nothing is reported if the reactor is busy all the time, but runs a different call at each look of the
        watchdog."""
        blocked_by(machine, handler, monkeypatch)
        machine.busy_until = machine.now + 1
        calls = [next(call_of(f"call{number}")) for number in range(30)]

        def wait(seconds: float) -> None:
            machine.pass_time(seconds)
            machine.call = calls.pop()

        machine.waits = wait
        machine.watchdog.watch_once()
        assert blocking_log.text == ""

    def test_an_idle_loop_that_is_late(self, machine: Machine, blocking_log: Log) -> None:
        """Nothing is reported if the loop is late but runs no call, for example because a thread holds the
        interpreter's lock."""
        machine.busy_until = machine.now + 1
        machine.watchdog.watch_once()
        assert blocking_log.text == ""

    def test_a_bounded_number(
        self, machine: Machine, handler: FrameType, monkeypatch: pytest.MonkeyPatch, blocking_log: Log
    ) -> None:
        blocked_by(machine, handler, monkeypatch)
        for _ in range(MOST_REPORTS + 3):
            machine.busy_until = machine.now + 1
            machine.watchdog.watch_once()
        assert len(blocking_log) == 2 * MOST_REPORTS
        machine.pass_time(60)
        machine.busy_until = machine.now + 1
        machine.watchdog.watch_once()
        assert len(blocking_log) == 2 * MOST_REPORTS + 2
        assert "3 more blocks were not reported." in blocking_log.text


class TestSuspension:
    def test_a_process_that_is_stopped(
        self, machine: Machine, handler: FrameType, monkeypatch: pytest.MonkeyPatch, blocking_log: Log
    ) -> None:
        """The time in which the process is stopped does not count as blocked: here, the process is stopped during a
        short call for an hour."""
        blocked_by(machine, handler, monkeypatch)

        def wait(seconds: float) -> None:
            machine.now += 3600
            machine.waits = machine.pass_time
            machine.busy_until = machine.now + 1.5 * PAUSE

        machine.busy_until = 1e9
        machine.waits = wait
        machine.watchdog.watch_once()
        assert blocking_log.text == ""

    def test_a_stop_does_not_count_as_a_part_of_the_duration(
        self, machine: Machine, handler: FrameType, monkeypatch: pytest.MonkeyPatch, blocking_log: Log
    ) -> None:
        blocked_by(machine, handler, monkeypatch)
        machine.busy_until = 1e9

        def wait(seconds: float) -> None:
            machine.pass_time(seconds)
            if machine.watchdog.has_reported:
                machine.now += 3600
                machine.busy_until = machine.now + 1
                machine.waits = machine.pass_time

        machine.waits = wait
        machine.watchdog.watch_once()
        assert "blocked the reactor for 1.19 s." in blocking_log.text.splitlines()[1]

    def test_a_call_that_keeps_the_interpreters_lock(
        self, machine: Machine, handler: FrameType, monkeypatch: pytest.MonkeyPatch, blocking_log: Log
    ) -> None:
        """The watchdog's thread wakes up late, too. The block is reported, because the process has used CPU time."""
        blocked_by(machine, handler, monkeypatch)
        machine.busy_until = machine.now + 4.5
        machine.waits = lambda seconds: machine.pass_time(2.0)
        machine.watchdog.watch_once()
        assert "slow at rooms.py:1 has blocked the reactor for 4.00 s" in blocking_log.text


class TestFrames:
    def test_an_idle_loop(self) -> None:
        """The frames of Twisted and asyncio do not count as calls of the loop."""
        loop = sys._getframe()
        assert called_frames(loop, [loop]) == []

    def test_a_call(self) -> None:
        loop = sys._getframe()

        def outer() -> list[str]:
            return inner()

        def inner() -> list[str]:
            return [frame.f_code.co_name for frame in called_frames(sys._getframe(), [loop])]

        assert outer() == ["outer", "inner"]

    def test_a_thread_that_does_not_run_the_loop(self) -> None:
        frames: list[list[FrameType]] = []
        loop = sys._getframe()
        thread = Thread(target=lambda: frames.append(called_frames(sys._getframe(), [loop])))
        thread.start()
        thread.join()
        assert frames == [[]]

    def test_the_route_of_a_handler_without_a_request(self) -> None:
        app = App()
        found: list[str] = []

        @app.get("/rooms/{room:int}")
        def show(room: int) -> str:
            found.append(blocking_code([sys._getframe()], app).who)
            return ""

        show(1)
        name = "TestFrames.test_the_route_of_a_handler_without_a_request.<locals>.show"
        assert found[0].startswith(f"GET /rooms/{{room:int}}, {name} at tests/unit/server/test_watchdog.py:")

    def test_an_object_with_a_false_class(self) -> None:
        class Liar:
            @property  # type: ignore[misc] # what it must not call
            def __class__(self) -> Any:
                raise AssertionError("its code must not run")

        def call(value: object) -> str:
            return blocking_code([sys._getframe()], None).who

        assert "call at" in call(Liar())


def test_it_ends_with_the_reactor() -> None:
    class Reactor:
        def __init__(self) -> None:
            self.triggers: list[tuple[str, str, Callable[[], object]]] = []

        def callWhenRunning(self, function: Callable[..., object], *arguments: Any) -> None:
            function(*arguments)

        def callFromThread(self, function: Callable[[], object]) -> None:
            function()

        def addSystemEventTrigger(self, phase: str, event: str, function: Callable[[], object]) -> None:
            self.triggers.append((phase, event, function))

    reactor = Reactor()
    watchdog = start_watchdog(reactor, LIMIT)
    thread = watchdog._thread
    assert thread is not None
    assert thread.is_alive()
    [(phase, event, stop)] = reactor.triggers
    assert (phase, event) == ("after", "shutdown")
    stop()
    assert not thread.is_alive()


@pytest.mark.slow
def test_a_real_handler() -> None:
    """`ropewalk run --watchdog` reports a handler that blocks. The handler of this app blocks until the report
    comes."""
    from tests.processes import ROOT, ropewalk

    with ropewalk("run", ROOT / "tests/unit/server/blocking_app.py", "--watchdog", "0.05") as server:
        from urllib.request import urlopen

        with urlopen(f"{server.url}/until-reported/7") as response:
            assert response.read() == b"reported"
    first, *others = [line for line in server.errors.splitlines() if "RW306" in line]
    assert "RW306 GET /until-reported/{number:int}, block at tests/unit/server/blocking_app.py:" in first
    assert " and now runs tests/unit/server/blocking_app.py:" in first
    assert " in wait_for_report. " in first
    (second,) = others
    assert "block at tests/unit/server/blocking_app.py:" in second
    assert " blocked the reactor for " in second


@pytest.mark.slow
@pytest.mark.parametrize(("path", "reports"), [("first", 0), ("later", 0), ("blocks", 1)])
def test_a_process_that_was_stopped_has_not_blocked(path: str, reports: int) -> None:
    """Without the watchdog, handlers are timed by a clock that also runs while the process is stopped."""
    from tests.processes import ROOT, ropewalk

    with ropewalk("run", ROOT / "tests/unit/server/stopped_app.py") as server:
        from urllib.request import urlopen

        urlopen(f"{server.url}/{path}").close()
    assert server.errors.count("RW306") == reports
