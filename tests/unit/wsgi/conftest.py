"""Fixtures for the tests of WSGI."""

import pytest
from tests.unit.wsgi.applications import Wrap, plain, validated


@pytest.fixture(params=[plain, validated])
def wrap(request: pytest.FixtureRequest) -> Wrap:
    """Two wrappers of an application: one does nothing, the other adds the validator of the standard library."""
    return request.param  # type: ignore[no-any-return] # one of those above
