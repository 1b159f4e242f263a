"""Fixtures for the tests of grafted apps."""

from collections.abc import Iterator

import pytest
import twisted.internet
from tests.unit.dropin.graft.program import Program
from tests.unit.dropin.world import WAYS, World, world


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world() as made:
        monkeypatch.setattr(twisted.internet, "reactor", made.reactor, raising=False)
        yield made


@pytest.fixture(params=WAYS)
def program(request: pytest.FixtureRequest, made: World) -> Program:
    return Program(made, request.param)


@pytest.fixture
def socket_program(made: World) -> Program:
    """A program on a socket, for tests that do not depend on the kind of connection."""
    return Program(made, "accepted")
