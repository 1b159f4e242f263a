"""`SQLite`: a database file as a dependency of handlers."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

from ropewalk.databases.options import SQLiteOptions
from ropewalk.databases.pool import SQLitePool
from ropewalk.databases.reader import SQLiteReader
from ropewalk.databases.transaction import SQLiteTransaction
from ropewalk.typed import Depends


class SQLite:
    """A database in a file, for the parameters of handlers.

    The database is opened when an app that needs it starts, and closed when the app stops. `path` is a path, or a
    function that returns one, called at the start: `lambda: os.environ["DATABASE"]`. The file uses a write-ahead log
    (WAL), so it must be on a local disk.
    """

    transaction: Depends
    """The marker of a parameter that gets a transaction: `Annotated[SQLiteTransaction, database.transaction]`.

    The transaction is committed when the handler returns, before the response is sent, and rolled back if the handler
    fails."""
    read: Depends
    """The marker of a parameter that reads: `Annotated[SQLiteReader, database.read]`."""
    pool: Depends
    """The marker of a parameter that gets the pool: `Annotated[SQLitePool, database.pool]`."""

    def __init__(self, path: str | Path | Callable[[], str | Path], options: SQLiteOptions | None = None) -> None:
        self._path = path
        self._options = options or SQLiteOptions()

        async def open_pool() -> AsyncIterator[SQLitePool]:
            async with self.open() as opened:
                yield opened

        self.pool = Depends(open_pool, scope="app")

        async def transaction(pool: Annotated[SQLitePool, self.pool]) -> AsyncIterator[SQLiteTransaction]:
            async with pool.transaction() as begun:
                yield begun

        def read(pool: Annotated[SQLitePool, self.pool]) -> SQLiteReader:
            return pool.read

        self.transaction = Depends(transaction, scope="handler")
        self.read = Depends(read)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[SQLitePool]:
        """Open the file without an app, for example in a script: `async with database.open() as pool:`."""
        path = self._path() if callable(self._path) else self._path
        pool = SQLitePool(os.fspath(path), self._options)
        try:
            await pool.open()
            yield pool
        finally:
            await pool.close()
