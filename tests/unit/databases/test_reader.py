"""Reads: in parallel, during a transaction, and interrupted when their request ends."""

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine
from threading import Barrier
from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.databases.conftest import ENDLESS, Started

from ropewalk.databases import DatabaseBusy, SQLite
from ropewalk.errors import HandlerError

Run = Callable[[Coroutine[Any, Any, Any]], Any]

COUNT = "SELECT count(*) FROM notes"
INSERT = "INSERT INTO notes (title) VALUES ('a')"


def test_reads_run_at_the_same_time(make: Callable[..., SQLite], run: Run) -> None:
    together = Barrier(3, timeout=30)

    async def main() -> None:
        async with make(readers=3).open() as pool:
            await asyncio.gather(*(pool.read.call(lambda connection: together.wait()) for _ in range(3)))
            await asyncio.gather(*(pool.read.execute(COUNT) for _ in range(50)))

    run(main())


def test_one_state_for_a_function(database: SQLite, other: sqlite3.Connection, run: Run) -> None:
    def read_twice(connection: sqlite3.Connection, write: Callable[[], object]) -> list[int]:
        first = connection.execute(COUNT).fetchone()[0]
        write()
        return [first, connection.execute(COUNT).fetchone()[0]]

    def write(path: str) -> None:
        connection = sqlite3.connect(path, timeout=30)
        connection.execute(INSERT)
        connection.commit()
        connection.close()

    async def main() -> None:
        path = other.execute("PRAGMA database_list").fetchone()[2]
        async with database.open() as pool:
            assert await pool.read.call(read_twice, lambda: write(path)) == [0, 0]
            assert await pool.read.fetch_one(int, COUNT) == 1

    run(main())


def test_a_cancelled_read_is_interrupted(make: Callable[..., SQLite], started: Started, run: Run) -> None:
    async def main() -> None:
        async with make(readers=1, timeout=30).open() as pool:
            running = started.expect()
            task = asyncio.create_task(pool.read.execute(ENDLESS))
            await running.wait()
            waiting = asyncio.create_task(pool.read.execute(COUNT))
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()
            assert [tuple(row) for row in await waiting] == [(0,)]

    run(main())


def test_a_statement_that_writes(database: SQLite, run: Run) -> None:
    async def main() -> None:
        async with database.open() as pool:
            with pytest.raises(HandlerError, match=r"RW282 .* Use `SQLite.transaction` to write"):
                await pool.read.execute(INSERT)
            with pytest.raises(HandlerError, match="RW282"):
                await pool.read.call(lambda connection: connection.execute(INSERT))
            assert await pool.read.fetch_one(int, COUNT) == 0

    run(main())


def test_a_transaction_that_a_statement_begins_does_not_last(database: SQLite, run: Run) -> None:
    async def main() -> None:
        async with database.open() as pool:
            await pool.read.execute("BEGIN")
            await pool.read.execute("BEGIN")

    run(main())


def test_wrong_sql(database: SQLite, run: Run) -> None:
    async def main() -> None:
        async with database.open() as pool:
            with pytest.raises(sqlite3.OperationalError, match="no such table: nots"):
                await pool.read.execute("SELECT * FROM nots")
            with pytest.raises(sqlite3.ProgrammingError, match="bindings"):
                await pool.read.execute(COUNT, (1,))

    run(main())


def test_readers_that_are_busy(make: Callable[..., SQLite], started: Started, run: Run, log: Log) -> None:
    async def main() -> None:
        async with make(readers=1, timeout=0).open() as pool:
            running = started.expect()
            task = asyncio.create_task(pool.read.execute(ENDLESS))
            await running.wait()
            with pytest.raises(DatabaseBusy):
                await pool.read.execute(COUNT)
            task.cancel()
            await asyncio.wait([task])

    run(main())
    assert "RW280 The database is busy: a request waited 0 s to read." in log.text


def test_another_process_has_the_whole_file(make: Callable[..., SQLite], run: Run) -> None:
    """SQLite reports "locked" while another process recovers the file after a crash."""

    def lock(connection: sqlite3.Connection) -> None:
        del connection
        error = sqlite3.OperationalError("database is locked")
        error.sqlite_errorcode = sqlite3.SQLITE_BUSY_RECOVERY
        raise error

    async def main() -> None:
        async with make().open() as pool:
            with pytest.raises(DatabaseBusy):
                await pool.read.call(lock)

    run(main())
