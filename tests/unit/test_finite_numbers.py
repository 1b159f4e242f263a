"""Numbers of requests that are infinite, or not a number: no input takes them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, NamedTuple

import msgspec
import pydantic
import pytest
from msgspec import Meta, Struct

from ropewalk import App, Body, Cookie, Header, JSONPatch, MergePatch, Query, Request
from ropewalk.finite_numbers import infinite_finder, is_infinite, may_be_infinite
from ropewalk.paging import CursorPages, CursorQuery
from ropewalk.testing import Client

INFINITE = ["NaN", "sNaN", "-nan", "NaN123", "Infinity", "-inf", " +INFINITY ", "n_a_n", "\u3000i_nf\t", "nan\u0661"]
FINITE = ["0", "1e400", "-1.5", "9" * 400, "infinite", "nan?", "", "banana", "1_0", "\ud800"]


class Money(Struct, tag="money"):
    amount: Decimal
    most: Decimal = Decimal("Infinity")


class Note(Struct, tag="note"):
    amount: str


class Row(Struct, array_like=True, tag="row"):
    name: str
    amount: Decimal


class Line(Struct, array_like=True, tag="line"):
    text: str


class Pair(NamedTuple):
    name: str
    amount: Decimal


@dataclass
class Tree:
    amount: Decimal | None = None
    below: "list[Tree]" = field(default_factory=list)


class MoneyModel(pydantic.BaseModel):
    amount: float


@pytest.mark.parametrize("text", INFINITE)
def test_texts_of_infinite_numbers(text: str) -> None:
    assert is_infinite(text)
    for body in (msgspec.json.encode(text), b'"' + "".join(f"\\u{ord(each):04x}" for each in text).encode() + b'"'):
        assert may_be_infinite(body)


@pytest.mark.parametrize("text", FINITE)
def test_other_texts(text: str) -> None:
    assert not is_infinite(text)


NESTED: list[tuple[Any, Callable[[str], Any]]] = [
    (Decimal, lambda text: text),
    (Money, lambda text: {"type": "money", "amount": text}),
    (Money | Note, lambda text: {"type": "money", "amount": text}),
    (Row, lambda text: ["row", "NaN", text]),
    (Row | Line, lambda text: ["row", "NaN", text]),
    (Pair, lambda text: ["NaN", text]),
    (Tree, lambda text: {"below": [{"below": [{"amount": text}]}]}),
    (dict[str, Decimal], lambda text: {"NaN": text}),
    (dict[Decimal, str], lambda text: {text: "NaN"}),
    (tuple[str, Decimal], lambda text: ["NaN", text]),
    (tuple[Decimal, ...], lambda text: ["1", text]),
    (list[Annotated[Decimal, Meta(description="a price")] | None], lambda text: [None, text]),
]


@pytest.mark.parametrize(("kind", "made"), NESTED, ids=str)
def test_bodies(kind: Any, made: Callable[[str], Any]) -> None:
    """A text that is not a finite number is refused for a Decimal. The same text is accepted for a str beside it."""
    app = App()

    @app.post("/typed")
    def typed(value: Annotated[kind, Body(media_types=("application/json", "application/msgpack"))]) -> str:
        return "taken"

    @app.post("/read")
    async def read(request: Request) -> str:
        await request.json(kind)
        return "taken"

    client = Client(app)
    packed = {"content-type": "application/msgpack"}
    for text in INFINITE:
        response = client.post("/typed", json=made(text))
        assert (response.status, len(response.json()["errors"])) == (422, 1)
        status = client.post("/typed", body=msgspec.msgpack.encode(made(text)), headers=packed).status
        assert status == 422 or (status == 400 and text == "sNaN" and kind == dict[Decimal, str])  # it has no hash
        assert client.post("/read", json=made(text)).status == 422
    assert client.post("/typed", json=made("1.5")).text == "taken"
    assert client.post("/typed", body=msgspec.msgpack.encode(made("1.5")), headers=packed).text == "taken"
    assert client.post("/read", json=made("1.5")).text == "taken"


@pytest.mark.parametrize("kind", [Note, list[float], dict[str, Note], Any])
def test_bodies_without_decimals_are_not_searched(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The search takes longer than decoding a small body, so it is left out if the type has no decimals."""

    def search(body: bytes) -> bool:
        raise AssertionError(body)

    monkeypatch.setattr("ropewalk.json_values.may_be_infinite", search)
    app = App()

    @app.post("/typed")
    def typed(value: Annotated[kind, Body()]) -> str:
        return "taken"

    @app.post("/read")
    async def read(request: Request) -> str:
        await request.json(kind)
        return "taken"

    note = {"type": "note", "amount": "nan"}
    value = {Note: note, list[float]: [1.5], dict[str, Note]: {"inf": note}, Any: [note]}[kind]
    assert [Client(app).post(path, json=value).text for path in ("/typed", "/read")] == ["taken", "taken"]


def test_the_place_of_the_number() -> None:
    app = App()

    @app.post("/")
    def take(value: list[Money | Note]) -> None: ...

    values = [{"type": "note", "amount": "NaN"}, {"type": "money", "amount": "NaN"}]
    assert Client(app).post("/", json=values).json()["errors"] == [
        {"location": "body", "pointer": "/1/amount", "code": "range", "message": "Expected a finite number"}
    ]
    assert Client(app).post("/", json=values[:1]).status == 204


def test_floats_of_messagepack() -> None:
    app = App()

    @app.post("/")
    def take(value: Annotated[dict[str, float], Body(media_types=("application/msgpack",))]) -> None: ...

    for number in (float("nan"), float("inf")):
        body = msgspec.msgpack.encode({"a": 1.0, "b": number})
        response = Client(app).post("/", body=body, headers={"content-type": "application/msgpack"})
        assert [each["pointer"] for each in response.json()["errors"]] == ["/b"]


class Prices(Struct):
    least: float = 0.0
    most: list[Decimal] = []


def test_named_values() -> None:
    app = App()

    @app.get("/")
    def one(
        least: float | None = None,
        most: Decimal = Decimal("Infinity"),
        several: Annotated[tuple[float, ...], Query()] = (),
        limit: Annotated[Decimal, Header()] = Decimal(1),
        price: Annotated[float, Cookie()] = 1.0,
        name: float | str = "",
    ) -> str:
        return str(name)

    @app.get("/whole")
    def whole(prices: Annotated[Prices, Query()]) -> None: ...

    @app.get("/{price}/path")
    def path(price: Decimal) -> None: ...

    client = Client(app)
    for text in ("nan", "inf", "-Infinity", "NaN"):
        for name in ("least", "most", "several"):
            response = client.get("/", params={name: text})
            assert [each["name"] for each in response.json()["errors"]] == [name]
        assert client.get("/", headers={"limit": text}).status == 422
        assert client.get("/", cookies={"price": text}).status == 422
        assert client.get("/whole", params={"least": text}).status == 422
        assert client.get("/whole", params={"most": ["1", text]}).status == 422
        assert client.get(f"/{text}/path").status == 422
        assert client.get("/", params={"name": text}).text == text
    assert client.get("/", params={"least": "1e3", "most": "1e400", "several": ["1", "-2.5"]}).status == 200


def test_patches() -> None:
    app = App()

    @app.patch("/")
    def change(patch: MergePatch[Money] | JSONPatch[Money]) -> None:
        patch.apply(Money(Decimal(1), Decimal(2)))

    client = Client(app)
    merge = {"content-type": "application/merge-patch+json"}
    response = client.patch("/", body='{"amount": "NaN"}', headers=merge)
    assert [each["pointer"] for each in response.json()["errors"]] == ["/amount"]
    operations = b'[{"op": "replace", "path": "/amount", "value": "-inf"}]'
    assert client.patch("/", body=operations, headers={"content-type": "application/json-patch+json"}).status == 422
    assert client.patch("/", body='{"amount": "1.5"}', headers=merge).status == 204


def test_cursors() -> None:
    pages: CursorPages[Decimal] = CursorPages(Decimal)
    app = App()

    @app.get("/")
    def find(query: Annotated[CursorQuery, Query()]) -> str:
        return str(pages.position(query).key)

    assert Client(app).get("/", params={"cursor": "W2ZhbHNlLCJOYU4iXQ"}).status == 422  # [false,"NaN"]
    assert Client(app).get("/", params={"cursor": "W2ZhbHNlLCIxLjUiXQ"}).text == "1.5"


@pytest.mark.parametrize("name", [b"NaN", b"Infinity", b"-Infinity"])
def test_a_model_of_pydantic_takes_no_names_of_numbers(name: bytes) -> None:
    """NaN and Infinity are not JSON, so a body with one of them as a number is refused, also for a model of pydantic.
    In texts, the model decides by its `allow_inf_nan`."""
    app = App()

    @app.post("/")
    def take(value: MoneyModel) -> None: ...

    headers = {"content-type": "application/json"}
    assert Client(app).post("/", body=b'{"amount": %s}' % name, headers=headers).status == 400
    assert Client(app).post("/", body=b'{"amount": 1, "note": "%s"}' % name, headers=headers).status == 204


def test_types_without_such_numbers() -> None:
    assert infinite_finder(dict[str, list[Note]]) is None
    assert infinite_finder(Prices) is not None
    assert infinite_finder(list[float]) is None
    assert infinite_finder(list[float], floats=True) is not None
