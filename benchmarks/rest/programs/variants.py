"""Apps that differ from each other in one thing. The difference of their figures is the cost of this thing."""

from typing import Annotated

from msgspec import Meta
from rooms import Room

from ropewalk import App, HTTPError, Request
from ropewalk.auth import BearerJWT, BearerJWTOptions, authenticate, requires
from ropewalk.middleware import CORSOptions, Next, cors, request_id, security_headers

SECRET = "a secret of thirty-two bytes, or more"
TEXT = "Hello, World!"

typed = App()
untyped = App()


@typed.get("/rooms/{number}")
def room(number: int, order: str, limit: Annotated[int, Meta(ge=1, le=100)] = 20) -> str:
    return f"{number} {order} {limit}"


@untyped.get("/rooms/{number}")
def room_by_hand(request: Request, number: int) -> str:
    order = request.query.get("order")
    try:
        limit = int(request.query.get("limit", "20"))
    except ValueError:
        limit = 0
    if order is None or not 1 <= limit <= 100:
        raise HTTPError(422)
    return f"{number} {order} {limit}"


@typed.post("/rooms")
async def add(room: Room) -> Room:
    return room


@untyped.post("/rooms")
async def add_by_hand(request: Request) -> Room:
    return await request.json(Room)


async def passing(request: Request, next: Next) -> object:
    """A middleware that changes nothing."""
    return await next(request)


def with_text(*middleware: object) -> App:
    """An app with one handler."""
    made = App(middleware=middleware)

    @made.get("/text")
    def text(request: Request) -> str:
        return TEXT

    return made


none = with_text()
one = with_text(passing)
ten = with_text(*[passing] * 10)
built_in = with_text(request_id(), security_headers(), cors(CORSOptions(origins=["https://app.example.com"])))


protected = App(middleware=[authenticate(BearerJWT(BearerJWTOptions(keys=SECRET, issuer="hotel", audience="rooms")))])


@protected.get("/text")
@requires("rooms:read")
def protected_text(request: Request) -> str:
    return TEXT
