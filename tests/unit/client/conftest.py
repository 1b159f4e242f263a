"""Fixtures for the tests of the client."""

import pytest

from ropewalk.testing import FakeService


@pytest.fixture
def fake() -> FakeService:
    return FakeService()
