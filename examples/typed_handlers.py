"""Handlers whose parameters are read and checked by their annotations: `ropewalk run examples/typed_handlers.py`."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Annotated

from msgspec import Meta, Struct

from ropewalk import App, Header, InvalidInput, Query, Request, Response, ServerSentEvent
from ropewalk.statuses import Conflict, Created

app = App()


class NewRoom(Struct, forbid_unknown_fields=True):
    """A room as a client describes it."""

    number: Annotated[str, Meta(min_length=1, max_length=10)]
    beds: Annotated[int, Meta(ge=1, le=20)]


class Room(NewRoom, kw_only=True):
    """A room of the hotel."""

    id: int


ROOMS: dict[int, Room] = {}


@app.post("/rooms", status=201)
async def add_room(room: NewRoom) -> Room:
    """The body is JSON of a NewRoom."""
    added = Room(id=len(ROOMS) + 1, number=room.number, beds=room.beds)
    ROOMS[added.id] = added
    return added


@app.get("/rooms")
def list_rooms(beds: int = 1, limit: Annotated[int, Meta(ge=1, le=100)] = 20) -> list[Room]:
    """`/rooms?beds=2&limit=10`."""
    return [room for room in ROOMS.values() if room.beds >= beds][:limit]


@app.get("/prices/{day}")
def prices(day: date, accept_language: Annotated[str, Header()] = "en") -> dict[str, str]:
    """The path contains a date. The header field `Accept-Language` has a default."""
    return {"day": day.isoformat(), "language": accept_language}


class Search(Struct, forbid_unknown_fields=True):
    """`?tag=sea&tag=quiet&order=price`."""

    tag: list[str] = []
    order: str = "name"


@app.get("/search")
def search(query: Annotated[Search, Query()]) -> Search:
    """Unknown parameters are refused, because the Struct forbids them."""
    return query


class Stay(Struct):
    """Nights from arrival up to departure."""

    arrival: date
    departure: date

    def __post_init__(self) -> None:
        if self.arrival >= self.departure:
            raise ValueError("departure must be after arrival")


@app.post("/stays", status=204)
def book(stay: Stay) -> None:
    """Refused with `{"location": "body", "code": "invalid", "message": "departure must be after arrival"}`."""


class Guest(Struct):
    """A guest, with the fields that other guests may see."""

    name: str


class StoredGuest(Guest):
    """A guest as the database stores it."""

    email: str


GUESTS: dict[str, StoredGuest] = {}


@app.get("/guests/{name}")
def guest(name: str) -> Guest:
    """Send only the name."""
    return StoredGuest(name=name, email=f"{name}@example.org")


class Refusal(Struct):
    """The reason why a guest cannot be added."""

    reason: str


@app.put("/guests/{name}")
def add_guest(name: str) -> Created[Guest] | Conflict[Refusal]:
    """201 with a Guest, or 409 with a Refusal."""
    if name in GUESTS:
        return Conflict(Refusal("There is a guest of this name."))
    GUESTS[name] = StoredGuest(name=name, email=f"{name}@example.org")
    return Created(GUESTS[name], location=app.url_for("guest", name=name))


@app.get("/rooms.jsonl")
async def room_lines() -> AsyncIterator[Room]:
    """A line of JSON for each room."""
    for room in ROOMS.values():
        yield room


@app.get("/events", content_type="text/event-stream")
async def room_events() -> AsyncIterator[ServerSentEvent]:
    """An event for each room. A client that connects again sends the last id."""
    for room in ROOMS.values():
        yield ServerSentEvent(event="room", id=str(room.id), data=room)


first_version = App()


@first_version.error(InvalidInput)
def refuse(request: Request, error: InvalidInput) -> Response:
    """Send a list of sentences instead of problem details."""
    sentences = [f"{each.name or each.pointer or each.location}: {each.message}" for each in error.errors]
    return Response(sentences, error.status)


first_version.post("/stays", status=204)(book)
app.mount("/v1", first_version)
