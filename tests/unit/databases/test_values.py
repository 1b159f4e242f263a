"""Values of statements, and rows as objects."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, TypedDict
from uuid import UUID

import msgspec
import pydantic
import pytest

from ropewalk.databases import SQLite
from ropewalk.databases.values import bound
from ropewalk.errors import HandlerError

Run = Callable[[Coroutine[Any, Any, Any]], Any]


class Colour(Enum):
    RED = "red"


class Everything(msgspec.Struct):
    text: str
    number: int
    ratio: float
    flag: bool
    data: bytes
    day: date
    moment: datetime
    price: Decimal
    id: UUID
    colour: Colour
    nothing: str | None = None


EVERYTHING = Everything(
    text="ä",
    number=7,
    ratio=0.5,
    flag=True,
    data=b"\0\xff",
    day=date(2027, 5, 1),
    moment=datetime(2027, 5, 1, 12, 30, tzinfo=UTC),
    price=Decimal("9.50"),
    id=UUID(int=5),
    colour=Colour.RED,
)


def fetched(database: SQLite, run: Run, kind: Any, statement: str, values: Any = ()) -> Any:
    async def main() -> Any:
        async with database.open() as pool:
            return await pool.read.fetch(kind, statement, values)

    return run(main())


def test_every_type_returns_as_it_was_stored(database: SQLite, run: Run) -> None:
    names = Everything.__struct_fields__
    selected = ", ".join(f':{name} AS "{name}"' for name in names)
    assert fetched(database, run, Everything, f"SELECT {selected}", EVERYTHING) == [EVERYTHING]
    values = {name: getattr(EVERYTHING, name) for name in names}
    assert fetched(database, run, Everything, f"SELECT {selected}", values) == [EVERYTHING]
    marks = ", ".join(f'? AS "{name}"' for name in names)
    assert fetched(database, run, Everything, f"SELECT {marks}", list(values.values())) == [EVERYTHING]


@dataclass
class Point:
    x: int
    y: int


class PointDict(TypedDict):
    x: int
    y: int


class PointModel(pydantic.BaseModel):
    x: int
    y: int


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Point, Point(1, 2)),
        (PointDict, {"x": 1, "y": 2}),
        (dict[str, int], {"x": 1, "y": 2}),
        (PointModel, PointModel(x=1, y=2)),
        (tuple[int, int], (1, 2)),
    ],
)
def test_kinds_of_rows(database: SQLite, run: Run, kind: Any, expected: Any) -> None:
    assert fetched(database, run, kind, "SELECT :x AS x, :y AS y", Point(1, 2)) == [expected]


@pytest.mark.parametrize(("kind", "expected"), [(int, 3), (str | None, None), (date, date(2027, 5, 1))])
def test_the_only_column(database: SQLite, run: Run, kind: Any, expected: Any) -> None:
    assert fetched(database, run, kind, "SELECT ? AS x", (expected,)) == [expected]


def test_a_row_that_does_not_fit(database: SQLite, run: Run) -> None:
    with pytest.raises(msgspec.ValidationError):
        fetched(database, run, Point, "SELECT 1 AS x, 'a' AS y")
    with pytest.raises(msgspec.ValidationError):
        fetched(database, run, int, "SELECT 1 AS x, 2 AS y")


def test_the_first_row(database: SQLite, run: Run) -> None:
    async def main() -> None:
        async with database.open() as pool:
            assert await pool.read.fetch_one(int, "SELECT 1 UNION SELECT 2 ORDER BY 1") == 1
            assert await pool.read.fetch_one(int, "SELECT 1 WHERE 0") is None

    run(main())


def test_columns_by_index_and_name(database: SQLite, run: Run) -> None:
    async def main() -> None:
        async with database.open() as pool:
            (row,) = await pool.read.execute("SELECT 1 AS x, 2 AS y")
            assert (row[0], row["y"], tuple(row)) == (1, 2, (1, 2))

    run(main())


@pytest.mark.parametrize("values", ["abc", b"abc", 5, {1, 2}, Point])
def test_wrong_values(values: Any) -> None:
    """Wrong types of values are errors. Otherwise, for example, each character of a str would become a value."""
    with pytest.raises(HandlerError, match=r"RW283 The values of a statement are of type .*, such as `\(title,\)`"):
        bound(values)


def test_objects_that_sqlite_adapts(database: SQLite, run: Run) -> None:
    class Adapted:
        def __conform__(self, protocol: object) -> str:
            return "adapted"

    assert fetched(database, run, str, "SELECT ?", (Adapted(),)) == ["adapted"]
