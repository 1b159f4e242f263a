"""Representations of values on error pages, and the bounds of their work."""

import array
import types
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from dataclasses import dataclass, field
from typing import Any, NoReturn

import msgspec
import pytest

from ropewalk.dev.failures import MOST_FRAMES, shown_exceptions
from ropewalk.dev.redaction import HIDDEN
from ropewalk.dev.short_reprs import LONGEST, MOST_PARTS, ReprBudget, short_repr


@dataclass
class Guest:
    name: str = "ada"
    password: str = "x"
    hidden: int = field(default=0, repr=False)


@dataclass
class OwnRepr:
    name: str = "ada"

    def __repr__(self) -> str:
        return "own"


class Room(msgspec.Struct):
    id: int = 7
    token: str = "x"


class Rows(list[Any]):
    pass


Pair = namedtuple("Pair", "a token")


class Counted:
    """An object that counts the calls of its `__repr__`."""

    calls = 0

    def __repr__(self) -> str:
        Counted.calls += 1
        return "counted"


@pytest.fixture(autouse=True)
def _reset() -> None:
    Counted.calls = 0


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"a": 1, "password": "x", b"token": 2}, f"{{'a': 1, 'password': {HIDDEN}, b'token': {HIDDEN}}}"),
        ((1,), "(1,)"),
        (set(), "set()"),
        ({1}, "{1}"),
        (frozenset({1}), "frozenset({1})"),
        (deque([1]), "deque([1])"),
        (Rows([1]), "Rows([1])"),
        (array.array("i", [1]), "array([1])"),
        (defaultdict(list, {"a": [1]}), "defaultdict({'a': [1]})"),
        (OrderedDict(a=1), "OrderedDict({'a': 1})"),
        (Counter("aab"), "Counter({'a': 2, 'b': 1})"),
        ({"a": 1}.keys(), "dict_keys(['a'])"),
        (Guest(), f"Guest(name='ada', password={HIDDEN})"),
        (OwnRepr(), "own"),
        (Room(), f"Room(id=7, token={HIDDEN})"),
        (Pair(1, 2), f"Pair(a=1, token={HIDDEN})"),
        (types.SimpleNamespace(a=1), "SimpleNamespace(a=1)"),
        (ValueError("a", 1), "ValueError('a', 1)"),
        (list(range(13)), "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, ...]"),
        ([[[[[[1]]]]]], "[[[[[...]]]]]"),
        (1 << 5000, "<int of 5001 bits>"),
        ("x" * 241, f"'{'x' * 240}'... (241 characters)"),
        (b"x" * 241, f"b'{'x' * 240}'... (241 bytes)"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values(value: object, shown: str) -> None:
    assert short_repr(value) == shown


def test_a_value_that_contains_itself() -> None:
    rows: list[Any] = []
    rows.append(rows)
    assert short_repr(rows) == "[[[[[...]]]]]"


def mapping_of(items: list[Any]) -> dict[int, Any]:
    return dict(enumerate(items))


@pytest.mark.parametrize("kind", [list, tuple, deque, Rows, mapping_of])
def test_nested_values_have_a_bound(kind: Any) -> None:
    """12 items at each of 4 levels would be 20736 calls."""
    value: Any = Counted()
    for _ in range(4):
        value = kind([value] * 12)
    text = short_repr(value)
    assert 0 < Counted.calls <= MOST_PARTS
    assert len(text) <= LONGEST + 30


def test_a_large_set_is_not_sorted() -> None:
    class Unordered(int):
        def __lt__(self, other: object) -> NoReturn:
            raise AssertionError

        __hash__ = int.__hash__

    assert short_repr({Unordered(number) for number in range(100)}).endswith(", ...}")


def failing(depth: int, value: object) -> NoReturn:
    if depth:
        failing(depth - 1, value)
    raise LookupError


def error_of(depth: int, value: object) -> LookupError:
    try:
        failing(depth, value)
    except LookupError as error:
        return error


def variables_of(error: BaseException, budget: ReprBudget) -> list[str]:
    """The representations of `value` in all frames, outermost first."""
    [shown] = shown_exceptions(error, budget=budget)
    return [text for frame in shown.frames for name, text in frame.variables if name == "value"]


def test_the_values_of_a_page_have_a_bound() -> None:
    error = error_of(20, [Counted()] * 12)
    found = variables_of(error, ReprBudget(parts=100))
    assert 0 < Counted.calls <= 100
    assert found[0].startswith("(left out, because")
    assert found[-1].startswith("[counted, ")  # the frame that raised


def test_the_time_of_a_page_has_a_bound() -> None:
    now = 0.0

    class Slow:
        def __repr__(self) -> str:
            nonlocal now
            now += 0.4
            return "slow"

    found = variables_of(error_of(5, Slow()), ReprBudget(seconds=0.5, clock=lambda: now))
    assert found[-2:] == ["slow", "slow"]
    assert all(text.startswith("(left out, because") for text in found[:-2])


def test_frames_that_are_left_out_cost_nothing() -> None:
    found = variables_of(error_of(200, Counted()), ReprBudget())
    assert len(found) == MOST_FRAMES
    assert Counted.calls == MOST_FRAMES
