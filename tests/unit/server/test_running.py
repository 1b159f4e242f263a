"""The end of a serving process."""

from typing import Any

import pytest

from ropewalk.server import running
from ropewalk.server.log_writer import FLUSH_TIMEOUT


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class SlowLog:
    """An access log whose `close` takes a number of seconds."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds

    def close(self) -> None:
        self._clock.now += self._seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(running, "monotonic", clock)
    return clock


@pytest.mark.parametrize(
    ("taken", "left"),
    [(None, FLUSH_TIMEOUT), (0, FLUSH_TIMEOUT), (1, FLUSH_TIMEOUT - 1), (FLUSH_TIMEOUT, running.LAST_LINES_TIMEOUT)],
)
def test_all_logs_have_one_deadline(
    taken: float | None, left: float, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float] = []
    monkeypatch.setattr(running, "flush_errors", given.append)
    access_log: Any = None if taken is None else SlowLog(clock, taken)
    running.finish_logs(access_log)
    assert given == [left]
