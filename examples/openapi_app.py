"""An API that describes itself: `ropewalk run examples/openapi_app.py`, then see http://127.0.0.1:8080/docs."""

from typing import Annotated

from msgspec import Meta, Struct

from ropewalk import App, Body, HTTPError, OpenAPI, Path, Query, Request, Response
from ropewalk.middleware import HeaderParameter, MiddlewareDescription, MiddlewareResponse, Next, describes

app = App(
    openapi=OpenAPI(
        title="Hotel",
        version="1.0.0",
        description="The rooms of a hotel.",
        tags={"rooms": "Find and add rooms."},
    )
)


@app.middleware
@describes(
    MiddlewareDescription(
        parameters=[HeaderParameter("X-Program", "The name of your program.")],
        responses=[MiddlewareResponse(403, "Your program is blocked.")],
    )
)
async def refuse_blocked(request: Request, next: Next) -> Response:
    if request.header("x-program") in BLOCKED:
        raise HTTPError(403, "Your program is blocked.")
    return await next(request)


BLOCKED = {"old-crawler"}


class NewRoom(Struct, forbid_unknown_fields=True):
    """A room as a client describes it."""

    number: Annotated[str, Meta(min_length=1, max_length=10, description="As on the door.", examples=["12a"])]
    beds: Annotated[int, Meta(ge=1, le=20)] = 1


class Room(NewRoom, kw_only=True):
    """A room of the hotel."""

    id: int


ROOMS: dict[int, Room] = {}


@app.get("/rooms", tags=["rooms"])
def list_rooms(
    beds: Annotated[int, Meta(ge=1, le=20), Query(description="At least this many.", example=2)] = 1,
) -> list[Room]:
    """List the rooms.

    They come in the order in which they were added.
    """
    return [room for room in ROOMS.values() if room.beds >= beds]


@app.post("/rooms", status=201, tags=["rooms"])
def add_room(
    room: Annotated[NewRoom, Body(examples={"a suite": {"summary": "With two rooms.", "value": NewRoom("12a", 4)}})],
) -> Room:
    """Add a room."""
    added = Room(id=len(ROOMS) + 1, number=room.number, beds=room.beds)
    ROOMS[added.id] = added
    return added


@app.get("/rooms/{id}", tags=["rooms"], responses={404: "There is no such room."})
def get_room(id: Annotated[int, Path(description="The number that the hotel gave it.")]) -> Room:
    """Get one room."""
    if id not in ROOMS:
        raise HTTPError(404, "There is no such room.")
    return ROOMS[id]


@app.get("/health", hidden=True)
def health() -> str:
    """For the load balancer, not for clients of the API."""
    return "ok"


@app.webhooks.post("/room-added", tags=["rooms"], responses={410: "Send no more."})
def room_added(room: Room) -> None:
    """Sent to each subscriber when a room is added."""
