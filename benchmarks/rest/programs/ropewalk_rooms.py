"""Ropewalk: `typed` has handlers with annotations, `by_hand` reads the body and makes the response itself."""

from rooms import ROOMS, Room

from ropewalk import App, Request, Response

typed = App()
by_hand = App()


@typed.post("/rooms", status=201)
async def add(room: Room) -> Room:
    return room


@typed.get("/rooms")
def rooms() -> list[Room]:
    return ROOMS


@by_hand.post("/rooms")
async def add_by_hand(request: Request) -> Response:
    return Response(await request.json(Room), status=201)


@by_hand.get("/rooms")
def rooms_by_hand(request: Request) -> Response:
    return Response(ROOMS)
