"""Rooms: `/rooms` and `/rooms/{room}`."""

import sqlite3
from datetime import date

import msgspec
from twisted.enterprise.adbapi import Transaction

from hotel.database import Database, rows
from hotel.models import NewRoom, Page, Room
from hotel.paging import Paging, page
from hotel.problems import Conflict, Missing
from hotel.queries import parse_query
from ropewalk import App, Request, Response


class RoomQuery(Paging):
    """`?free_from=2027-05-01&free_until=2027-05-04` leaves only the rooms that are free on all these nights."""

    free_from: date | None = None
    free_until: date | None = None

    def __post_init__(self) -> None:
        if (self.free_from is None) != (self.free_until is None):
            raise ValueError("free_from and free_until go together")


def add_routes(app: App, database: Database) -> None:
    """Add the routes of rooms to `app`."""

    @app.get("/rooms")
    async def list_rooms(request: Request) -> Page[Room]:
        query = parse_query(request, RoomQuery)
        return page(request, query, await database.run(find_rooms, query))

    @app.post("/rooms")
    async def add_room(request: Request) -> Response:
        room = await database.run(insert_room, await request.json(NewRoom))
        return Response(room, status=201, headers={"Location": f"/rooms/{room.id}"})

    @app.get("/rooms/{room:int}")
    async def show_room(request: Request, room: int) -> Room:
        return await database.run(find_room, room)

    @app.put("/rooms/{room:int}")
    async def change_room(request: Request, room: int) -> Room:
        return await database.run(update_room, room, await request.json(NewRoom))

    @app.delete("/rooms/{room:int}")
    async def remove_room(request: Request, room: int) -> None:
        await database.run(delete_room, room)


def find_rooms(transaction: Transaction, query: RoomQuery) -> list[Room]:
    transaction.execute(
        """
        SELECT * FROM rooms
        WHERE id > :after AND (:free_from IS NULL OR NOT EXISTS (
            SELECT 1 FROM bookings WHERE room = rooms.id AND arrival < :free_until AND departure > :free_from))
        ORDER BY id LIMIT :limit + 1
        """,
        msgspec.to_builtins(query),
    )
    return msgspec.convert(rows(transaction), list[Room])


def find_room(transaction: Transaction, room: int) -> Room:
    transaction.execute("SELECT * FROM rooms WHERE id = ?", [room])
    return _one(transaction, room)


def insert_room(transaction: Transaction, new: NewRoom) -> Room:
    try:
        transaction.execute(
            "INSERT INTO rooms (number, beds, price) VALUES (:number, :beds, :price) RETURNING *",
            msgspec.to_builtins(new),
        )
    except sqlite3.IntegrityError:
        raise Conflict(f"There is a room {new.number} already.") from None
    return msgspec.convert(rows(transaction)[0], Room)


def update_room(transaction: Transaction, room: int, new: NewRoom) -> Room:
    try:
        transaction.execute(
            "UPDATE rooms SET number = :number, beds = :beds, price = :price WHERE id = :room RETURNING *",
            {"room": room, **msgspec.to_builtins(new)},
        )
    except sqlite3.IntegrityError:
        raise Conflict(f"There is a room {new.number} already.") from None
    return _one(transaction, room)


def delete_room(transaction: Transaction, room: int) -> None:
    try:
        transaction.execute("DELETE FROM rooms WHERE id = ? RETURNING *", [room])
    except sqlite3.IntegrityError:
        raise Conflict(f"Room {room} has bookings. Cancel them first.") from None
    _one(transaction, room)


def _one(transaction: Transaction, room: int) -> Room:
    found = rows(transaction)
    if not found:
        raise Missing(f"There is no room {room}.")
    return msgspec.convert(found[0], Room)
