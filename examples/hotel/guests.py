"""Guests: `/guests` and `/guests/{guest}`."""

import sqlite3

import msgspec
from twisted.enterprise.adbapi import Transaction

from hotel.database import Database, rows
from hotel.models import Guest, NewGuest, Page
from hotel.paging import Paging, page
from hotel.problems import Conflict, Missing
from hotel.queries import parse_query
from ropewalk import App, Request, Response


def add_routes(app: App, database: Database) -> None:
    """Add the routes of guests to `app`."""

    @app.get("/guests")
    async def list_guests(request: Request) -> Page[Guest]:
        query = parse_query(request, Paging)
        return page(request, query, await database.run(find_guests, query))

    @app.post("/guests")
    async def add_guest(request: Request) -> Response:
        guest = await database.run(insert_guest, await request.json(NewGuest))
        return Response(guest, status=201, headers={"Location": f"/guests/{guest.id}"})

    @app.get("/guests/{guest:int}")
    async def show_guest(request: Request, guest: int) -> Guest:
        return await database.run(find_guest, guest)


def find_guests(transaction: Transaction, query: Paging) -> list[Guest]:
    transaction.execute("SELECT * FROM guests WHERE id > ? ORDER BY id LIMIT ?", [query.after, query.limit + 1])
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
