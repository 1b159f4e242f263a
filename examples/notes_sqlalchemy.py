"""Notes in PostgreSQL, with SQLAlchemy: `DATABASE_URL=... ropewalk run examples/notes_sqlalchemy.py`.

The URL names the driver: `postgresql+psycopg:///notes` or `postgresql+asyncpg:///notes`.
"""

import os
from collections.abc import AsyncIterator
from typing import Annotated

from msgspec import Meta, Struct
from sqlalchemy import delete, select
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from twisted.logger import Logger

from ropewalk import App, Depends, HTTPError, Query, Request

app = App()
log = Logger(namespace="notes")


class Base(DeclarativeBase):
    """The base class of the tables."""


class NoteRow(Base):
    """A note in the database."""

    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(unique=True)
    text: Mapped[str]


Sessions = async_sessionmaker[AsyncSession]


async def open_database() -> AsyncIterator[Sessions]:
    """Yield a session factory, from the start of the app to its stop. The start fails if the database is down."""
    engine = create_async_engine(
        os.environ.get("DATABASE_URL", "postgresql+psycopg:///notes"),
        pool_size=10,
        max_overflow=0,
        pool_timeout=3,  # seconds that a request waits for a connection
        pool_pre_ping=True,  # replaces connections that a restart of the database has closed
    )
    try:
        await make_tables(engine)
        yield async_sessionmaker(engine, expire_on_commit=False)
    finally:
        await engine.dispose()


async def make_tables(engine: AsyncEngine) -> None:
    """Create missing tables. Use Alembic to change existing tables."""
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)


async def begin(sessions: Annotated[Sessions, Depends(open_database, scope="app")]) -> AsyncIterator[AsyncSession]:
    """A session in a transaction: committed before the response is sent, or rolled back if the handler fails."""
    async with sessions.begin() as session:
        try:
            await session.connection()  # otherwise the first statement would open it
        except OSError as error:  # asyncpg raises it; the handlers below handle other errors
            raise unavailable(error) from error
        yield session


Session = Annotated[AsyncSession, Depends(begin, scope="handler")]


def unavailable(error: Exception) -> HTTPError:
    """Return the error for a 503, after which the client may try again."""
    log.warn("{error!r}", error=error)
    return HTTPError(503, "The database is not available.", {"Retry-After": "1"})


@app.error(NoConnection)
def no_connection(request: Request, error: NoConnection) -> None:
    """Respond with 503, because all connections are in use."""
    raise unavailable(error)


PASSING = ("08", "40", "53", "57")  # connection lost, transaction conflict, out of resources, cancelled or stopped


@app.error(DBAPIError)
def failed(request: Request, error: DBAPIError) -> None:
    """Respond with 503 if the database cannot do the work now. Other errors become a logged 500."""
    state = getattr(error.orig, "sqlstate", None) or ""
    if error.connection_invalidated or isinstance(error, OperationalError) or state.startswith(PASSING):
        raise unavailable(error)
    raise error


@app.error(IntegrityError)
def taken(request: Request, error: IntegrityError) -> None:
    """Respond with 409. The session raises the error when it flushes the new note, at the latest at the commit."""
    raise HTTPError(409, "There is a note with this title.")


Id = Annotated[int, Meta(ge=0, le=2**31 - 1)]  # fits an integer column
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
async def add_note(new: NewNote, session: Session) -> Note:
    """Add a note."""
    row = NoteRow(title=new.title, text=new.text)
    session.add(row)
    await session.flush()  # now the database has assigned the id
    return as_note(row)


@app.get("/notes")
async def list_notes(
    session: Session,
    after: Annotated[Id, Query()] = 0,
    limit: Annotated[int, Query(), Meta(ge=1, le=100)] = 20,
) -> list[Note]:
    """List the notes after one, in the order in which they were added."""
    found = await session.scalars(select(NoteRow).where(NoteRow.id > after).order_by(NoteRow.id).limit(limit))
    return [as_note(row) for row in found]


@app.get("/notes/export")
async def export_notes(session: Session) -> AsyncIterator[Note]:
    """Send all notes, each as a line of JSON. A server-side cursor reads only some of them at a time."""
    rows = await session.stream_scalars(select(NoteRow).order_by(NoteRow.id))
    try:
        async for row in rows:
            yield as_note(row)
    finally:
        await rows.close()


@app.get("/notes/{id}")
async def get_note(id: Id, session: Session) -> Note:
    """Get one note."""
    row = await session.get(NoteRow, id)
    if row is None:
        raise HTTPError(404, f"There is no note {id}.")
    return as_note(row)


@app.delete("/notes/{id}")
async def delete_note(id: Id, session: Session) -> None:
    """Delete a note, if it exists."""
    await session.execute(delete(NoteRow).where(NoteRow.id == id))


def as_note(row: NoteRow) -> Note:
    """Convert a row to a note as clients see it."""
    return Note(row.id, row.title, row.text)


if __name__ == "__main__":
    app.run()
