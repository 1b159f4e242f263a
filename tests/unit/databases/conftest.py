"""A database in a temporary file."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ropewalk.databases import SQLite, SQLiteOptions

SCHEMA = "CREATE TABLE IF NOT EXISTS notes (title TEXT NOT NULL UNIQUE, day TEXT); -- the schema"
ENDLESS = "WITH RECURSIVE c(x) AS (SELECT started() UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"
"""A statement that ends only when it is interrupted."""
ENDLESS_WRITE = f"INSERT INTO notes (title) {ENDLESS}"


class Started:
    """The SQL function `started()`. A statement that calls it tells the event loop that the statement runs."""

    def __init__(self) -> None:
        self.event: asyncio.Event | None = None
        self._loop: Any = None

    def expect(self) -> asyncio.Event:
        """Return an event that is set when a statement calls the function. Call `expect` in the event loop."""
        self._loop, self.event = asyncio.get_running_loop(), asyncio.Event()
        return self.event

    def __call__(self) -> int:
        if self.event is not None:
            self._loop.call_soon_threadsafe(self.event.set)
        return 1


@pytest.fixture
def started() -> Started:
    return Started()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "notes.sqlite"


@pytest.fixture
def make(path: Path, started: Started) -> Callable[..., SQLite]:
    """Make a database with options."""

    def prepare(connection: sqlite3.Connection) -> None:
        connection.create_function("started", 0, started)

    return lambda **options: SQLite(path, SQLiteOptions(schema=SCHEMA, prepare=prepare, **options))


@pytest.fixture
def database(make: Callable[..., SQLite]) -> SQLite:
    return make(timeout=30)


@pytest.fixture
def other(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection as another process has it. It does not wait for locks."""
    connection = sqlite3.connect(path, timeout=0, isolation_level=None)
    yield connection
    connection.close()
