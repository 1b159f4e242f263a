"""Structs with models of pydantic in their fields, as what a handler returns: `-> Page[Room]`."""

import dataclasses
from collections.abc import Callable
from typing import Any

import msgspec
import pydantic
import pytest
from tests.unit.conftest import Log

from ropewalk import App, OpenAPI, Request, Response
from ropewalk.errors import HandlerError
from ropewalk.openapi import document_of
from ropewalk.paging import OffsetPage, OffsetQuery, Page, offset_page
from ropewalk.statuses import Created
from ropewalk.testing import Client


class Room(pydantic.BaseModel):
    number: int = pydantic.Field(default=7, alias="no")


class Stored(Room):
    secret: str = "s"


class Floor(msgspec.Struct, rename="camel", tag="floor"):
    best_room: Room
    all_rooms: dict[str, Room] | None = None

    def __post_init__(self) -> None:
        if self.all_rooms == {}:
            raise ValueError("it has no rooms")


class Linked(msgspec.Struct):
    room: Room
    after: "Linked | None" = None


class House(msgspec.Struct):
    floors: list[Floor]


@dataclasses.dataclass
class Booking:
    room: Room


def page() -> Page[Room]:
    return Page(items=[Stored()], next="x")


def offset(request: Request) -> OffsetPage[Room]:
    return offset_page(request, OffsetQuery(), [Stored()], 1)


def optional() -> Page[Room] | None:
    return page()


def listed() -> list[Page[Room]]:
    return [page()]


def created() -> Created[Page[Room]]:
    return Created(page())


def with_type() -> Response:
    return Response[Page[Room]](page())


def renamed() -> Floor:
    return Floor(Stored(), {"a": Stored()})


def from_a_dict() -> Page[Room]:
    return {"items": [{"no": 7, "secret": "s"}], "next": "x"}  # type: ignore[return-value] # the subject of the test


ROOM = {"no": 7}
PAGE = {"items": [ROOM], "next": "x", "previous": None}
RETURNED: list[tuple[Callable[..., Any], Any]] = [
    (page, PAGE),
    (offset, {"items": [ROOM], "total": 1, "offset": 0, "limit": 20}),
    (optional, PAGE),
    (listed, [PAGE]),
    (created, PAGE),
    (with_type, PAGE),
    (renamed, {"type": "floor", "bestRoom": ROOM, "allRooms": {"a": ROOM}}),
    (from_a_dict, PAGE),
]


@pytest.mark.parametrize(("handler", "body"), RETURNED, ids=[each[0].__name__ for each in RETURNED])
def test_fields_that_a_model_lacks_are_dropped(handler: Callable[..., Any], body: Any) -> None:
    app = App()
    app.get("/")(handler)
    assert Client(app).get("/").json() == body


def test_a_function_that_makes_a_representation_gets_the_struct() -> None:
    app = App()
    app.get("/", produces={"text/plain": repr})(page)
    assert Client(app).get("/").text == "Page(items=[Room(number=7)], next='x', previous=None)"


@pytest.mark.parametrize(
    "value",
    [Page(items=[object()]), Page(items=[Room()], next=5), 5, Floor],  # type: ignore[arg-type] # wrong ones
)
def test_a_value_that_does_not_match(value: Any, log: Log) -> None:
    app = App()

    @app.get("/")
    def show() -> Page[Room]:
        return value  # type: ignore[no-any-return] # the subject of the test

    assert Client(app, raise_errors=False).get("/").status == 500
    assert "RW215" in log.text


def test_a_value_that_the_struct_itself_refuses(log: Log) -> None:
    app = App()
    floor = renamed()
    floor.all_rooms = {}

    @app.get("/")
    def show() -> Floor:
        return floor

    assert Client(app, raise_errors=False).get("/").status == 500
    assert "RW215" in log.text
    assert "it has no rooms" in log.text


@pytest.mark.parametrize("kind", [Linked, House, Booking])
def test_deeper_ones_are_refused(kind: Any) -> None:
    def show() -> Any: ...

    show.__annotations__["return"] = kind
    with pytest.raises(HandlerError, match="RW228 .* can be in a field of a Struct that is returned"):
        App().get("/")(show)


def test_the_description_refers_to_the_schemas_of_models() -> None:
    app = App()
    app.get("/a")(page)
    app.get("/b")(offset)
    app.get("/c")(listed)

    @app.get("/d")
    def show() -> Room:
        return Room()

    found = document_of(app.resource, OpenAPI(title="Rooms", version="1"))["components"]["schemas"]
    assert sorted(found) == ["OffsetPage_Room_", "Page_Room_", "Room"]
    items = {"type": "array", "items": {"$ref": "#/components/schemas/Room"}}
    assert found["Page_Room_"]["properties"]["items"] == items
    assert found["OffsetPage_Room_"]["properties"]["items"] == items
