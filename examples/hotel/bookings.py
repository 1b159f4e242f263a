"""Bookings: `/bookings` and `/bookings/{booking}`."""

from collections.abc import AsyncIterator
from typing import Annotated

from msgspec.structs import asdict

from hotel.database import Reader, Transaction
from hotel.guests import find_guest
from hotel.models import Booking, Id, NewBooking
from hotel.paging import BOOKINGS, Paging
from hotel.problems import Conflict, Missing
from hotel.rooms import find_room
from ropewalk import App, FieldError, InvalidInput, Query, Request
from ropewalk.auth import requires
from ropewalk.statuses import Created

app = App(tags=["bookings"])


class BookingQuery(Paging):
    """`?room=3` and `?guest=7` select the bookings of a room and of a guest."""

    room: Id | None = None
    guest: Id | None = None


@app.get("")
async def list_bookings(
    request: Request, query: Annotated[BookingQuery, Query(), BOOKINGS], reader: Reader
) -> list[Booking]:
    """List the bookings."""
    found = await find_bookings(reader, query, BOOKINGS.position(query).key or 0)
    return BOOKINGS.page(request, query, found, key=lambda booking: booking.id).items


@app.post("", responses={409: "The room is taken."})
async def book(request: Request, new: NewBooking, transaction: Transaction) -> Created[Booking]:
    """Book a room, unless another booking of the room overlaps."""
    booking = await add_booking(transaction, new)
    return Created(booking, location=request.url_for("show_booking", booking=booking.id))


@app.get("/export")
@requires()
async def export_bookings(reader: Reader) -> AsyncIterator[Booking]:
    """Send all bookings, each as a line of JSON. At most one page of them is in memory."""
    query, after = BookingQuery(limit=100), 0
    while found := await find_bookings(reader, query, after):
        for booking in found:
            yield booking
            after = booking.id


@app.get("/{booking:int}", responses={404: "There is no such booking."})
async def show_booking(booking: Id, reader: Reader) -> Booking:
    """Show a booking."""
    found = await reader.fetch_one(Booking, "SELECT * FROM bookings WHERE id = ?", [booking])
    if found is None:
        raise Missing(f"There is no booking {booking}.")
    return found


@app.delete("/{booking:int}", responses={404: "There is no such booking."})
async def cancel(booking: Id, transaction: Transaction) -> None:
    """Cancel a booking."""
    if not await transaction.execute("DELETE FROM bookings WHERE id = ? RETURNING id", [booking]):
        raise Missing(f"There is no booking {booking}.")


async def find_bookings(reader: Reader, query: BookingQuery, after: int) -> list[Booking]:
    """Return the bookings that a query selects, from the first id above `after`; one more than the page has."""
    return await reader.fetch(
        Booking,
        """
        SELECT * FROM bookings
        WHERE id > :after AND (:room IS NULL OR room = :room) AND (:guest IS NULL OR guest = :guest)
        ORDER BY id LIMIT :limit + 1
        """,
        asdict(query) | {"after": after},
    )


async def add_booking(transaction: Transaction, new: NewBooking) -> Booking:
    """Store a booking. Raises InvalidInput for an unknown room or guest, and Conflict if the room is taken."""
    await require_room_and_guest(transaction, new)
    taken = await transaction.fetch_one(
        int, "SELECT 1 FROM bookings WHERE room = :room AND arrival < :departure AND departure > :arrival", new
    )
    if taken:
        raise Conflict(f"Room {new.room} is taken on some night from {new.arrival} to {new.departure}.")
    (booking,) = await transaction.fetch(
        Booking,
        """
        INSERT INTO bookings (room, guest, arrival, departure) VALUES (:room, :guest, :arrival, :departure)
        RETURNING *
        """,
        new,
    )
    return booking


async def require_room_and_guest(transaction: Transaction, new: NewBooking) -> None:
    """Raise InvalidInput if there is no such room or guest."""
    field = "room"
    try:
        await find_room(transaction, new.room)
        field = "guest"
        await find_guest(transaction, new.guest)
    except Missing as missing:
        wrong = FieldError(location="body", pointer=f"/{field}", code="invalid", message=str(missing.detail))
        raise InvalidInput([wrong]) from missing
