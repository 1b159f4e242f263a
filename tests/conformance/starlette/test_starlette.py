"""Starlette's own tests, with our engine between client and application."""

from collections import Counter

import pytest
from tests.conformance.fetching import needed
from tests.conformance.starlette.suite import Report, outcomes, surprises

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def report() -> Report:
    """The outcomes of all tests."""
    with needed():
        return outcomes()


def test_outcomes_are_as_listed(report: Report) -> None:
    assert surprises(report) == {}


def test_the_tests_come_by_the_engine(report: Report) -> None:
    """Tests that send requests must send them to the engine. This version of Starlette has 443 such tests, and skips
    one of them if the package brotli or zstandard is installed."""
    by_file = Counter(test.partition("::")[0] for test, outcome in report.items() if outcome.requests)
    assert by_file.total() == 442
    assert all(by_file[file] > 0 for file in ("test_requests.py", "test_responses.py", "middleware/test_base.py"))
