"""Guests: `/guests` and `/guests/{guest}`."""

import sqlite3
from typing import Annotated

import msgspec
from twisted.enterprise.adbapi import Transaction

from hotel.database import OpenDatabase, rows
from hotel.models import Guest, Id, NewGuest
from hotel.paging import GUESTS, Paging
from hotel.problems import Conflict, Missing
from ropewalk import App, Query, Request
from ropewalk.statuses import Created

app = App(tags=["guests"])


@app.get("")
async def list_guests(
    request: Request, query: Annotated[Paging, Query(), GUESTS], database: OpenDatabase
) -> list[Guest]:
    """List the guests."""
    found = await database.run(find_guests, GUESTS.position(query).key or 0, query.limit + 1)
    return GUESTS.page(request, query, found, key=lambda guest: guest.id).items


@app.post("", responses={409: "There is a guest of this address."})
async def add_guest(request: Request, new: NewGuest, database: OpenDatabase) -> Created[Guest]:
    """Add a guest."""
    guest = await database.run(insert_guest, new)
    return Created(guest, location=request.url_for("show_guest", guest=guest.id))


@app.get("/{guest:int}", responses={404: "There is no such guest."})
async def show_guest(guest: Id, database: OpenDatabase) -> Guest:
    """Show a guest."""
    return await database.run(find_guest, guest)


def find_guests(transaction: Transaction, after: int, most: int) -> list[Guest]:
    transaction.execute("SELECT * FROM guests WHERE id > ? ORDER BY id LIMIT ?", [after, most])
    return msgspec.convert(rows(transaction), list[Guest])


def find_guest(transaction: Transaction, guest: int) -> Guest:
    transaction.execute("SELECT * FROM guests WHERE id = ?", [guest])
    found = rows(transaction)
    if not found:
        raise Missing(f"There is no guest {guest}.")
    return msgspec.convert(found[0], Guest)


def insert_guest(transaction: Transaction, new: NewGuest) -> Guest:
    try:
        transaction.execute("INSERT INTO guests (name, email) VALUES (?, ?) RETURNING *", [new.name, new.email])
    except sqlite3.IntegrityError:
        raise Conflict(f"There is a guest with the address {new.email} already.") from None
    return msgspec.convert(rows(transaction)[0], Guest)
