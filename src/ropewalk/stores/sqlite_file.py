"""An SQLite file in which a store keeps its tables. It is used on one thread, one transaction for each step."""

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
    """A file with the tables that `schema` creates. It is opened at the first step.

    A step takes at most `timeout` seconds; at most `waiting` steps may wait. `instead` names the store to use for
    memory. Raises HandlerError (RW235) if the path is not that of a file.
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
        """Run a step in a transaction, on the thread. When the Waiter fires, the transaction is on the disk.

        It fails with StoreUnavailable. `late` gets a result for which the caller no longer waits.
        """
        return self._workers.run(lambda: self._transact(step), late)

    def close(self) -> None:
        """Close the file after all previous steps. A later step opens it again."""
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
