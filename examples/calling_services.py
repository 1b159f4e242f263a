"""A service that calls another service, which has the rooms.

python examples/calling_services.py
curl http://127.0.0.1:8080/offers/7
"""

import os
from collections.abc import AsyncIterator
from typing import Any

from msgspec import Struct

from ropewalk import App, HTTPError, Request, Response
from ropewalk.client import BadStatus, CallTimeout, ClientError, HTTPClient, HTTPClientOptions, Timeouts
from ropewalk.middleware import request_id

options = HTTPClientOptions(
    base_url=os.environ.get("ROOMS_URL", "http://127.0.0.1:8081/v1"),
    timeouts=Timeouts(connect=1, read=5, total=10),
)
rooms = HTTPClient(options)
app = App(middleware=[request_id()])
app.on_stop(rooms.close)


class Room(Struct):
    """A room, as the other service sends it. Other fields are ignored."""

    id: int
    price: int


class Booking(Struct):
    """A booking, as the other service expects it."""

    room: int
    guest: str


@app.get("/offers/{id}")
async def offer(id: int) -> dict[str, int]:
    room = await rooms.get("/rooms/{id}", path={"id": id}, type=Room)
    return {"room": room.id, "weekend": 2 * room.price}


@app.get("/rooms/{id}")
def room(id: int) -> Any:
    return rooms.get("/rooms/{id}", path={"id": id}, type=Room)


@app.post("/bookings", status=201)
async def book(booking: Booking) -> dict[str, str]:
    response = await rooms.post("/bookings", json=booking)
    if response.status == 409:
        raise HTTPError(409, "The room is taken.")
    return {"booking": response.raise_for_status().headers["location"]}


@app.get("/rooms.csv")
async def export(request: Request) -> Response:
    response = await rooms.stream("GET", "/rooms.csv")

    async def parts() -> AsyncIterator[bytes]:
        async with response:
            async for part in response:
                yield part

    return Response(parts(), status=response.status, content_type="text/csv")


@app.error(ClientError)
def failed_call(request: Request, error: ClientError) -> Response:
    if isinstance(error, BadStatus) and error.status == 404:
        return Response({"detail": "No such room."}, status=404)
    return Response({"detail": "Try again later."}, status=504 if isinstance(error, CallTimeout) else 502)


if __name__ == "__main__":
    app.run(port=8080)
