"""An SQLite file in which a store keeps its tables. Each call of the store is one transaction, on one thread."""

from collections.abc import Callable, Sequence
from os import fspath
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ropewalk.errors import OptionError, shown
from ropewalk.forks import observe_forks
from ropewalk.stores.unavailable import StoreUnavailable
from ropewalk.stores.worker_threads import WorkerThreads
from ropewalk.waiting import Waiter

if TYPE_CHECKING:
    import sqlite3  # imported only where it is used, because most applications do not need it

Result = TypeVar("Result")


class SQLiteFile:
    """A file with the tables that `schema` creates. The file is opened when `run` is first called.

    A call of `run` takes at most `timeout` seconds; at most `waiting` calls may wait. `instead` is the name of the
    store in memory, for the error message. Raises HandlerError (RW235) if the path is empty or ":memory:".
    """

    def __init__(self, path: str | Path, schema: Sequence[str], *, timeout: float, waiting: int, instead: str) -> None:
        self._path = fspath(path)
        if not self._path or self._path == ":memory:":
            raise OptionError("RW235", f"{shown(self._path)} is not a file.", f"Use {instead} for memory.")
        self._schema = schema
        self._timeout = timeout
        self._database: sqlite3.Connection | None = None
        self._workers = WorkerThreads(f"SQLite at {self._path}", threads=1, waiting=waiting, timeout=timeout)
        observe_forks(self)

    def after_fork_in_child(self) -> None:
        """In a forked child: forget the open file, because it belongs to the parent."""
        self._database = None

    def after_fork_in_parent(self) -> None:
        """In the parent: do nothing. The interface of fork observers requires this method."""

    def run(
        self, step: "Callable[[sqlite3.Connection], Result]", late: Callable[[Result], object] | None = None
    ) -> Waiter[Result]:
        """Call a function with the database, in a transaction, on the thread. When the Waiter has its result, the
        transaction is on the disk.

        The Waiter may fail with StoreUnavailable. If the result arrives after the wait has ended, `late` is called with
        it.
        """
        return self._workers.run(lambda: self._transact(step), late)

    def close(self) -> None:
        """Close the file after all previous calls of `run`. A later call opens it again."""
        self._workers.run(self._close).addErrback(lambda _: None)
        self._workers.close()

    def _transact(self, step: "Callable[[sqlite3.Connection], Result]") -> Result:
        import sqlite3

        try:
            database = self._database = self._database or self._open()
            database.execute("BEGIN IMMEDIATE")
            try:
                result = step(database)
                database.execute("COMMIT")
            except BaseException:
                if database.in_transaction:  # SQLite rolls back by itself when the disk is full
                    database.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            self._close()
            raise StoreUnavailable(f"SQLite at {self._path} failed: {error}.") from error
        return result

    def _open(self) -> "sqlite3.Connection":
        import sqlite3

        database = sqlite3.connect(self._path, timeout=self._timeout, isolation_level=None, check_same_thread=False)
        try:
            for statement in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", *self._schema):
                database.execute(statement)
        except sqlite3.Error:
            database.close()
            raise
        return database

    def _close(self) -> None:
        database, self._database = self._database, None
        if database is not None:
            database.close()
