"""Notes in SQLite, with a transaction for each request: `ropewalk run examples/notes_sqlite.py`."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from typing import Annotated, Any

from msgspec import Meta, Struct
from twisted.logger import Logger

from ropewalk import App, Depends, HTTPError, Request

app = App()
log = Logger(namespace="notes")


def connect(path: str) -> sqlite3.Connection:
    """Return a connection that waits up to 2 s for other transactions. `BEGIN` and `COMMIT` are explicit."""
    connection = sqlite3.connect(path, timeout=2, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA synchronous = NORMAL")  # with WAL, a power failure can lose only the last commits
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def database_file() -> str:
    """Create the table at the start, and return the path. With WAL, others can read during a change."""
    path = os.environ.get("NOTES_FILE", "notes.sqlite")
    connection = connect(path)  # this blocks, and no client is served yet
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE IF NOT EXISTS notes (title TEXT NOT NULL UNIQUE)")
    connection.close()
    return path


class Transaction:
    """A transaction whose statements run in threads, one after another."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def run(self, statement: str, *values: Any) -> list[Any]:
        """Return the rows of a statement."""
        return await asyncio.to_thread(lambda: self._connection.execute(statement, values).fetchall())


async def begin(path: Annotated[str, Depends(database_file, scope="app")]) -> AsyncIterator[Transaction]:
    """A transaction: committed before the response is sent, or rolled back if the handler fails."""
    connection = await asyncio.to_thread(connect, path)
    try:
        transaction = Transaction(connection)
        await transaction.run("BEGIN IMMEDIATE")  # waits for the lock here, not in the middle of the transaction
        yield transaction
        await transaction.run("COMMIT")
    finally:
        connection.close()  # rolls back what is not committed


Begun = Annotated[Transaction, Depends(begin, scope="handler")]


@app.error(sqlite3.OperationalError)
def unavailable(request: Request, error: sqlite3.OperationalError) -> None:
    """Respond with 503 if the database is locked for too long. Other errors become a logged 500."""
    if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        raise error
    log.warn("{error!r}", error=error)
    raise HTTPError(503, "The database is busy.", {"Retry-After": "1"})


class Note(Struct):
    """A note."""

    title: Annotated[str, Meta(min_length=1, max_length=100)]


@app.post("/notes", status=201, responses={409: "The title is taken."})
async def add_note(note: Note, transaction: Begun) -> Note:
    """Add a note."""
    try:
        await transaction.run("INSERT INTO notes (title) VALUES (?)", note.title)
    except sqlite3.IntegrityError:
        raise HTTPError(409, "There is a note with this title.") from None
    return note


@app.get("/notes")
async def list_notes(transaction: Begun) -> list[Note]:
    """List the notes."""
    return [Note(title) for (title,) in await transaction.run("SELECT title FROM notes ORDER BY title LIMIT 100")]


if __name__ == "__main__":
    app.run()
