"""The values of typed handlers: the return annotation shapes them, and the route gives the status."""

import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, TypedDict, cast

import msgspec
import pydantic
import pytest
from tests.unit.conftest import Log
from twisted.internet.defer import Deferred, succeed
from typing_extensions import TypeAliasType

from ropewalk import App, Request, Response
from ropewalk.testing import Client


class Room(msgspec.Struct):
    number: str


class Stored(Room):
    secret: str = "s"


@dataclasses.dataclass
class Row:
    number: str
    secret: str = "s"


class Public(TypedDict):
    number: str


@dataclasses.dataclass
class View:
    number: str


class Model(pydantic.BaseModel):
    number: str


class Page(msgspec.Struct):
    items: list[Room]
    next: str | None = None


class OpenPage(msgspec.Struct):
    items: list[Stored]
    next: str | None = None


class Other(msgspec.Struct):
    name: str


class Book(msgspec.Struct):
    pages: dict[str, Page | None]
    first: Public | None = None
    pair: tuple[Room, int] | None = None


class Tree(msgspec.Struct, frozen=True):
    room: Room
    below: list["Tree"] = []


@dataclasses.dataclass(frozen=True, slots=True)
class Rows:
    rows: list[Row]


@dataclasses.dataclass(frozen=True, slots=True)
class Views:
    rows: list[View]


class StoredModel(Model):
    secret: str = "s"


class OtherModel(pydantic.BaseModel):
    name: str


Alias = TypeAliasType("Alias", list[Room])


def returning(value: Any, kind: Any) -> list[Callable[..., Any]]:
    """A handler of each kind that returns a value and is annotated as returning a type."""

    def plain(request: Request) -> Any:
        return value

    async def coroutine(request: Request) -> Any:
        return value

    def deferred(request: Request) -> "Deferred[Any]":
        return succeed(value)

    def without_request() -> Any:
        return value

    handlers: list[Callable[..., Any]] = [plain, coroutine, deferred, without_request]
    for handler in handlers:
        handler.__annotations__["return"] = Deferred[kind] if handler is deferred else kind
    return handlers


CASES: list[tuple[Any, Any, Any]] = [
    (Stored("1"), Room, {"number": "1"}),
    (Row("1"), Room, {"number": "1"}),
    (Row("1"), View, {"number": "1"}),
    (Row("1"), Model, {"number": "1"}),
    (Stored("1"), Model, {"number": "1"}),
    ({"number": "1", "secret": "s"}, Room, {"number": "1"}),
    ({"number": "1", "secret": "s"}, Public, {"number": "1"}),
    ({"number": "1", "secret": "s"}, Model, {"number": "1"}),
    ([Stored("1"), Room("2")], list[Room], [{"number": "1"}, {"number": "2"}]),
    ([Row("1")], list[Model], [{"number": "1"}]),
    ({"a": Stored("1")}, dict[str, Room], {"a": {"number": "1"}}),
    (OpenPage([Stored("1")]), Page, {"items": [{"number": "1"}], "next": None}),
    (Stored("1"), Room | None, {"number": "1"}),
    (Page([Stored("1")]), Page, {"items": [{"number": "1"}], "next": None}),
    ([Page([Stored("1")])], list[Page], [{"items": [{"number": "1"}], "next": None}]),
    (Page([Stored("1")]), Page | None, {"items": [{"number": "1"}], "next": None}),
    (Views([cast("Any", Row("1"))]), Views, {"rows": [{"number": "1"}]}),
    (Rows([Row("1")]), Views, {"rows": [{"number": "1"}]}),
    (
        Book({"a": Page([Stored("1")]), "b": None}, cast("Any", {"number": "1", "secret": "s"}), (Stored("2"), 3)),
        Book,
        {
            "pages": {"a": {"items": [{"number": "1"}], "next": None}, "b": None},
            "first": {"number": "1"},
            "pair": [{"number": "2"}, 3],
        },
    ),
    (
        Tree(Room("1"), [Tree(Room("2"), [Tree(Stored("3"))])]),
        Tree,
        {
            "room": {"number": "1"},
            "below": [{"room": {"number": "2"}, "below": [{"room": {"number": "3"}, "below": []}]}],
        },
    ),
    (Stored("1"), Room | Other, {"number": "1"}),
    (Other("1"), Room | Other, {"name": "1"}),
    ({"number": "1", "secret": "s"}, Room | Other, {"number": "1"}),
    (Stored("1"), Room | Response, {"number": "1"}),
    (Stored("1"), Room | Iterator[bytes], {"number": "1"}),
    (Stored("1"), Room | Model, {"number": "1"}),
    (StoredModel(number="1"), Room | Model, {"number": "1"}),
    (StoredModel(number="1"), Model | OtherModel, {"number": "1"}),
    (OtherModel(name="1"), Model | OtherModel | None, {"name": "1"}),
    ([Stored("1"), Other("2")], list[Room | Other], [{"number": "1"}, {"name": "2"}]),
    ([StoredModel(number="1"), OtherModel(name="2")], list[Model | OtherModel], [{"number": "1"}, {"name": "2"}]),
    ({"a": Stored("1")}, dict[str, Room | Other], {"a": {"number": "1"}}),
    ([Stored("1")], Alias, [{"number": "1"}]),
    (Stored("1"), Stored, {"number": "1", "secret": "s"}),
    (Stored("1"), Any, {"number": "1", "secret": "s"}),
    ({"number": "1", "secret": "s"}, dict[str, str], {"number": "1", "secret": "s"}),
]


@pytest.mark.parametrize(("value", "kind", "sent"), CASES)
@pytest.mark.parametrize("which", range(4), ids=["plain", "coroutine", "deferred", "without a request"])
@pytest.mark.parametrize("around", [False, True], ids=["alone", "in middleware"])
def test_fields_that_the_annotation_lacks_are_dropped(
    value: Any, kind: Any, sent: Any, which: int, around: bool
) -> None:
    async def passing(request: Request, next: Any) -> Any:
        return await next(request)

    app = App(middleware=[passing] if around else [])
    app.get("/")(returning(value, kind)[which])
    response = Client(app).get("/")
    assert (response.status, response.headers["content-type"]) == (200, "application/json")
    assert response.json() == sent


@pytest.mark.parametrize("kind", [Room | None, Model | None, list[Room] | None])
@pytest.mark.parametrize("which", range(4))
def test_none_is_204(kind: Any, which: int) -> None:
    app = App()
    app.get("/")(returning(None, kind)[which])
    assert Client(app).get("/").status == 204


@pytest.mark.parametrize("which", range(4))
@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({"number": 1}, Room),
        ([Room("1"), 2], list[Room]),
        ({}, Model),
        (Other("1"), Room),
        ({"x": 1}, Room | Other),
        (1, list[Room | Other]),
        (Page([cast("Any", 1)]), Page),
        ("x", Room),
    ],
)
def test_a_value_that_does_not_match(value: Any, kind: Any, which: int, log: Log) -> None:
    handler = returning(value, kind)[which]
    app = App()
    app.get("/")(handler)
    assert Client(app, raise_errors=False).get("/").status == 500
    assert "RW215" in log.text
    assert f"{handler.__name__} at tests/unit/typed/test_outputs.py:" in log.text
    assert "returned a value that does not match" in log.text


@pytest.mark.parametrize("which", range(4))
def test_a_response_is_sent_as_it_is(which: int) -> None:
    app = App()
    app.get("/", status=201)(returning(Response({"a": 1}, 203), Room)[which])
    response = Client(app).get("/")
    assert (response.status, response.json()) == (203, {"a": 1})


@pytest.mark.parametrize("which", range(4))
@pytest.mark.parametrize(
    ("value", "kind", "sent"),
    [(Stored("1"), Room, b'{"number":"1"}'), ("made", str, b"made"), (b"made", bytes, b"made"), (None, None, b"")],
)
def test_the_status_of_the_route(value: Any, kind: Any, sent: bytes, which: int) -> None:
    app = App()
    app.post("/", status=201)(returning(value, kind)[which])
    response = Client(app).post("/")
    assert (response.status, response.body) == (201, sent)


def test_the_content_type_of_the_route_holds_with_a_status() -> None:
    app = App()
    app.post("/", status=202, content_type="text/html; charset=utf-8")(lambda request: "<p>")
    response = Client(app).post("/")
    assert (response.status, response.headers["content-type"]) == (202, "text/html; charset=utf-8")


def test_streams_are_sent_as_they_are() -> None:
    app = App()

    @app.get("/")
    async def stream(limit: int = 2) -> AsyncIterator[bytes]:
        for part in range(limit):
            yield b"%d" % part

    assert Client(app).get("/?limit=3").body == b"012"


def test_an_awaitable_annotation() -> None:
    app = App()

    async def later() -> Room:
        return Stored("1")

    @app.get("/")
    def handler(request: Request) -> Awaitable[Room]:
        return later()

    assert Client(app).get("/").json() == {"number": "1"}


def test_items_of_a_stream_of_a_union_are_narrowed() -> None:
    app = App()

    @app.get("/")
    def rooms(request: Request) -> Iterator[Room | Other]:
        yield Stored("1")
        yield Other("2")

    @app.get("/either")
    def either(request: Request) -> Iterator[Room] | Other:
        return iter([Stored("1")])

    assert Client(app).get("/").body == b'{"number":"1"}\n{"name":"2"}\n'
    assert Client(app).get("/either").body == b'{"number":"1"}\n'


def test_an_object_of_the_annotated_class_is_not_changed_itself() -> None:
    page = Page([Stored("1")])
    app = App()
    app.get("/")(returning(page, Page)[0])
    assert Client(app).get("/").json() == {"items": [{"number": "1"}], "next": None}
    assert page == Page([Stored("1")])
