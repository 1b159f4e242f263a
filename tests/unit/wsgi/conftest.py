"""What the tests of WSGI share."""

import pytest
from tests.unit.wsgi.applications import Wrap, plain, validated


@pytest.fixture(params=[plain, validated])
def wrap(request: pytest.FixtureRequest) -> Wrap:
    """An application as it is, and one whose manners are watched."""
    return request.param  # type: ignore[no-any-return] # one of those above
