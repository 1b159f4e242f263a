"""Notes in SQLite, with a transaction for each request: `ropewalk run examples/notes_sqlite.py`."""

import os
import sqlite3
from typing import Annotated

from msgspec import Meta, Struct

from ropewalk import App, HTTPError
from ropewalk.databases import SQLite, SQLiteOptions, SQLiteReader, SQLiteTransaction

SCHEMA = """
CREATE TABLE IF NOT EXISTS notes (title TEXT NOT NULL UNIQUE);
"""

database = SQLite(lambda: os.environ.get("NOTES_FILE", "notes.sqlite"), SQLiteOptions(schema=SCHEMA))

Transaction = Annotated[SQLiteTransaction, database.transaction]
Reader = Annotated[SQLiteReader, database.read]

app = App()


class Note(Struct):
    """A note."""

    title: Annotated[str, Meta(min_length=1, max_length=100)]


@app.post("/notes", status=201, responses={409: "The title is taken."})
async def add_note(note: Note, transaction: Transaction) -> Note:
    """Add a note. The transaction is committed before the response is sent."""
    try:
        await transaction.execute("INSERT INTO notes (title) VALUES (:title)", note)
    except sqlite3.IntegrityError:
        raise HTTPError(409, "There is a note with this title.") from None
    return note


@app.get("/notes")
async def list_notes(reader: Reader) -> list[Note]:
    """List the notes."""
    return await reader.fetch(Note, "SELECT title FROM notes ORDER BY title LIMIT 100")


if __name__ == "__main__":
    app.run()
