"""Numbers, dates, UUIDs and enums that handlers return."""

from datetime import date, timedelta
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from msgspec import Struct
from tests.unit.conftest import Log

from ropewalk import App, OpenAPI, Request, Resource, Response
from ropewalk.testing import Client


class Bed(Enum):
    DOUBLE = "double"


class View(StrEnum):
    SEA = "sea"


class Floor(IntEnum):
    GROUND = 0


class Room(Struct):
    number: int


class Stored(Room):
    secret: str = "s"


def client_of(kind: Any, value: Any, **options: Any) -> Client:
    async def handler(request: Request) -> Any:
        return value

    handler.__annotations__["return"] = kind
    app = App(openapi=OpenAPI("Rooms", "1"))
    app.get("/", **options)(handler)
    return Client(app, raise_errors=False)


@pytest.mark.parametrize(
    ("kind", "value", "sent"),
    [
        (int, 7, b"7"),
        (int, True, b"1"),
        (bool, True, b"true"),
        (float, 1.5, b"1.5"),
        (float, 2, b"2.0"),
        (Decimal, Decimal("1.50"), b'"1.50"'),
        (date, date(2027, 5, 1), b'"2027-05-01"'),
        (timedelta, timedelta(seconds=3), b'"PT3S"'),
        (UUID, UUID(int=1), b'"00000000-0000-0000-0000-000000000001"'),
        (Bed, Bed.DOUBLE, b'"double"'),
        (Floor, Floor.GROUND, b"0"),
        (Literal["all", 3], 3, b"3"),
        (Annotated[int, "of rooms"], 4, b"4"),
        (int | None, 3, b"3"),
        (Room | int, 5, b"5"),
        (Room | int, Stored(1), b'{"number":1}'),
        (int | str, 5, b"5"),
    ],
)
def test_they_are_json(kind: Any, value: Any, sent: bytes) -> None:
    response = client_of(kind, value).get("/")
    assert (response.status, response.headers["content-type"], response.body) == (200, "application/json", sent)


@pytest.mark.parametrize(
    ("kind", "value", "sent"), [(int | str, "x", b"x"), (View, View.SEA, b"sea"), (Literal["all", 3], "all", b"all")]
)
def test_a_str_is_text(kind: Any, value: Any, sent: bytes) -> None:
    response = client_of(kind, value).get("/")
    assert (response.headers["content-type"], response.body) == ("text/plain; charset=utf-8", sent)


def test_none_and_a_response_stay_as_they_are() -> None:
    assert client_of(int | None, None).get("/").status == 204
    assert client_of(int, Response("busy", 503)).get("/").text == "busy"


def test_the_status_of_the_route() -> None:
    assert client_of(int, 7, status=202).get("/").status == 202


def test_the_description() -> None:
    document = client_of(UUID, UUID(int=1)).get("/openapi.json").json()
    schema = document["paths"]["/"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert schema == {"type": "string", "format": "uuid"}


@pytest.mark.parametrize(("kind", "value"), [(int, 1.5), (date, 7), (Bed, Floor.GROUND), (UUID, True)])
def test_another_type_is_a_mistake_of_the_program(kind: Any, value: Any, log: Log) -> None:
    assert client_of(kind, value).get("/").status == 500
    assert "RW215" in log.text


def test_a_method_of_a_resource_may_return_not_done_yet() -> None:
    class Rooms(Resource):
        def render_GET(self, request: Request) -> int:
            request.write(b"rooms")
            request.finish()
            return 1

    app = App()
    app.resource.putChild("rooms", Rooms())
    assert Client(app).get("/rooms").body == b"rooms"
