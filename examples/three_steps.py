"""The three steps of a service: describe the data, wrap the app, serve it.

Run it with `ropewalk run examples/three_steps.py`, and open http://127.0.0.1:8080/docs.
"""

from typing import Annotated

from msgspec import Meta, Struct

from ropewalk import App, OpenAPI
from ropewalk.middleware import conditional, request_id, security_headers


class Room(Struct):
    number: str
    beds: Annotated[int, Meta(ge=1, le=20)]


rooms = App()
stored: dict[str, Room] = {}


@rooms.post("", status=201)
async def add_room(room: Room) -> Room:
    stored[room.number] = room
    return room


@rooms.get("")
def list_rooms(beds: int = 1) -> list[Room]:
    found = stored.values()
    return [room for room in found if room.beds >= beds]


app = App(
    middleware=[
        request_id(),
        security_headers(),
        conditional(),
    ],
    openapi=OpenAPI("Hotel", "1.0"),
)
app.mount("/rooms", rooms)


if __name__ == "__main__":
    app.run(port=8080)
