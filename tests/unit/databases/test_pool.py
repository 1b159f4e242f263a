"""The open connections: how they are set up, fail, survive a fork, and are closed."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.databases.conftest import ENDLESS, Started

from ropewalk.databases import SQLite, SQLiteOptions
from ropewalk.databases.connection_thread import ConnectionThread
from ropewalk.errors import HandlerError

Run = Callable[[Coroutine[Any, Any, Any]], Any]


def threads() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "ropewalk-sqlite"]


@pytest.mark.parametrize(("synchronous", "expected"), [("full", 2), ("normal", 1)])
def test_how_connections_are_set_up(make: Callable[..., SQLite], run: Run, synchronous: str, expected: int) -> None:
    async def main() -> None:
        async with make(synchronous=synchronous).open() as pool, pool.transaction() as transaction:
            for each in (transaction, pool.read):
                assert await each.fetch(str, "PRAGMA journal_mode") == ["wal"]
                assert await each.fetch(int, "PRAGMA synchronous") == [expected]
                assert await each.fetch(int, "PRAGMA foreign_keys") == [1]
                assert await each.fetch(int, "SELECT started()") == [1]
        async with make(foreign_keys=False).open() as pool:
            assert await pool.read.fetch(int, "PRAGMA foreign_keys") == [0]

    run(main())


def test_the_end_closes_connections_and_threads(database: SQLite, path: Path, run: Run) -> None:
    async def main() -> list[threading.Thread]:
        async with database.open() as pool:
            await pool.read.execute("SELECT 1")
            found = threads()
            assert len(found) == 2  # the threads of the writer and of one reader; no other reader was needed
        with pytest.raises(HandlerError, match="RW281 A database was used after it was closed"):
            await pool.read.execute("SELECT 1")
        return found

    for each in run(main()):
        each.join(30)
        assert not each.is_alive()
    # SQLite removes this file when the last connection is closed.
    assert not path.with_name("notes.sqlite-wal").exists()


def test_a_statement_that_runs_at_the_end(make: Callable[..., SQLite], started: Started, run: Run) -> None:
    """A task that the app did not cancel delays the end for the timeout only."""

    async def main() -> None:
        async with make(timeout=0.01).open() as pool:
            running = started.expect()
            task = asyncio.create_task(pool.read.execute(ENDLESS))
            await running.wait()
        task.cancel()
        await asyncio.wait([task])

    run(main())


def test_the_schema_is_run_as_a_whole(path: Path, run: Run) -> None:
    async def main() -> None:
        options = SQLiteOptions(schema="CREATE TABLE a (b); CREATE TABL c (d)")
        with pytest.raises(sqlite3.OperationalError, match="syntax error"):
            async with SQLite(path, options).open():
                pass

    run(main())
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT * FROM sqlite_master").fetchall() == []
    connection.close()


def test_processes_that_start_at_the_same_time(make: Callable[..., SQLite], run: Run) -> None:
    async def start() -> None:
        async with make(timeout=30).open():
            pass

    async def main() -> None:
        await asyncio.gather(*(start() for _ in range(5)))

    run(main())


def test_a_file_that_cannot_be_opened(tmp_path: Path, run: Run) -> None:
    async def main() -> None:
        with pytest.raises(HandlerError, match=r"RW283 The file '.*/missing/file' cannot be opened .*: unable to open"):
            async with SQLite(tmp_path / "missing" / "file").open():
                pass

    run(main())


def test_a_file_that_is_not_a_database(path: Path, run: Run) -> None:
    path.write_text("something else " * 100)

    async def main() -> None:
        with pytest.raises(HandlerError, match=r"RW283 The file '.*notes.sqlite' cannot be .*: file is not a database"):
            async with SQLite(path).open():
                pass

    run(main())


def test_a_database_in_memory(run: Run) -> None:
    async def main() -> None:
        with pytest.raises(HandlerError, match=r"RW283 ':memory:' cannot have a write-ahead log: .* temporary file"):
            async with SQLite(":memory:").open():
                pass

    run(main())


def test_a_lock_at_the_start(make: Callable[..., SQLite], other: sqlite3.Connection, run: Run) -> None:
    other.execute("BEGIN EXCLUSIVE")

    async def main() -> None:
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            async with make(timeout=0.06).open():
                pass

    run(main())
    other.execute("ROLLBACK")


def test_a_forked_child_opens_its_own_connections(database: SQLite, run: Run) -> None:
    async def main() -> None:
        async with database.open() as pool:
            inherited = [pool._writer, *pool._readers]
            pool.after_fork_in_parent()
            pool.after_fork_in_child()
            async with pool.transaction() as transaction:
                await transaction.execute("INSERT INTO notes (title) VALUES ('a')")
            assert await pool.read.fetch(str, "SELECT title FROM notes") == ["a"]
            assert inherited[0]._connection is not None  # it is the parent's
            for each in inherited:
                await each.close()  # this is the parent

    run(main())


def test_a_rollback_that_fails(run: Run, log: Log) -> None:
    class Broken:
        in_transaction = True
        closed = 0

        def execute(self, statement: str) -> None:
            raise sqlite3.OperationalError(f"{statement}: disk I/O error")

        def close(self) -> None:
            self.closed += 1

    broken: Any = Broken()
    connections = iter([sqlite3.connect(":memory:", check_same_thread=False)])
    thread = ConnectionThread(lambda: next(connections))
    thread._connection = broken

    async def main() -> None:
        await thread.clean_up()
        assert await thread.call(lambda connection: connection.execute("SELECT 5").fetchone()) == (5,)
        await thread.close()
        await thread.clean_up()

    run(main())
    assert broken.closed == 1
    assert "A rollback failed. The connection is replaced." in log.text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"timeout": -1}, "timeout=-1"),
        ({"timeout": "5"}, "timeout='5'"),
        ({"readers": 0}, "readers=0"),
        ({"waiting": 1.5}, "waiting=1.5"),
        ({"synchronous": "off"}, "synchronous='off'"),
    ],
)
def test_wrong_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(HandlerError, match=f"RW283 SQLiteOptions has {message}"):
        SQLiteOptions(**options)
