"""Calls to good and bad servers, on each reactor. Each reactor has its own process, which runs all scenarios."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from tests.unit.client.scenarios import SCENARIOS

PROGRAM = Path(__file__).with_name("scenarios.py")
RUNS = (("epoll",), ("asyncio",), ("uvloop",), ("asyncio", "twisted"))
"""The reactors, and the back end if it is not the reactor's own."""

pytestmark = pytest.mark.slow

NAMES = [scenario.__name__ for scenario in SCENARIOS]


@cache
def outcomes(*run: str) -> dict[str, str]:
    """The traceback of each scenario, or "" if it passed; as "log", the errors in the log."""
    command = [sys.executable, "-W", "error", str(PROGRAM), *run]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.stderr == ""
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("run", RUNS, ids=" ".join)
@pytest.mark.parametrize("scenario", [*NAMES, "log"])
def test_a_scenario(scenario: str, run: tuple[str, ...]) -> None:
    assert outcomes(*run)[scenario] == ""
