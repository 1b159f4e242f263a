"""The pages of the front desk: the rooms at `/desk`, and each room with its bookings."""

from datetime import date
from typing import Annotated

from msgspec.structs import asdict

from hotel.database import Reader
from hotel.models import Booking, Id, Room
from hotel.paging import ROOMS, Paging
from hotel.rooms import find_room
from ropewalk import App, Query, Request
from ropewalk.templating import TemplateResponse, render

app = App()


class Night(Paging):
    """`?night=2027-05-01` shows which rooms are taken in this night."""

    night: date | None = None


class RoomOfNight(Room, kw_only=True):
    """A room, and whether it is taken in a night."""

    taken: bool


@app.get("", name="desk")
async def list_rooms(request: Request, query: Annotated[Night, Query(), ROOMS], reader: Reader) -> TemplateResponse:
    """Show the rooms. htmx gets only the rows."""
    found = await reader.fetch(
        RoomOfNight,
        """
        SELECT *, EXISTS (
            SELECT 1 FROM bookings WHERE room = rooms.id AND arrival <= :night AND departure > :night) AS taken
        FROM rooms WHERE id > :after ORDER BY id LIMIT :limit + 1
        """,
        asdict(query) | {"after": ROOMS.position(query).key or 0},
    )
    page = ROOMS.page(request, query, found, key=lambda room: room.id)
    more = {name: value for name, value in (asdict(query) | {"cursor": page.next}).items() if value is not None}
    return render("rooms.html", fragment="rows", rooms=page.items, query=query, more=more if page.next else None)


@app.get("/rooms/{room:int}", name="room")
async def show_room(room: Id, reader: Reader) -> TemplateResponse:
    """Show a room and its bookings."""
    found = await find_room(reader, room)
    bookings = await reader.fetch(Booking, "SELECT * FROM bookings WHERE room = ? ORDER BY arrival LIMIT 100", [room])
    return render("room.html", room=found, bookings=bookings)
