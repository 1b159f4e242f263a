"""Twisted's Agent and treq, in a process that has a reactor for them."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.clients.conftest import Accepted

pytestmark = pytest.mark.slow

# Twisted's readBody warns if the whole response arrives in one piece, on any transport.
READ_BODY = "ignore:Using readBody:DeprecationWarning"

CLIENTS = Path(__file__).parent / "twisted_clients.py"


def test_agent_and_treq(url: str, accepted: Accepted) -> None:
    command = [sys.executable, "-W", "error", "-W", READ_BODY, str(CLIENTS), url]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert accepted() < 30
