"""Cached responses on every kind of reactor: requests that wait, stale responses, and a handler that is cancelled."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("reactors.py")
EXPECTED = [*["call 1"] * 5, "call 1", "call 2", "503", "503", 2, ["slow"], 0, ["RW308", "RW308"]]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["epoll", "select", "asyncio"])
def test_on_a_reactor(kind: str) -> None:
    command = [sys.executable, "-W", "error", str(PROGRAM), kind]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.strip() == str(EXPECTED), done.stderr
    assert done.returncode == 0
