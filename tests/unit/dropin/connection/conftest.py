"""Fixtures for connections of every kind."""

from collections.abc import Iterator

import pytest
from tests.unit.dropin.world import WAYS, World, world


@pytest.fixture
def there() -> Iterator[World]:
    with world() as made:
        yield made


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)
