"""Rooms: `/rooms` and `/rooms/{room}`. Only the front desk may change them."""

import sqlite3
from datetime import date
from typing import Annotated

import msgspec
from twisted.enterprise.adbapi import Transaction

from hotel.database import OpenDatabase, rows
from hotel.models import Id, NewRoom, Room
from hotel.paging import ROOMS, Paging
from hotel.problems import Conflict, Missing
from ropewalk import App, HTTPError, IfMatch, MergePatch, Query, Request
from ropewalk.auth import requires
from ropewalk.etags import etag
from ropewalk.statuses import Created

app = App(tags=["rooms"])


class RoomQuery(Paging):
    """`?free_from=2027-05-01&free_until=2027-05-04` selects the rooms that are free on all these nights."""

    free_from: date | None = None
    free_until: date | None = None

    def __post_init__(self) -> None:
        if (self.free_from is None) != (self.free_until is None):
            raise ValueError("free_from and free_until go together")


@app.get("")
async def list_rooms(
    request: Request, query: Annotated[RoomQuery, Query(), ROOMS], database: OpenDatabase
) -> list[Room]:
    """List the rooms."""
    found = await database.run(find_rooms, query, ROOMS.position(query).key or 0)
    return ROOMS.page(request, query, found, key=lambda room: room.id).items


@app.post("", responses={409: "There is a room of this number."})
@requires()
async def add_room(request: Request, new: NewRoom, database: OpenDatabase) -> Created[Room]:
    """Add a room."""
    room = await database.run(insert_room, new)
    return Created(room, location=request.url_for("show_room", room=room.id))


@app.get("/{room:int}", responses={404: "There is no such room."})
async def show_room(request: Request, room: Id, database: OpenDatabase) -> Room:
    """Show a room. To change it, send the ETag as If-Match."""
    return _tagged(request, await database.run(find_room, room))


@app.put(
    "/{room:int}",
    responses={404: "There is no such room.", 409: "There is a room of this number."},
)
@requires()
async def change_room(request: Request, room: Id, new: NewRoom, precondition: IfMatch, database: OpenDatabase) -> Room:
    """Change a room, unless others have changed it since the client read it."""
    current = await database.run(find_room, room)
    precondition.check(etag(current))
    return _tagged(request, await database.run(update_room, current, new))


@app.patch(
    "/{room:int}",
    responses={404: "There is no such room.", 409: "There is a room of this number."},
)
@requires()
async def change_fields(
    request: Request, room: Id, patch: MergePatch[NewRoom], precondition: IfMatch, database: OpenDatabase
) -> Room:
    """Change some fields of a room, unless others have changed it since the client read it."""
    current = await database.run(find_room, room)
    precondition.check(etag(current))
    return _tagged(request, await database.run(update_room, current, patch.apply(current)))


@app.delete("/{room:int}", responses={404: "There is no such room.", 409: "It has bookings."})
@requires()
async def remove_room(room: Id, database: OpenDatabase) -> None:
    """Remove a room without bookings."""
    await database.run(delete_room, room)


def find_rooms(transaction: Transaction, query: RoomQuery, after: int) -> list[Room]:
    transaction.execute(
        """
        SELECT * FROM rooms
        WHERE id > :after AND (:free_from IS NULL OR NOT EXISTS (
            SELECT 1 FROM bookings WHERE room = rooms.id AND arrival < :free_until AND departure > :free_from))
        ORDER BY id LIMIT :limit + 1
        """,
        msgspec.to_builtins(query) | {"after": after},
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


def update_room(transaction: Transaction, current: Room, new: NewRoom) -> Room:
    """Change a room, if the row still equals `current`. One statement compares and changes."""
    try:
        transaction.execute(
            """
            UPDATE rooms SET number = :number, beds = :beds, price = :price
            WHERE id = :old_id AND (number, beds, price) = (:old_number, :old_beds, :old_price)
            RETURNING *
            """,
            msgspec.to_builtins(new) | {f"old_{name}": value for name, value in msgspec.to_builtins(current).items()},
        )
    except sqlite3.IntegrityError:
        raise Conflict(f"There is a room {new.number} already.") from None
    changed = rows(transaction)
    if not changed:
        raise HTTPError(412, f"Others have changed room {current.id}.")
    return msgspec.convert(changed[0], Room)


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


def _tagged(request: Request, room: Room) -> Room:
    request.setHeader("ETag", etag(room))
    return room
