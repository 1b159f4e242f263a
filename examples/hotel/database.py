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
        """Close every connection when its statement has ended."""
        self._pool.close()

    def run(
        self,
        work: Callable[Concatenate[Transaction, Arguments], Result],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Deferred[Result]:
        """Run `work(transaction, ...)` in a thread. If it raises an exception, roll back the transaction."""
        result: Deferred[Result] = self._pool.runInteraction(work, *args, **kwargs)
        return result


def open_database() -> Iterator[Database]:
    """Open the database when the app starts, and close it when the app stops. A missing file is created."""
    database = Database(Path(os.environ.get("HOTEL_DATABASE", "hotel.sqlite")))
    try:
        yield database
    finally:
        database.close()


OpenDatabase = Annotated[Database, Depends(open_database, scope="app")]
"""The annotation of a parameter that gets the database."""


def _prepare(connection: sqlite3.Connection) -> None:
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")


def rows(transaction: Transaction) -> list[dict[str, Any]]:
    """Return the rows of the last statement, each as a dict of its columns."""
    return [dict(row) for row in transaction.fetchall()]
