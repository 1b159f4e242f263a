"""One resource in several media types. The `Accept` field of the client selects one.

python examples/negotiation.py
curl -H "Accept: text/csv" http://127.0.0.1:8080/rooms
"""

from typing import Annotated

from msgspec import Struct

from ropewalk import App, Body, HTTPError, Request, Response
from ropewalk.msgpack_values import MSGPACK
from ropewalk.negotiation import preferred


class Room(Struct):
    """A room of the hotel."""

    name: str
    beds: int


ROOMS = [Room("Attic", 1), Room("Garden", 2)]

app = App()


def to_csv(rooms: list[Room]) -> str:
    """Return a line for each room."""
    return "".join(f"{room.name},{room.beds}\r\n" for room in rooms)


@app.get("/rooms", produces={"application/json": None, MSGPACK: None, "text/csv": to_csv})
def rooms() -> list[Room]:
    return ROOMS


@app.post("/rooms", status=201, produces=["application/json", MSGPACK])
def add_room(room: Annotated[Room, Body(media_types=("application/json", MSGPACK))]) -> Room:
    ROOMS.append(room)
    return room


@app.get("/names")
def names(request: Request) -> Response:
    kind = preferred(request.header("accept"), ["application/json", "text/csv"])
    if kind is None:
        raise HTTPError(406, "This list is JSON or CSV.")
    found = [room.name for room in ROOMS]
    body = found if kind == "application/json" else "\n".join(found)
    return Response(body, content_type=kind, headers={"Vary": "Accept"})


if __name__ == "__main__":
    app.run(port=8080)
