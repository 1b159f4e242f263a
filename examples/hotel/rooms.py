"""Rooms: `/rooms` and `/rooms/{room}`. Only the front desk may change them."""

import sqlite3
from datetime import date
from typing import Annotated

from msgspec.structs import asdict

from hotel.database import Reader, Statements, Transaction
from hotel.models import Id, NewRoom, Room
from hotel.paging import ROOMS, Paging
from hotel.problems import Conflict, Missing
from ropewalk import App, IfMatch, MergePatch, Query, Request
from ropewalk.auth import requires
from ropewalk.etags import etag
from ropewalk.statuses import Created
from ropewalk.typed import Precondition

app = App(tags=["rooms"])


class RoomQuery(Paging):
    """`?free_from=2027-05-01&free_until=2027-05-04` selects the rooms that are free on all these nights."""

    free_from: date | None = None
    free_until: date | None = None

    def __post_init__(self) -> None:
        if (self.free_from is None) != (self.free_until is None):
            raise ValueError("free_from and free_until go together")


@app.get("")
async def list_rooms(request: Request, query: Annotated[RoomQuery, Query(), ROOMS], reader: Reader) -> list[Room]:
    """List the rooms."""
    found = await reader.fetch(
        Room,
        """
        SELECT * FROM rooms
        WHERE id > :after AND (:free_from IS NULL OR NOT EXISTS (
            SELECT 1 FROM bookings WHERE room = rooms.id AND arrival < :free_until AND departure > :free_from))
        ORDER BY id LIMIT :limit + 1
        """,
        asdict(query) | {"after": ROOMS.position(query).key or 0},
    )
    return ROOMS.page(request, query, found, key=lambda room: room.id).items


@app.post("", responses={409: "There is a room of this number."})
@requires()
async def add_room(request: Request, new: NewRoom, transaction: Transaction) -> Created[Room]:
    """Add a room."""
    try:
        (room,) = await transaction.fetch(
            Room, "INSERT INTO rooms (number, beds, price) VALUES (:number, :beds, :price) RETURNING *", new
        )
    except sqlite3.IntegrityError:
        raise Conflict(f"There is a room {new.number} already.") from None
    return Created(room, location=request.url_for("show_room", room=room.id))


@app.get("/{room:int}", responses={404: "There is no such room."})
async def show_room(request: Request, room: Id, reader: Reader) -> Room:
    """Show a room. To change it, send the ETag as If-Match."""
    return _tagged(request, await find_room(reader, room))


@app.put(
    "/{room:int}",
    responses={404: "There is no such room.", 409: "There is a room of this number."},
)
@requires()
async def change_room(
    request: Request, room: Id, new: NewRoom, precondition: IfMatch, transaction: Transaction
) -> Room:
    """Change a room, unless others have changed it since the client read it."""
    await _require_current(room, precondition, transaction)
    return _tagged(request, await update_room(transaction, room, new))


@app.patch(
    "/{room:int}",
    responses={404: "There is no such room.", 409: "There is a room of this number."},
)
@requires()
async def change_fields(
    request: Request, room: Id, patch: MergePatch[NewRoom], precondition: IfMatch, transaction: Transaction
) -> Room:
    """Change some fields of a room, unless others have changed it since the client read it."""
    current = await _require_current(room, precondition, transaction)
    return _tagged(request, await update_room(transaction, room, patch.apply(current)))


@app.delete("/{room:int}", responses={404: "There is no such room.", 409: "It has bookings."})
@requires()
async def remove_room(room: Id, transaction: Transaction) -> None:
    """Remove a room without bookings."""
    await find_room(transaction, room)
    try:
        await transaction.execute("DELETE FROM rooms WHERE id = ?", [room])
    except sqlite3.IntegrityError:
        raise Conflict(f"Room {room} has bookings. Cancel them first.") from None


async def find_room(statements: Statements, room: int) -> Room:
    """Return a room. Raises Missing if there is none."""
    found = await statements.fetch_one(Room, "SELECT * FROM rooms WHERE id = ?", [room])
    if found is None:
        raise Missing(f"There is no room {room}.")
    return found


async def update_room(transaction: Transaction, room: int, new: NewRoom) -> Room:
    """Replace the fields of a room, and return it."""
    try:
        (changed,) = await transaction.fetch(
            Room,
            "UPDATE rooms SET number = :number, beds = :beds, price = :price WHERE id = :id RETURNING *",
            asdict(new) | {"id": room},
        )
    except sqlite3.IntegrityError:
        raise Conflict(f"There is a room {new.number} already.") from None
    return changed


async def _require_current(room: int, precondition: Precondition, transaction: Transaction) -> Room:
    """Return a room that the client has read. The transaction prevents others from changing it before its end."""
    current = await find_room(transaction, room)
    precondition.check(etag(current))
    return current


def _tagged(request: Request, room: Room) -> Room:
    request.setHeader("ETag", etag(room))
    return room
