"""Every invalid part of a value, with its place, its kind and a message."""

import dataclasses
import datetime as dt
import uuid
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypedDict, TypeVar

import msgspec
import pytest
from msgspec import Meta

from ropewalk.typed.invalid_values import CODES, faults_in, type_of
from ropewalk.typed.unprocessable_content import MOST

Item = TypeVar("Item")


class Guest(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(min_length=2, max_length=5)]
    email: Annotated[str, Meta(pattern="@")]
    born: dt.date | None = None


class Booking(msgspec.Struct):
    guests: list[Guest]
    nights: Annotated[int, Meta(ge=1, le=9)]
    tags: dict[str, int] = {}

    def __post_init__(self) -> None:
        if self.nights == len(self.guests):
            raise ValueError("too many guests")


class Renamed(msgspec.Struct, rename="camel"):
    first_name: str


class Cat(msgspec.Struct, tag=True):
    lives: int


class Dog(msgspec.Struct, tag=True):
    name: str


class Page(msgspec.Struct, Generic[Item]):
    items: list[Item]


class Node(msgspec.Struct):
    value: int = 0
    below: "list[Node]" = []


@dataclasses.dataclass
class Checked:
    low: int
    high: int

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("low is above high")


class Numbered(msgspec.Struct):
    names: dict[int, str]
    count: int = 0

    def __post_init__(self) -> None:
        if 1 not in self.names:
            raise ValueError("no name for 1")


class Typed(TypedDict, total=False):
    size: int


class Point(NamedTuple):
    x: int
    y: int


class Color(Enum):
    RED = "red"


def found(value: Any, kind: Any, *, strict: bool = True) -> list[tuple[str, str]]:
    return [(fault.pointer, fault.code) for fault in faults_in(value, kind, strict=strict)]


ADA = {"name": "Ada", "email": "a@b"}
CASES: list[tuple[Any, Any, list[tuple[str, str]]]] = [
    (Guest, {}, [("/name", "missing"), ("/email", "missing")]),
    (Guest, ADA | {"name": "A"}, [("/name", "length")]),
    (Guest, ADA | {"name": "A" * 6}, [("/name", "length")]),
    (Guest, ADA | {"email": "ab", "born": "x", "age": 1}, [
        ("/email", "pattern"), ("/born", "format"), ("/age", "unknown"),
    ]),
    (Guest, 7, [("", "type")]),
    (dict[int, Guest], {"1": {"name": "A"}, "2": 1}, [("/1/name", "length"), ("/1/email", "missing"), ("/2", "type")]),
    (Numbered, {"names": {"1": "a"}, "count": "x"}, [("/count", "type")]),
    (list[Numbered], [{"names": {"2": "a"}}, {"names": {"1": "a"}, "count": "x"}], [
        ("/0", "invalid"), ("/1/count", "type"),
    ]),
    (Booking, {"guests": [ADA, 1, {"name": "x"}], "nights": 0, "tags": {"a": "b"}}, [
        ("/guests/1", "type"), ("/guests/2/name", "length"), ("/guests/2/email", "missing"), ("/nights", "range"),
        ("/tags/a", "type"),
    ]),
    (Booking, {"guests": [ADA], "nights": 1}, [("", "invalid")]),
    (list[Booking], [{"guests": [ADA], "nights": 1}, {"guests": [], "nights": 1}, {"guests": [ADA], "nights": 1}], [
        ("/0", "invalid"), ("/2", "invalid"),
    ]),
    (Renamed, {"first_name": "x"}, [("/firstName", "missing")]),
    (Renamed, {"firstName": 1}, [("/firstName", "type")]),
    (Cat | Dog, {"type": "Cat", "lives": "nine"}, [("/lives", "type")]),
    (Cat | Dog, {"type": "Cow"}, [("", "choice")]),
    (Page[int], {"items": [1, "2", 3, None]}, [("/items/1", "type"), ("/items/3", "type")]),
    (Node, {"below": [{"below": [{"value": "x"}]}, {"value": "y"}]}, [
        ("/below/0/below/0/value", "type"), ("/below/1/value", "type"),
    ]),
    (Checked, {"low": 2, "high": 1}, [("", "invalid")]),
    (Checked, {"low": "2"}, [("/low", "type"), ("/high", "missing")]),
    (Typed, {"size": "x"}, [("/size", "type")]),
    (Point, ["x", 1], [("", "type")]),
    (tuple[int, str], [1, 2], [("/1", "type")]),
    (tuple[int, str], [1], [("", "length")]),
    (tuple[int, ...], [1, "x", "y"], [("/1", "type"), ("/2", "type")]),
    (Annotated[list[int], Meta(max_length=1)], [1, "x"], [("", "length"), ("/1", "type")]),
    (dict[int, int], {"x": 1}, [("", "type")]),
    (dict[str, int], {"a/b": "x", "c~d": None}, [("/a~1b", "type"), ("/c~0d", "type")]),
    (Color, "blue", [("", "choice")]),
    (Literal[1, 2], 3, [("", "choice")]),
    (uuid.UUID, "x", [("", "format")]),
    (Decimal, "x", [("", "format")]),
    (dt.datetime, "2026-13-01T00:00:00", [("", "format")]),
    (int | None, "x", [("", "type")]),
    (int | str, 1.5, [("", "type")]),
    (set[int], [1, "x"], [("/1", "type")]),
    (bytes, "***", [("", "format")]),
    (Annotated[int, Meta(multiple_of=5)], 7, [("", "range")]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "value", "faults"), CASES)
def test_faults(kind: Any, value: Any, faults: list[tuple[str, str]]) -> None:
    assert found(value, kind) == faults
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(value, kind)


@pytest.mark.parametrize(("kind", "value", "faults"), CASES)
def test_codes_and_messages(kind: Any, value: Any, faults: list[tuple[str, str]]) -> None:
    for fault in faults_in(value, kind):
        assert fault.code in CODES
        assert fault.message
        assert "$" not in fault.message, "the place stands in the pointer"


def test_text_is_read_as_numbers_where_it_must_be() -> None:
    assert found({"guests": [], "nights": "0"}, Booking, strict=False) == [("/nights", "range")]
    assert found({"items": ["1", "x"]}, Page[int], strict=False) == [("/items/1", "type")]


def test_the_count_is_bounded() -> None:
    assert len(faults_in(["x"] * 10_000, list[int])) == MOST
    assert len(faults_in([{}] * 10_000, list[Guest])) == MOST


class Counting(msgspec.Struct):
    below: "list[Counting]" = []
    value: int = 0

    def __post_init__(self) -> None:
        COUNTED.append(self.value)


COUNTED: list[int] = []


def test_each_part_is_built_once() -> None:
    """Each object is built once. If each level built all levels below it again, the program's checks would take time
    that grows with the square of the depth.
    """
    COUNTED.clear()
    value: dict[str, Any] = {"value": "wrong"}
    for depth in range(50):
        value = {"below": [{"value": depth}, value]}
    assert found(value, Counting) == [("/below/1" * 50 + "/value", "type")]
    assert sorted(COUNTED) == list(range(50))


@pytest.mark.parametrize(
    "kind",
    [
        int, str, bool, None, bytes, dt.date, dt.time, dt.timedelta, uuid.UUID, Decimal, Color, Literal["a", 1], Guest,
        list[Guest], dict[str, list[int]], tuple[int, str], tuple[int, ...], set[int], frozenset[str], int | None, Any,
        Annotated[str, Meta(min_length=1, pattern="a")], Annotated[list[int], Meta(max_length=3)], Point, Typed,
    ],
)  # fmt: skip
def test_the_type_of_a_description(kind: Any) -> None:
    described = msgspec.inspect.type_info(kind)
    assert msgspec.inspect.type_info(type_of(described)) == described


@pytest.mark.parametrize("pattern", [r"^[^@\s]+@[^@\s]+$", "it's", 'say "x"', "both ' and \"", r"^\\$"])
def test_a_pattern_is_written_as_in_the_code(pattern: str) -> None:
    """msgspec writes the repr of the pattern, which doubles each backslash. Our message has the pattern itself."""
    (fault,) = faults_in("#", Annotated[str, Meta(pattern=pattern)])
    assert (fault.code, fault.message) == ("pattern", f"Expected `str` matching regex `{pattern}`")
