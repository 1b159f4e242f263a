"""SQLite with Twisted's connection pool: statements run in threads, so that the reactor never waits for the disk."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Concatenate, ParamSpec, TypeVar

from twisted.enterprise.adbapi import ConnectionPool, Transaction
from twisted.internet.defer import Deferred

from ropewalk import Depends

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

SCHEMA = Path(__file__).with_name("schema.sql")


class Database:
    """The database of one hotel."""

    def __init__(self, path: Path) -> None:
        """Create missing tables, then start the pool. This blocks, so do it only at the start of the app."""
        connection = sqlite3.connect(path)
        connection.executescript(SCHEMA.read_text(encoding="utf-8"))
        connection.close()
        self._pool = ConnectionPool(
            "sqlite3",
            path,
            check_same_thread=False,
            cp_openfun=_prepare,
            cp_max=4,
        )
        self._pool.start()

    def close(self) -> None:
        """Close every connection after its statement."""
        self._pool.close()

    def run(
        self,
        work: Callable[Concatenate[Transaction, Arguments], Result],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Deferred[Result]:
        """Run `work(transaction, ...)` in a thread. If it raises, roll the transaction back."""
        result: Deferred[Result] = self._pool.runInteraction(work, *args, **kwargs)
        return result


def open_database() -> Iterator[Database]:
    """The database of the app, from its start to its stop. The start creates a missing file."""
    database = Database(Path(os.environ.get("HOTEL_DATABASE", "hotel.sqlite")))
    try:
        yield database
    finally:
        database.close()


OpenDatabase = Annotated[Database, Depends(open_database, scope="app")]
"""What a handler annotates a parameter with to get the database."""


def _prepare(connection: sqlite3.Connection) -> None:
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")


def rows(transaction: Transaction) -> list[dict[str, Any]]:
    """The rows of the last statement, each by the names of its columns."""
    return [dict(row) for row in transaction.fetchall()]
