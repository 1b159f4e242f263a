"""Guests: `/guests` and `/guests/{guest}`."""

import sqlite3
from typing import Annotated

from hotel.database import Reader, Statements, Transaction
from hotel.models import Guest, Id, NewGuest
from hotel.paging import GUESTS, Paging
from hotel.problems import Conflict, Missing
from ropewalk import App, Query, Request
from ropewalk.statuses import Created

app = App(tags=["guests"])


@app.get("")
async def list_guests(request: Request, query: Annotated[Paging, Query(), GUESTS], reader: Reader) -> list[Guest]:
    """List the guests."""
    after, most = GUESTS.position(query).key or 0, query.limit + 1
    found = await reader.fetch(Guest, "SELECT * FROM guests WHERE id > ? ORDER BY id LIMIT ?", [after, most])
    return GUESTS.page(request, query, found, key=lambda guest: guest.id).items


@app.post("", responses={409: "There is a guest of this address."})
async def add_guest(request: Request, new: NewGuest, transaction: Transaction) -> Created[Guest]:
    """Add a guest."""
    try:
        (guest,) = await transaction.fetch(
            Guest, "INSERT INTO guests (name, email) VALUES (:name, :email) RETURNING *", new
        )
    except sqlite3.IntegrityError:
        raise Conflict(f"There is a guest with the address {new.email} already.") from None
    return Created(guest, location=request.url_for("show_guest", guest=guest.id))


@app.get("/{guest:int}", responses={404: "There is no such guest."})
async def show_guest(guest: Id, reader: Reader) -> Guest:
    """Show a guest."""
    return await find_guest(reader, guest)


async def find_guest(statements: Statements, guest: int) -> Guest:
    """Return a guest. Raises Missing if there is none."""
    found = await statements.fetch_one(Guest, "SELECT * FROM guests WHERE id = ?", [guest])
    if found is None:
        raise Missing(f"There is no guest {guest}.")
    return found
