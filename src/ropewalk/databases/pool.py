"""`SQLitePool`: the open connections to a file. One connection writes, the others read."""

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import monotonic, sleep
from typing import Any, TypeVar

from twisted.internet.defer import CancelledError

from ropewalk.databases.busy import is_busy
from ropewalk.databases.connection_queue import ConnectionQueue
from ropewalk.databases.connection_thread import ConnectionThread
from ropewalk.databases.options import SQLiteOptions
from ropewalk.databases.reader import SQLiteReader
from ropewalk.databases.transaction import LONGEST_PAUSE, SQLiteTransaction
from ropewalk.errors import HandlerError, shown
from ropewalk.forks import observe_forks
from ropewalk.waiting import Waiter, call_later_in_real_time

Result = TypeVar("Result")


class SQLitePool:
    """The connections to a file, each with its own thread. They are opened when they are needed."""

    read: SQLiteReader
    """Reads committed data."""

    def __init__(self, path: str, options: SQLiteOptions) -> None:
        self._path = path
        self._options = options
        self._inherited: list[ConnectionThread] = []
        """Connections of the parent process.

        A forked child must not close them, because this would damage the parent's connections.
        """
        self._reset()
        observe_forks(self)

    def _reset(self) -> None:
        options = self._options
        self._writer = ConnectionThread(self._connect)
        self._readers = [ConnectionThread(self._connect_reader) for _ in range(options.readers)]
        self._writing = ConnectionQueue("to write", [self._writer], options.waiting)
        self._reading = ConnectionQueue("to read", self._readers, options.waiting)
        self.read = SQLiteReader(self._reading, options.timeout)

    def after_fork_in_child(self) -> None:
        """Replace the connections in a forked child, because the child must not use the parent's connections."""
        self._inherited += [self._writer, *self._readers]
        self._reset()

    def after_fork_in_parent(self) -> None:
        """Do nothing, because the parent process keeps its connections."""

    async def open(self) -> None:
        """Open the file, and run the schema. Raises HandlerError (RW283) if the file cannot be opened."""
        await self._writer.call(self._make_schema)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[SQLiteTransaction]:
        """A transaction: committed at the end of the block, or rolled back if the block raises an exception."""
        transaction = SQLiteTransaction(self._writing, self._options.timeout)
        try:
            yield transaction
            await transaction.commit()
        finally:
            transaction.end()

    async def close(self) -> None:
        """Close each connection when its calls have ended. Wait for at most `timeout` seconds for each connection."""
        for each in (*self._readers, self._writer):
            await _within(self._options.timeout, each.close())

    # Methods that run in the thread of a connection

    def _connect(self) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(self._path, timeout=0, isolation_level=None)  # BEGIN and COMMIT are explicit
        except sqlite3.Error as error:
            raise self._unusable(error) from error
        try:
            self._set_up(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _connect_reader(self) -> sqlite3.Connection:
        connection = self._connect()
        connection.execute(f"PRAGMA busy_timeout = {round(self._options.timeout * 1000)}")
        connection.execute("PRAGMA query_only = ON")
        return connection

    def _set_up(self, connection: sqlite3.Connection) -> None:
        options = self._options
        connection.row_factory = sqlite3.Row
        try:
            (mode,) = self._patiently(lambda: connection.execute("PRAGMA journal_mode = WAL").fetchone())
        except sqlite3.DatabaseError as error:  # the file is not a database, or it may not be written
            if is_busy(error):
                raise
            raise self._unusable(error) from error
        if mode != "wal":  # for example, a database in memory has no WAL
            what = f"{shown(self._path)} cannot have a write-ahead log: its journal is {shown(mode)}."
            raise HandlerError("RW283", what, "Name a file on a local disk. In tests, use a temporary file.")
        connection.execute(f"PRAGMA synchronous = {options.synchronous}")
        connection.execute(f"PRAGMA foreign_keys = {int(options.foreign_keys)}")
        if options.prepare is not None:
            options.prepare(connection)

    def _unusable(self, error: sqlite3.Error) -> HandlerError:
        what = f"The file {shown(self._path)} cannot be opened as a database: {error}."
        return HandlerError("RW283", what, "Check that its folder exists, and that this process may write to both.")

    def _make_schema(self, connection: sqlite3.Connection) -> None:
        if self._options.schema:  # in a transaction, because other processes may start at the same time
            self._patiently(lambda: connection.executescript(f"BEGIN IMMEDIATE;\n{self._options.schema}\n;COMMIT;"))

    def _patiently(self, run: Callable[[], Result]) -> Result:
        """Run a statement. Try again while another process holds the lock, up to the timeout."""
        deadline = monotonic() + self._options.timeout
        while True:
            try:
                return run()
            except sqlite3.OperationalError as error:
                if not is_busy(error) or monotonic() >= deadline:
                    raise
                sleep(LONGEST_PAUSE)


async def _within(seconds: float, waiter: Waiter[Any]) -> None:
    """Wait until `waiter` fires, but at most for `seconds`."""
    cancel = call_later_in_real_time(seconds, waiter.cancel)
    try:
        await waiter
    except CancelledError:  # the timeout has passed
        return
    except BaseException:
        cancel()
        raise
    cancel()
