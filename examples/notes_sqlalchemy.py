"""Notes in PostgreSQL by SQLAlchemy: `DATABASE_URL=... ropewalk run examples/notes_sqlalchemy.py`.

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
    """The tables."""


class NoteRow(Base):
    """A note in the database."""

    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(unique=True)
    text: Mapped[str]


Sessions = async_sessionmaker[AsyncSession]


async def open_database() -> AsyncIterator[Sessions]:
    """What makes sessions, from the start of the app to its stop. The start fails without the database."""
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
    """Make the tables that are missing. Alembic changes those that exist."""
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)


async def begin(sessions: Annotated[Sessions, Depends(open_database, scope="app")]) -> AsyncIterator[AsyncSession]:
    """A session in a transaction: committed before the response is sent, or rolled back if the handler fails."""
    async with sessions.begin() as session:
        try:
            await session.connection()  # the first statement would get it otherwise
        except OSError as error:  # of asyncpg; other errors have handlers below
            raise unavailable(error) from error
        yield session


Session = Annotated[AsyncSession, Depends(begin, scope="handler")]


def unavailable(error: Exception) -> HTTPError:
    """The client may try again."""
    log.warn("{error!r}", error=error)
    return HTTPError(503, "The database is not available.", {"Retry-After": "1"})


@app.error(NoConnection)
def no_connection(request: Request, error: NoConnection) -> None:
    """All connections are in use."""
    raise unavailable(error)


PASSING = ("08", "40", "53", "57")  # connection lost, conflict of transactions, out of resources, cancelled or stopped


@app.error(DBAPIError)
def failed(request: Request, error: DBAPIError) -> None:
    """The database is down or cannot do the work now. Other errors stay errors of the program: a logged 500."""
    state = getattr(error.orig, "sqlstate", None) or ""
    if error.connection_invalidated or isinstance(error, OperationalError) or state.startswith(PASSING):
        raise unavailable(error)
    raise error


@app.error(IntegrityError)
def taken(request: Request, error: IntegrityError) -> None:
    """Raised when the session flushes the new note: at the latest by the commit."""
    raise HTTPError(409, "There is a note with this title.")


Id = Annotated[int, Meta(ge=0, le=2**31 - 1)]  # what an integer of PostgreSQL holds
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
    await session.flush()  # the database gives the id
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
    """Send all notes, a line of JSON for each. The cursor of the server has no more than some of them read."""
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
    """The note as clients see it."""
    return Note(row.id, row.title, row.text)


if __name__ == "__main__":
    app.run()
