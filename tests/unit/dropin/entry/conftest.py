"""Fixtures for the tests of the entries."""

from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.pollreactor import PollReactor
from twisted.python.failure import Failure


@pytest.fixture
def reactor() -> Iterator[Any]:
    """A real reactor that is not installed."""
    reactor = PollReactor()
    yield reactor
    reactor.fireSystemEvent("shutdown")
    for _ in range(3):  # the engine's ports are not among the readers, and close one iteration later
        reactor.iterate()
    for reader in [*reactor.removeAll(), *reactor._internalReaders]:
        reader.connectionLost(Failure(Exception("The test is over.")))
