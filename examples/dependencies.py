"""Dependencies of handlers, opened for a request or for the app: `python examples/dependencies.py`."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from threading import Lock
from typing import Annotated, Any

from msgspec import Meta, Struct

from ropewalk import App, Depends, Header, HTTPError

app = App()

USERS = {"k1": "ada", "k2": "grace"}


def current_user(x_key: Annotated[str, Header()] = "") -> str:
    """Return the user whose key is in the header field `X-Key`."""
    if x_key not in USERS:
        raise HTTPError(401)
    return USERS[x_key]


User = Annotated[str, Depends(current_user)]


@app.get("/me")
def me(user: User) -> str:
    """Called only for a known user."""
    return user


class Session:
    """A connection for one request. Its calls run in threads, one at a time."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._lock = Lock()

    async def run(self, statement: str, *values: Any) -> list[Any]:
        """Run a statement and return its rows."""
        rows: list[Any] = await self._call(lambda: self._connection.execute(statement, values).fetchall())
        return rows

    async def write(self, statement: str, *values: Any) -> None:
        """Run a statement and commit. One call does both, so that requests that wait for the lock cannot take the
        thread that the commit needs."""

        def write() -> None:
            with self._connection:
                self._connection.execute(statement, values)

        await self._call(write)

    async def close(self) -> None:
        """Close the connection. Changes that were not committed are rolled back."""
        await self._call(self._connection.close)

    async def _call(self, function: Callable[[], Any]) -> Any:
        def locked() -> Any:
            with self._lock:
                return function()

        return await asyncio.to_thread(locked)


def database_file() -> Path:
    """Create the database when the app starts, and return its file."""
    return make_database(Path("notes.sqlite"))


def make_database(file: Path) -> Path:
    """Create missing tables."""
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS notes (owner TEXT, text TEXT)")
    connection.close()
    return file


async def open_session(file: Annotated[Path, Depends(database_file, scope="app")]) -> AsyncIterator[Session]:
    """Open a session for one request."""
    session = Session(await asyncio.to_thread(sqlite3.connect, file, check_same_thread=False))
    try:
        yield session
    finally:
        await session.close()


app.provide("session", open_session)


class Note(Struct):
    """A note as clients see it."""

    text: Annotated[str, Meta(min_length=1)]


@app.post("/notes", status=201)
async def add_note(note: Note, user: User, session: Annotated[Session, Depends()]) -> Note:
    """Commit before the response is sent."""
    await session.write("INSERT INTO notes VALUES (?, ?)", user, note.text)
    return note


@app.get("/notes")
async def list_notes(user: User, session: Annotated[Session, Depends()]) -> list[Note]:
    """Return the notes of the user."""
    return [Note(text) for (text,) in await session.run("SELECT text FROM notes WHERE owner = ?", user)]


if __name__ == "__main__":
    app.run()
