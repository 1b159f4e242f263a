"""Every way to listen on every reactor, each in a separate process."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.server.program import REACTORS, WAYS

PROGRAM = Path(__file__).with_name("program.py")

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("reactor", REACTORS)
def test_serves(reactor: str, way: str) -> None:
    command = [sys.executable, "-W", "error", str(PROGRAM), reactor, way]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.stdout == "served\n", ended.stdout + ended.stderr
    assert ended.returncode == 0
    if reactor == "asyncio":
        assert "RW" not in ended.stderr
    else:
        assert ended.stderr.count("RW203 GET /asyncio: ") == 1
        assert ended.stderr.count("RW203 GET /future: make_app.<locals>.future at ") == 1
        assert "Call `ropewalk.install_reactor()`" in ended.stderr
