"""Integers that are written with a fraction of zero or an exponent."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from msgspec import Struct

from ropewalk import App
from ropewalk.testing import Client
from ropewalk.typed.whole_numbers import with_plain_integers


class Room(Struct):
    number: str
    beds: int
    size: float = 0
    price: Decimal = Decimal(0)
    others: list[int] = []


app = App()


@app.post("/")
def add(room: Room) -> Room:
    return room


client = Client(app)


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("2.0", "2"),
        ("-2.000", "-2"),
        ("2.5", "2.5"),
        ("2.05", "2.05"),
        ("20", "20"),
        ("1e2", "100"),
        ("1.5E+1", "15"),
        ("1e-2", "1e-2"),
        ("1e999", "1e999"),
        ("9007199254740993.0", "9007199254740993"),
        ('"2.0"', '"2.0"'),
        (r'"\"2.0"', r'"\"2.0"'),
        (r'{"a\\":2.0,"b":"1.0"}', r'{"a\\":2,"b":"1.0"}'),
        ('"unterminated 2.0', '"unterminated 2.0'),
        ('"unterminated 2.0\\', '"unterminated 2.0\\'),
        ("", ""),
    ],
)
def test_what_is_written_plainly(written: str, plain: str) -> None:
    assert with_plain_integers(written.encode()) == plain.encode()


def test_what_has_none_is_the_same_object() -> None:
    body = b'{"a": 1.5}'
    assert with_plain_integers(body) is body


@pytest.mark.parametrize("beds", ["2.0", "2e0", "0.2E1"])
def test_where_an_int_is_expected(beds: str) -> None:
    sent = client.post("/", body=f'{{"number":"2.0","beds":{beds},"size":1.5}}', headers=JSON)
    assert sent.json() == {"number": "2.0", "beds": 2, "size": 1.5, "price": "0", "others": []}


def test_only_what_is_wrong_is_reported() -> None:
    body = {"number": "1", "beds": 2.0, "others": [1.0, 1.5]}
    sent = client.post("/", body=msgspec.json.encode(body), headers=JSON)
    assert sent.status == 422
    assert [each["pointer"] for each in sent.json()["errors"]] == ["/others/1"]


def test_decimals_and_floats_stay_as_they_are_in_a_valid_body() -> None:
    sent = client.post("/", body='{"number":"1","beds":2,"price":1.50,"size":2.0}', headers=JSON)
    assert sent.json()["price"] == "1.50"


@pytest.mark.parametrize(
    "body", ['{"number":"1","beds":2.0', '{"number":"1","beds":2.0,"size":1e', '{"beds":2.5,"size":"']
)
def test_a_syntax_error_after_a_fault(body: str) -> None:
    assert client.post("/", body=body, headers=JSON).status == 400


@pytest.mark.parametrize("part", [b'"', b'\\"', b'"\\', b"1", b"1.", b"1e", b"-", b"\\", b"[2.0,"])
def test_the_time_is_linear(part: bytes) -> None:
    """If a byte were read again for each byte before it, these bodies would take hours."""
    body = b'{"number":"1","beds":2.0,"size":' + part * (1_000_000 // len(part))
    with_plain_integers(body)
    with_plain_integers(b'"' + body)
    with_plain_integers(body + b"\\")


JSON: dict[str, Any] = {"content-type": "application/json"}
