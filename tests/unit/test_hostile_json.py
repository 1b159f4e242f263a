"""No JSON that a client sends ends in a 500."""

import gc
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import IntEnum, IntFlag
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

import msgspec
import pytest
from tests.unit.conftest import Log

from ropewalk import App, Body, HTTPError, Limits, Request
from ropewalk.json_values import read_json
from ropewalk.testing import Client


class Node(msgspec.Struct):
    next: "Node | None" = None


class Guest(msgspec.Struct):
    name: str = ""


class Level(IntEnum):
    LOW = 1


class Flags(IntFlag):
    ONE = 1
    TWO = 2


class Pair(NamedTuple):
    first: int
    second: str = ""


class Cat(msgspec.Struct, tag="cat"):
    name: str = ""


class Dog(msgspec.Struct, tag="dog"):
    name: str = ""


HOSTILE_JSON = {
    "arrays": b"[" * 1000,
    "closed arrays": b"[" * 1000 + b"]" * 1000,
    "objects": b'{"a":' * 5000,
    "a field that is skipped": b'{"x":' + b"[" * 3000 + b"]" * 3000 + b"}",
    "a recursive type": b'{"next":' * 1000 + b"null" + b"}" * 1000,
    "a million": b"[" * 1_000_000,
    "strings between": b'["a",' * 3000,
    "an escape before": b'{"\\"[":' * 3000,
    "an integer": b"1" * 100_000,
    "a negative integer": b"-" + b"1" * 100_000,
    "an exponent": b"1e" + b"9" * 100_000,
    "a fraction": b"0." + b"1" * 100_000 + b"e-99999",
    "NaN": b"NaN",
    "Infinity": b"[Infinity]",
    "a surrogate": b'"\\ud800"',
    "two surrogates": b'"\\udc00\\ud800"',
    "not UTF-8": b'"\xff"',
    "a key that is not UTF-8": b'{"\xff": 1}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "a BOM": b'\xef\xbb\xbf{"a": 1}',
    "NUL": b"\x00",
    "a key twice": b'{"name": "a", "name": "b"}',
    "arrays in it": b'[[1], {"a": 1}]',
    "one that is no str": b'{"name": [[]]}',
    "nothing": b"",
    "a comma": b"[1,]",
}

TYPES = {"Any": Any, "Struct": Guest, "Node": Node, "Raw": msgspec.Raw, "set": set, "int": int}
TYPES |= {"dict": dict[int, float], "list": list[Any]}


@pytest.mark.parametrize("kind", TYPES.values(), ids=TYPES)
@pytest.mark.parametrize("body", HOSTILE_JSON.values(), ids=HOSTILE_JSON)
def test_json_is_never_a_failure_of_the_server(body: bytes, kind: Any, log: Log) -> None:
    app = App()

    @app.post("/")
    async def read(request: Request) -> str:
        await request.json(kind)
        return "read"

    def read_typed(value: Any) -> str:
        return "read"

    read_typed.__annotations__ = {"value": Annotated[kind, Body()], "return": str}
    app.post("/typed")(read_typed)
    client = Client(app)
    for path in ("/", "/typed"):
        assert client.post(path, body=body, headers=AS_JSON).status in (200, 400, 422)
    assert log == []


AS_JSON = {"content-type": "application/json"}

ODD = ["1e99999999999999999999", "-1e-99999999999999999999", "1e400", "NaN", "sNaN", "inf", "9" * 4299, "9" * 4301]
ODD += ["18446744073709551616", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59.9999999-23:59", "0000-01-01"]
ODD += ["24:00:00", "23:59:60", "P99999999999D", "P" + "9" * 500 + "D", "a" * 36, "", "=", "YQ==", "\x00", "1_0", " 1"]
ODD += ["٣", "{00000000000000000000000000000000}", "true", "-0", "a"]

KINDS: list[Any] = [
    Decimal,
    datetime,
    date,
    time,
    timedelta,
    UUID,
    bytes,
    bytearray,
    memoryview,
    int,
    float,
    bool,
    str,
    Level,
    Flags,
]
KINDS += [
    set[Decimal],
    set[Any],
    set[tuple[Any, ...]],
    frozenset[float],
    dict[int, Any],
    dict[float, int],
    dict[UUID, int],
]
KINDS += [dict[datetime, Any], dict[Level, int], Pair, tuple[int, str], Cat | Dog, Literal[1, "a"], int | float]
KINDS += [Annotated[float, msgspec.Meta(multiple_of=0.1)], Annotated[datetime, msgspec.Meta(tz=True)], Any]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_no_value_is_a_failure_of_the_server(kind: Any) -> None:
    for odd in ODD:
        for value in (msgspec.json.encode(odd).decode(), odd):
            key = msgspec.json.encode(odd).decode()
            for body in (value, f"[{value}]", f"[[[{value}]], {{}}]", f"{{{key}: {value}}}", f'{{"type": {value}}}'):
                with suppress(HTTPError):
                    read_json(body.encode(), kind)


def test_a_spooled_body_that_is_refused_is_closed() -> None:
    """A request that is refused closes its spooled body at once. Otherwise the garbage collector might free the open
    file, and the warning would fail the test."""
    app = App(limits=Limits(spool_size=1000))

    @app.post("/")
    async def read(request: Request) -> None:
        request.state.circle = request
        await request.json()

    for _ in range(5):
        assert Client(app).post("/", body=b"[" * 100_000, headers=AS_JSON).status == 400
        gc.collect()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[" * 200 + b"]" * 200, 200),
        (b"[" * 201 + b"]" * 201, 400),
        (b'{"a":' * 200 + b"1" + b"}" * 200, 200),
        (b'{"a":' * 201 + b"1" + b"}" * 201, 400),
        (b"[" + b"[]," * 1000 + b"1]", 200),
        (b'["' + b"[" * 1000 + b'"]', 200),
        (b'["\\"' + b"[" * 1000 + b'", "\\\\", "[{"]', 200),
        (b"[" * 190 + b"[]," * 1000 + b"[1]" + b"]" * 190, 200),
    ],
)
def test_how_deep_json_may_be(body: bytes, status: int, log: Log) -> None:
    """JSON that is too deep is refused. All other JSON that is read can also be sent."""
    app = App()

    @app.post("/")
    async def echo(request: Request) -> Any:
        return await request.json()

    response = Client(app).post("/", body=body, headers=AS_JSON)
    assert response.status == status
    assert (
        response.status == 200
        or response.json()["detail"] == "The body has arrays and objects nested more than 200 deep."
    )
    assert log == []
