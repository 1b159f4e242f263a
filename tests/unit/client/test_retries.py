"""How often a call is repeated, and how long the client waits before each repetition."""

import pytest

from ropewalk.client import Retries
from ropewalk.client.retries import RetryBudget, retry_delay
from ropewalk.clocks import using
from ropewalk.headers import Headers, http_date
from ropewalk.testing import ClientClock

OPTIONS = Retries(attempts=5, first_delay=1, longest_delay=3)


def delay(attempt: int, after: str | None = None, random: float = 1.0) -> float | None:
    headers = None if after is None else Headers({"retry-after": after})
    return retry_delay(OPTIONS, attempt, headers, lambda: random)


def test_the_delay_doubles_up_to_a_bound() -> None:
    assert [delay(attempt) for attempt in (1, 2, 3, 4, 5)] == [1, 2, 3, 3, None]
    assert delay(1, random=0) == 0
    assert retry_delay(Retries(attempts=10**9), 10**6, None, lambda: 1) == 10


@pytest.mark.parametrize(
    ("value", "expected"),
    [("0", 0.5), ("2", 2.5), ("3", 3), ("4", None), ("9" * 5000, None), ("-1", 0.5), ("soon", 0.5), ("1.5", 0.5)],
)
def test_retry_after(value: str, expected: float | None) -> None:
    assert delay(1, value, 0.5) == expected


def test_retry_after_as_a_date() -> None:
    clock = ClientClock()
    with using(clock):
        now = clock.unix_time()
        assert 1.5 <= (delay(1, http_date(now + 2), 0.5) or 0) <= 2.5
        assert delay(1, http_date(now - 100), 0.5) == 0.5
        assert delay(1, http_date(now + 100), 0.5) is None


def test_the_budget() -> None:
    budget = RetryBudget(Retries(budget=0.5))
    assert [budget.take() for _ in range(11)] == [True] * 10 + [False]
    budget.note_request()
    assert not budget.take()
    budget.note_request()
    assert [budget.take(), budget.take()] == [True, False]
    for _ in range(1000):
        budget.note_request()
    assert [budget.take() for _ in range(11)].count(True) == 10
