"""Clients on several loops and in several threads.

Each scenario has a separate process, because a reactor is installed once in a process.
"""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.unit.testing.sharing import SCENARIOS

from ropewalk import App
from ropewalk.testing import AsyncClient

ROOT = Path(__file__).parents[3]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reactor", "scenario"),
    [
        *((reactor, scenario) for reactor in ("asyncio", "epoll", "select") for scenario in SCENARIOS),
        ("none", "imported_late"),
    ],
)
def test_the_reactor_goes_to_one_at_a_time_and_home(reactor: str, scenario: str) -> None:
    command = [sys.executable, "-W", "error", "-m", "tests.unit.testing.sharing", reactor, scenario]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT)
    assert (ended.stdout, ended.returncode) == ("well\n", 0), ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_reactor_that_runs_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the reactor of a program already runs, the wait of the client sets no timer in it."""

    class Running:
        running = True

        def callLater(self) -> None: ...

    async def main() -> None:
        async with AsyncClient(App()):
            loop: Any = asyncio.get_running_loop()
            assert [handle for handle in loop._scheduled if not handle.cancelled()] == []

    monkeypatch.setitem(sys.modules, "twisted.internet.reactor", Running())
    asyncio.run(main())
