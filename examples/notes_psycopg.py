"""Notes in PostgreSQL, with psycopg: `DATABASE_URL=postgresql:///notes ropewalk run examples/notes_psycopg.py`."""

import os
from collections.abc import AsyncIterator
from typing import Annotated, Any

from msgspec import Meta, Struct
from psycopg import AsyncConnection, OperationalError
from psycopg.errors import UniqueViolation
from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool
from twisted.logger import Logger

from ropewalk import App, Depends, HTTPError, Query, Request

app = App()
log = Logger(namespace="notes")

SCHEMA = """
    CREATE TABLE IF NOT EXISTS notes (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        title text NOT NULL UNIQUE,
        text text NOT NULL
    )
"""

Connection = AsyncConnection[Any]
Pool = AsyncConnectionPool[Connection]


async def open_pool() -> AsyncIterator[Pool]:
    """Open the connection pool of the app. The start fails if the database cannot be reached."""
    pool: Pool = AsyncConnectionPool(
        os.environ.get("DATABASE_URL", "postgresql:///notes"),
        min_size=2,
        max_size=10,
        timeout=3,  # seconds that a request waits for a connection
        reconnect_timeout=10,  # seconds of attempts to connect; the next request starts new ones
        check=AsyncConnectionPool.check_connection,  # replaces connections that the database has closed
        open=False,
    )
    async with pool:
        await pool.wait(timeout=10)
        async with pool.connection() as connection:
            await connection.execute(SCHEMA)
        yield pool


async def begin(pool: Annotated[Pool, Depends(open_pool, scope="app")]) -> AsyncIterator[Connection]:
    """A transaction: committed before the response is sent, or rolled back if the handler fails."""
    async with pool.connection() as connection:
        yield connection


Transaction = Annotated[Connection, Depends(begin, scope="handler")]


@app.error(OperationalError)
def unavailable(request: Request, error: OperationalError) -> None:
    """Respond with 503: no connection is free, or the database is down or cannot do the work now."""
    log.warn("{error!r}", error=error)
    raise HTTPError(503, "The database is not available.", {"Retry-After": "1"})


@app.error(UniqueViolation)
def taken(request: Request, error: UniqueViolation) -> None:
    """Respond with 409. The statement raises the error, or the commit if the constraint is deferred."""
    raise HTTPError(409, "There is a note with this title.")


Id = Annotated[int, Meta(ge=0, le=2**63 - 1)]  # fits a bigint column
Title = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[^\0]*$")]
Text = Annotated[str, Meta(max_length=10_000, pattern=r"^[^\0]*$")]  # PostgreSQL stores no NUL


class NewNote(Struct, forbid_unknown_fields=True):
    """A note as a client describes it."""

    title: Title
    text: Text = ""


class Note(Struct):
    """A note as clients see it."""

    id: int
    title: str
    text: str


@app.post("/notes", status=201, responses={409: "The title is taken."})
async def add_note(new: NewNote, transaction: Transaction) -> Note:
    """Add a note."""
    async with transaction.cursor(row_factory=class_row(Note)) as cursor:
        await cursor.execute("INSERT INTO notes (title, text) VALUES (%s, %s) RETURNING *", (new.title, new.text))
        note = await cursor.fetchone()
    assert note is not None
    return note


@app.get("/notes")
async def list_notes(
    transaction: Transaction,
    after: Annotated[Id, Query()] = 0,
    limit: Annotated[int, Query(), Meta(ge=1, le=100)] = 20,
) -> list[Note]:
    """List the notes after one, in the order in which they were added."""
    async with transaction.cursor(row_factory=class_row(Note)) as cursor:
        await cursor.execute("SELECT * FROM notes WHERE id > %s ORDER BY id LIMIT %s", (after, limit))
        return await cursor.fetchall()


@app.get("/notes/export")
async def export_notes(transaction: Transaction) -> AsyncIterator[Note]:
    """Send all notes, each as a line of JSON. A server-side cursor reads only some of them at a time."""
    async with transaction.cursor("export", row_factory=class_row(Note)) as cursor:
        await cursor.execute("SELECT * FROM notes ORDER BY id")
        async for note in cursor:
            yield note


@app.get("/notes/{id}")
async def get_note(id: Id, transaction: Transaction) -> Note:
    """Get one note."""
    async with transaction.cursor(row_factory=class_row(Note)) as cursor:
        await cursor.execute("SELECT * FROM notes WHERE id = %s", (id,))
        note = await cursor.fetchone()
    if note is None:
        raise HTTPError(404, f"There is no note {id}.")
    return note


@app.delete("/notes/{id}")
async def delete_note(id: Id, transaction: Transaction) -> None:
    """Delete a note, if it exists."""
    await transaction.execute("DELETE FROM notes WHERE id = %s", (id,))


if __name__ == "__main__":
    app.run()
