"""Bookings: `/bookings` and `/bookings/{booking}`."""

import msgspec
from twisted.enterprise.adbapi import Transaction

from hotel.database import Database, rows
from hotel.guests import find_guest
from hotel.models import Booking, NewBooking, Page
from hotel.paging import Paging, page
from hotel.problems import Conflict, Missing, Unfit
from hotel.queries import parse_query
from hotel.rooms import find_room
from ropewalk import App, Request, Response


class BookingQuery(Paging):
    """`?room=3` and `?guest=7` narrow the list."""

    room: int | None = None
    guest: int | None = None


def add_routes(app: App, database: Database) -> None:
    """Add the routes of bookings to `app`."""

    @app.get("/bookings")
    async def list_bookings(request: Request) -> Page[Booking]:
        query = parse_query(request, BookingQuery)
        return page(request, query, await database.run(find_bookings, query))

    @app.post("/bookings")
    async def book(request: Request) -> Response:
        booking = await database.run(insert_booking, await request.json(NewBooking))
        return Response(booking, status=201, headers={"Location": f"/bookings/{booking.id}"})

    @app.get("/bookings/{booking:int}")
    async def show_booking(request: Request, booking: int) -> Booking:
        return await database.run(find_booking, booking)

    @app.delete("/bookings/{booking:int}")
    async def cancel(request: Request, booking: int) -> None:
        await database.run(delete_booking, booking)


def find_bookings(transaction: Transaction, query: BookingQuery) -> list[Booking]:
    transaction.execute(
        """
        SELECT * FROM bookings
        WHERE id > :after AND (:room IS NULL OR room = :room) AND (:guest IS NULL OR guest = :guest)
        ORDER BY id LIMIT :limit + 1
        """,
        msgspec.to_builtins(query),
    )
    return msgspec.convert(rows(transaction), list[Booking])


def find_booking(transaction: Transaction, booking: int) -> Booking:
    transaction.execute("SELECT * FROM bookings WHERE id = ?", [booking])
    return _one(transaction, booking)


def insert_booking(transaction: Transaction, new: NewBooking) -> Booking:
    """Book, unless a booking of the same room overlaps. One statement checks and books."""
    try:
        find_room(transaction, new.room)
        find_guest(transaction, new.guest)
    except Missing as missing:
        raise Unfit(str(missing)) from missing
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
