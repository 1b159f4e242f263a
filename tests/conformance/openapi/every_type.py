"""An API with every type that typed handlers can take from each part of a request. It sends the values back."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypedDict, TypeVar
from uuid import UUID

import pydantic
from msgspec import Meta, Struct

from ropewalk import App, Body, Cookie, Header, HTTPError, OpenAPI, Path, Query, Request, ServerSentEvent
from ropewalk.middleware import (
    AllowedHostsOptions,
    BodyLimitOptions,
    RateLimit,
    RateLimitOptions,
    TimeoutOptions,
    allowed_hosts,
    body_limit,
    conditional,
    idempotency,
    rate_limit,
    request_id,
    timeout,
)

Item = TypeVar("Item")


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Circle(Struct, tag="circle"):
    radius: Annotated[float, Meta(gt=0, le=1000)]


class Square(Struct, tag="square", forbid_unknown_fields=True):
    side: Annotated[int, Meta(ge=1)]


class Point(NamedTuple):
    x: int
    y: int = 0


class Bill(TypedDict, total=False):
    total: Decimal
    paid: bool


@dataclass
class Person:
    name: Annotated[str, Meta(min_length=1, max_length=20)]
    born: date | None = None
    friends: "list[Person]" = field(default_factory=list)


class Tree(Struct):
    """A recursive type."""

    value: int
    children: "list[Tree]" = []


class Page(Struct, Generic[Item]):
    items: list[Item]
    next: str | None = None


class Everything(Struct, forbid_unknown_fields=True):
    shape: Circle | Square
    colour: Colour
    level: Level = Level.LOW
    point: Point | None = None
    bill: Bill | None = None
    person: Person | None = None
    when: Annotated[datetime, Meta(tz=True)] | None = None
    at: Annotated[time, Meta(tz=False)] | None = None
    price: Decimal = Decimal(0)
    id: UUID | None = None
    data: Annotated[bytes, Meta(extra_json_schema={"format": "byte"})] = b""
    pair: tuple[int, str] = (0, "")
    numbers: set[int] = set()
    names: dict[str, int] = {}
    either: int | str | None = None
    choice: Literal["a", "b", 3] = "a"
    größe: int = 0
    code: Annotated[str, Meta(pattern="^[a-z]{2,4}$")] = "ab"


class Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")

    email: str = pydantic.Field(alias="e-mail", min_length=3, max_length=30)
    tags: list[str] = []
    inner: "Model | None" = None


class Filter(Struct, forbid_unknown_fields=True):
    colours: list[Colour] = []
    at_least: Annotated[int, Meta(ge=0, le=100)] = 0
    before: date | None = None


app = App(
    middleware=[
        request_id(),
        allowed_hosts(AllowedHostsOptions(hosts=["127.0.0.1"])),
        rate_limit(RateLimitOptions(limits=RateLimit(100_000, 60))),
        timeout(TimeoutOptions(seconds=30)),
        body_limit(BodyLimitOptions(body_limit=50_000)),
    ],
    openapi=OpenAPI("Everything", "1.0", ui=None),
)


@app.post("/everything")
def everything(body: Everything) -> Everything:
    return body


@app.post("/tree")
async def tree(body: Tree) -> Tree:
    return body


@app.post("/model")
def model(body: Model) -> Model:
    return body


@app.post("/models")
def models(body: list[Model]) -> list[Model]:
    return body


@app.post("/person")
def person(body: Person) -> Person:
    return body


@app.post("/bill")
def bill(body: Bill) -> Bill:
    return body


@app.post("/page")
def page(body: Page[Point]) -> Page[Point]:
    return body


@app.patch("/shape")
def shape(body: Circle | Square) -> Circle | Square:
    return body


@app.put("/anything")
def anything(body: Annotated[dict[str, Any] | None, Body()] = None) -> dict[str, Any] | None:
    return body


@app.put("/bytes")
def raw(body: Annotated[bytes, Body(media_types=("application/octet-stream",))]) -> bytes:
    return body


@app.put("/text")
def text(body: Annotated[str, Body(media_types=("text/plain",))]) -> str:
    return body


@app.get("/query")
def query(
    integer: int,
    number: float = 0,
    flag: bool = False,
    colour: Colour = Colour.RED,
    level: Level | None = None,
    days: Annotated[list[date], Query("day")] = [],  # noqa: B006 - no call changes it
    text: Annotated[str, Meta(max_length=10)] = "",
    price: Decimal = Decimal(1),
    id: UUID | None = None,
    span: timedelta = timedelta(0),
    choice: Literal["a", "b"] = "a",
    either: int | date | None = None,
) -> dict[str, Any]:
    return {"integer": integer, "number": number, "days": days, "text": text}


@app.get("/filter")
def filtered(wanted: Annotated[Filter, Query()]) -> Filter:
    return wanted


@app.get("/fields")
def fields(
    x_count: Annotated[int, Meta(ge=0), Header()],
    x_names: Annotated[list[str], Header()] = [],  # noqa: B006 - as above
    session: Annotated[str, Cookie()] = "",
    seen: Annotated[int, Cookie(deprecated=True)] = 0,
) -> dict[str, int]:
    return {"count": x_count}


@app.get("/days/{day}")
def by_day(day: date) -> str:
    return day.isoformat()


@app.get("/numbers/{number}")
def by_number(number: Annotated[int, Meta(ge=0, le=99)]) -> list[int]:
    return [number]


@app.get("/numbers/{number:int}/halves/{half:float}")
def by_two(number: int, half: float) -> list[float]:
    return [number, half]


@app.get("/ids/{id}")
def by_id(id: UUID) -> list[UUID]:
    return [id]


@app.get("/colours/{colour}")
def by_colour(colour: Colour) -> list[Colour]:
    return [colour]


@app.get("/names/{name}")
def by_name(name: Annotated[str, Meta(max_length=10)]) -> str:
    return name


@app.get("/größen/{größe}", operation_id="by_size")
def by_size(größe: Annotated[Level, Path(description="The size.")]) -> list[Level]:
    return [größe]


@app.get("/paths/{rest:path}")
def by_path(request: Request, rest: str) -> str:
    return rest


@app.get("/maybe/{number}", responses={404: "There is no such number.", 409: {"model": Page[int]}})
def maybe(request: Request, number: int) -> list[int] | None:
    if number > 5:
        raise HTTPError(404, "There is no such number.")
    return [number] if number else None


@app.get("/lines")
async def lines(count: Annotated[int, Meta(ge=0, le=5)] = 2) -> AsyncIterator[Person]:
    for _ in range(count):
        yield Person("Ada")


@app.get("/events", content_type="text/event-stream")
async def events(count: Annotated[int, Meta(ge=0, le=5)] = 2) -> AsyncIterator[Person]:
    for _ in range(count):
        yield Person("Ada")


@app.get("/named-events", content_type="text/event-stream")
async def named_events() -> AsyncIterator[ServerSentEvent]:
    yield ServerSentEvent(data={"a": 1}, event="added", id="1", retry=10)


@app.get("/tagged", middleware=[conditional()])
def tagged() -> list[int]:
    return [1]


@app.post("/once", middleware=[idempotency()])
def once(body: Tree) -> Tree:
    return body


@app.delete("/nothing")
def nothing() -> None:
    pass
