"""Fixtures that fetch the suites."""

from pathlib import Path

import pytest
from tests.conformance import corpus as gunicorn
from tests.conformance import linting
from tests.conformance.corpus import Case
from tests.conformance.fetching import needed


@pytest.fixture(scope="session")
def corpus() -> dict[str, list[Case]]:
    """The files of gunicorn's corpus: "valid" and "invalid"."""
    with needed():
        return {kind: gunicorn.cases(kind) for kind in ("valid", "invalid")}


@pytest.fixture(scope="session")
def redbot_python() -> Path:
    """A Python interpreter with REDbot."""
    with needed():
        return linting.interpreter()
