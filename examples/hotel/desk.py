"""The pages of the front desk: the rooms at `/desk`, and each room with its bookings and a form for a new one."""

from datetime import date
from typing import Annotated

from msgspec import Struct
from msgspec.structs import asdict

from hotel.bookings import add_booking
from hotel.database import Reader, Statements, Transaction
from hotel.models import Booking, Id, NewBooking, Room
from hotel.paging import ROOMS, Paging
from hotel.problems import Conflict
from hotel.rooms import find_room
from ropewalk import App, Form, InvalidInput, Query, Request, Response, Submitted
from ropewalk.response import see_other
from ropewalk.sessions import csrf
from ropewalk.templating import TemplateResponse, render

app = App(middleware=[csrf()])


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
    """Show a room, its bookings, and the form for a new one."""
    found = await find_room(reader, room)
    return render("room.html", room=found, bookings=await bookings_of(reader, room), sent={}, errors={})


class Stay(Struct):
    """The fields of the form for a booking."""

    guest: Id
    arrival: date
    departure: date

    def __post_init__(self) -> None:
        if self.arrival >= self.departure:
            raise ValueError("The departure must be after the arrival.")


@app.post("/rooms/{room:int}")
async def book(
    request: Request, room: Id, form: Annotated[Submitted[Stay], Form()], transaction: Transaction
) -> TemplateResponse | Response:
    """Book a room, and show its page again. If the form is invalid, show it with the messages."""
    found = await find_room(transaction, room)
    if form.value is not None:
        try:
            await add_booking(transaction, NewBooking(room=room, **asdict(form.value)))
            return see_other(request.url_for("room", room=room))
        except InvalidInput:
            form.errors.add("guest", "There is no such guest.")
        except Conflict as conflict:
            form.errors.add("", str(conflict.detail))
    bookings = await bookings_of(transaction, room)
    return render("room.html", status=422, room=found, bookings=bookings, sent=form.raw, errors=form.errors)


async def bookings_of(statements: Statements, room: int) -> list[Booking]:
    """Return the bookings of a room, the first arrival first."""
    return await statements.fetch(Booking, "SELECT * FROM bookings WHERE room = ? ORDER BY arrival LIMIT 100", [room])
