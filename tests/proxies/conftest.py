"""Proxies in front of the counting service."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.processes import Server, ropewalk
from tests.proxies.fronts import Front

SERVICE = Path(__file__).parent / "counting.py"


def require(front: Front) -> None:
    """Skip a test if its proxy is not installed. In continuous integration, fail instead."""
    if front.is_there:
        return
    message = f"{front.program} is not installed"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """The counting service."""
    with ropewalk("run", SERVICE, "--access-log", "off") as server:
        yield server
