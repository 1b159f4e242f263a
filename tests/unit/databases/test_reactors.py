"""A database on other reactors than that of asyncio."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("reactors.py")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["epoll", "select", "asyncio"])
def test_on_a_reactor(kind: str, path: Path) -> None:
    command = [sys.executable, "-W", "error", str(PROGRAM), kind, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
