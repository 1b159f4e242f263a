"""`accepts`: whether a callable takes a number of positional arguments."""

from functools import partial
from typing import Any

import pytest

from ropewalk.calling.signatures import accepts


class Two:
    def __call__(self, one: Any, two: Any) -> None: ...


@pytest.mark.parametrize(
    ("function", "counts"),
    [
        (lambda: None, {0}),
        (lambda one, two: None, {2}),
        (lambda one, two=None: None, {1, 2}),
        (lambda *all: None, {0, 1, 2, 3}),
        (lambda one, *, needed: None, set()),
        (partial(lambda one, two: None, 1), {1}),
        (Two(), {2}),
        (Two, {0}),
    ],
)
def test_counts(function: Any, counts: set[int]) -> None:
    assert {count for count in range(4) if accepts(function, count)} == counts


def test_a_callable_without_a_signature_accepts_everything() -> None:
    assert accepts(max, 7)


def test_an_object_that_cannot_be_called_accepts_nothing() -> None:
    assert not accepts("not callable", 0)
