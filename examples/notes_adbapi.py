"""Notes in PostgreSQL, with psycopg in threads, on any reactor: `DATABASE_URL=... python examples/notes_adbapi.py`."""

import os
from collections.abc import Iterator
from typing import Annotated, Any

from msgspec import Meta, Struct
from psycopg import OperationalError, connect
from psycopg.errors import UniqueViolation
from twisted.enterprise.adbapi import ConnectionPool, Transaction
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from ropewalk import App, Depends, HTTPError, Request

app = App()
log = Logger(namespace="notes")

SCHEMA = """
    CREATE TABLE IF NOT EXISTS notes (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        title text NOT NULL UNIQUE
    )
"""


def open_pool() -> Iterator[ConnectionPool]:
    """Open a pool of threads, each with a connection. The start fails if the database cannot be reached."""
    url = os.environ.get("DATABASE_URL", "postgresql:///notes")
    with connect(url, connect_timeout=10) as connection:  # this blocks, and no client is served yet
        connection.execute(SCHEMA)
    pool = ConnectionPool("psycopg", url, connect_timeout=3, cp_max=10, cp_reconnect=True)
    pool.start()
    try:
        yield pool
    finally:
        pool.close()


Pool = Annotated[ConnectionPool, Depends(open_pool, scope="app")]


@app.error(OperationalError)
def unavailable(request: Request, error: OperationalError) -> None:
    """Respond with 503, because the database is down or cannot do the work now."""
    log.warn("{error!r}", error=error)
    raise HTTPError(503, "The database is not available.", {"Retry-After": "1"})


@app.error(UniqueViolation)
def taken(request: Request, error: UniqueViolation) -> None:
    """Respond with 409. The transaction has been rolled back."""
    raise HTTPError(409, "There is a note with this title.")


class Note(Struct):
    """A note."""

    title: Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[^\0]*$")]


def insert_note(transaction: Transaction, note: Note) -> Note:
    """Insert a note, in a thread. `adbapi` commits if this function returns, and rolls back if it raises an error."""
    transaction.execute("INSERT INTO notes (title) VALUES (%s)", (note.title,))
    return note


@app.post("/notes", status=201)
def add_note(note: Note, pool: Pool) -> Deferred[Note]:
    """Add a note."""
    added: Deferred[Note] = pool.runInteraction(insert_note, note)
    return added


@app.get("/notes")
async def list_notes(pool: Pool) -> list[Note]:
    """List the notes."""
    rows: list[Any] = await pool.runQuery("SELECT title FROM notes ORDER BY id LIMIT 100")
    return [Note(title) for (title,) in rows]


if __name__ == "__main__":
    app.run()
