"""Bookings: `/bookings` and `/bookings/{booking}`."""

from collections.abc import AsyncIterator
from typing import Annotated

import msgspec
from twisted.enterprise.adbapi import Transaction

from hotel.database import OpenDatabase, rows
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
    request: Request, query: Annotated[BookingQuery, Query(), BOOKINGS], database: OpenDatabase
) -> list[Booking]:
    """List the bookings."""
    found = await database.run(find_bookings, query, BOOKINGS.position(query).key or 0)
    return BOOKINGS.page(request, query, found, key=lambda booking: booking.id).items


@app.post("", responses={409: "The room is taken."})
async def book(request: Request, new: NewBooking, database: OpenDatabase) -> Created[Booking]:
    """Book a room."""
    booking = await database.run(insert_booking, new)
    return Created(booking, location=request.url_for("show_booking", booking=booking.id))


@app.get("/export")
@requires()
async def export_bookings(database: OpenDatabase) -> AsyncIterator[Booking]:
    """Send all bookings, each as a line of JSON. At most one page of them is in memory."""
    query, after = BookingQuery(limit=100), 0
    while found := await database.run(find_bookings, query, after):
        for booking in found:
            yield booking
            after = booking.id


@app.get("/{booking:int}", responses={404: "There is no such booking."})
async def show_booking(booking: Id, database: OpenDatabase) -> Booking:
    """Show a booking."""
    return await database.run(find_booking, booking)


@app.delete("/{booking:int}", responses={404: "There is no such booking."})
async def cancel(booking: Id, database: OpenDatabase) -> None:
    """Cancel a booking."""
    await database.run(delete_booking, booking)


def find_bookings(transaction: Transaction, query: BookingQuery, after: int) -> list[Booking]:
    transaction.execute(
        """
        SELECT * FROM bookings
        WHERE id > :after AND (:room IS NULL OR room = :room) AND (:guest IS NULL OR guest = :guest)
        ORDER BY id LIMIT :limit + 1
        """,
        msgspec.to_builtins(query) | {"after": after},
    )
    return msgspec.convert(rows(transaction), list[Booking])


def find_booking(transaction: Transaction, booking: int) -> Booking:
    transaction.execute("SELECT * FROM bookings WHERE id = ?", [booking])
    return _one(transaction, booking)


def insert_booking(transaction: Transaction, new: NewBooking) -> Booking:
    """Insert a booking, unless another booking of the room overlaps. One statement checks and inserts."""
    for field, find, wanted in (("room", find_room, new.room), ("guest", find_guest, new.guest)):
        try:
            find(transaction, wanted)
        except Missing as missing:
            wrong = FieldError(location="body", pointer=f"/{field}", code="invalid", message=str(missing.detail))
            raise InvalidInput([wrong]) from missing
    transaction.execute(
        """
        INSERT INTO bookings (room, guest, arrival, departure)
        SELECT :room, :guest, :arrival, :departure WHERE NOT EXISTS (
            SELECT 1 FROM bookings WHERE room = :room AND arrival < :departure AND departure > :arrival)
        RETURNING *
        """,
        msgspec.to_builtins(new),
    )
    made = rows(transaction)
    if not made:
        raise Conflict(f"Room {new.room} is taken on some night from {new.arrival} to {new.departure}.")
    return msgspec.convert(made[0], Booking)


def delete_booking(transaction: Transaction, booking: int) -> None:
    transaction.execute("DELETE FROM bookings WHERE id = ? RETURNING *", [booking])
    _one(transaction, booking)


def _one(transaction: Transaction, booking: int) -> Booking:
    found = rows(transaction)
    if not found:
        raise Missing(f"There is no booking {booking}.")
    return msgspec.convert(found[0], Booking)
