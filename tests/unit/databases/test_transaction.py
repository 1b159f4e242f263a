"""Transactions: one at a time, committed or rolled back as a whole, and interrupted when their request ends."""

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.databases.conftest import ENDLESS, ENDLESS_WRITE, Started

from ropewalk.databases import DatabaseBusy, SQLite, SQLitePool, SQLiteTransaction
from ropewalk.errors import HandlerError

Run = Callable[[Coroutine[Any, Any, Any]], Any]

INSERT = "INSERT INTO notes (title) VALUES (?)"


async def titles(pool: SQLitePool) -> list[str]:
    return await pool.read.fetch(str, "SELECT title FROM notes ORDER BY title")


def is_running(pool: SQLitePool) -> bool:
    """Whether the pool's thread for writes is running a call."""
    return pool._writer._running is not None


def test_the_end_of_the_block_commits(database: SQLite, run: Run) -> None:
    async def main() -> None:
        async with database.open() as pool:
            async with pool.transaction() as transaction:
                await transaction.execute(INSERT, ("a",))
                assert await titles(pool) == []
            assert await titles(pool) == ["a"]

    run(main())


def test_an_exception_rolls_back(database: SQLite, run: Run) -> None:
    async def fail(pool: SQLitePool) -> None:
        async with pool.transaction() as transaction:
            await transaction.execute(INSERT, ("a",))
            raise ZeroDivisionError

    async def main() -> None:
        async with database.open() as pool:
            with pytest.raises(ZeroDivisionError):
                await fail(pool)
            async with pool.transaction() as transaction:
                assert await transaction.fetch(str, "SELECT title FROM notes") == []

    run(main())


def test_a_failed_statement_leaves_the_transaction_open(database: SQLite, run: Run) -> None:
    async def main() -> None:
        async with database.open() as pool:
            async with pool.transaction() as transaction:
                await transaction.execute(INSERT, ("a",))
                with pytest.raises(sqlite3.IntegrityError):
                    await transaction.execute(INSERT, ("a",))
                await transaction.execute(INSERT, ("b",))
            assert await titles(pool) == ["a", "b"]

    run(main())


def test_it_begins_at_its_first_statement(database: SQLite, other: sqlite3.Connection, run: Run) -> None:
    """A handler that hashes a password before its first statement does not make other transactions wait."""

    async def main() -> None:
        async with database.open() as pool, pool.transaction() as first:
            async with pool.transaction() as second:
                await second.execute(INSERT, ("a",))
            other.execute("BEGIN IMMEDIATE")
            other.execute("ROLLBACK")
            assert await first.fetch(str, "SELECT title FROM notes") == ["a"]
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("BEGIN IMMEDIATE")

    run(main())


def test_many_at_a_time(database: SQLite, run: Run) -> None:
    """Each transaction reads and writes. A waiting transaction occupies no thread, so all of them end."""

    async def add(pool: SQLitePool) -> None:
        async with pool.transaction() as transaction:
            count = await transaction.fetch_one(int, "SELECT count(*) FROM notes")
            await transaction.execute(INSERT, (f"{count:03}",))

    async def main() -> None:
        async with database.open() as pool:
            await asyncio.gather(*(add(pool) for _ in range(100)))
            assert await titles(pool) == [f"{number:03}" for number in range(100)]

    run(main())


def test_statements_of_several_tasks(database: SQLite, run: Run) -> None:
    async def main() -> None:
        async with database.open() as pool:
            async with pool.transaction() as transaction:
                await asyncio.gather(*(transaction.execute(INSERT, (str(number),)) for number in range(9)))
            assert len(await titles(pool)) == 9

    run(main())


def test_a_function_in_the_thread(database: SQLite, run: Run) -> None:
    def add(connection: sqlite3.Connection, *titles: str, upper: bool) -> int:
        rows = [(title.upper() if upper else title,) for title in titles]
        return connection.executemany(INSERT, rows).rowcount

    async def main() -> None:
        async with database.open() as pool:
            async with pool.transaction() as transaction:
                assert await transaction.call(add, "a", "b", upper=True) == 2
            assert await titles(pool) == ["A", "B"]

    run(main())


class TestCancelled:
    @pytest.mark.parametrize("statement", [ENDLESS, ENDLESS_WRITE])
    def test_a_running_statement(self, database: SQLite, started: Started, run: Run, statement: str) -> None:
        async def work(pool: SQLitePool) -> None:
            async with pool.transaction() as transaction:
                await transaction.execute(INSERT, ("a",))
                await transaction.execute(statement)

        async def main() -> None:
            async with database.open() as pool:
                running = started.expect()
                task = asyncio.create_task(work(pool))
                await running.wait()
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                async with pool.transaction() as transaction:
                    await transaction.execute(INSERT, ("b",))
                assert await titles(pool) == ["b"]

        run(main())

    def test_a_statement_that_is_about_to_run(self, database: SQLite, run: Run) -> None:
        async def work(pool: SQLitePool, turns: int) -> None:
            async with pool.transaction() as transaction:
                await transaction.execute("SELECT 1")
                task = asyncio.create_task(transaction.execute(ENDLESS))
                for _ in range(turns):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.wait([task])

        async def main() -> None:
            async with database.open() as pool:
                for turns in range(20):
                    await work(pool, turns)
                    assert await titles(pool) == []

        run(main())

    def test_the_wait_for_a_turn(self, database: SQLite, run: Run) -> None:
        async def add(pool: SQLitePool, title: str) -> None:
            async with pool.transaction() as transaction:
                await transaction.execute(INSERT, (title,))

        async def main() -> None:
            async with database.open() as pool:
                async with pool.transaction() as transaction:
                    await transaction.execute("SELECT 1")
                    tasks = [asyncio.create_task(add(pool, str(number))) for number in range(4)]
                    await asyncio.sleep(0)
                    tasks[0].cancel()
                    tasks[2].cancel()
                tasks[1].cancel()  # this transaction is the next in the queue, and has not run a statement
                await asyncio.wait(tasks)
                assert await titles(pool) == ["3"]

        run(main())

    def test_the_wait_for_the_lock_of_another_process(
        self, make: Callable[..., SQLite], other: sqlite3.Connection, run: Run
    ) -> None:
        async def add(pool: SQLitePool) -> None:
            async with pool.transaction() as transaction:
                await transaction.execute(INSERT, ("a",))

        async def main() -> None:
            async with make(timeout=3600).open() as pool:
                other.execute("BEGIN IMMEDIATE")
                task = asyncio.create_task(add(pool))
                while not is_running(pool):
                    await asyncio.sleep(0)
                assert await titles(pool) == []  # it reads meanwhile
                task.cancel()
                await asyncio.wait([task])
                assert task.cancelled()
                while is_running(pool):  # wait until the thread gives up; the other connection still holds the lock
                    await asyncio.sleep(0)
                other.execute("ROLLBACK")
                await add(pool)
                assert await titles(pool) == ["a"]

        run(main())

    def test_a_commit_that_has_begun(self, database: SQLite, run: Run) -> None:
        async def main() -> None:
            async with database.open() as pool:
                transaction = SQLiteTransaction(pool._writing, 30)
                await transaction.execute(INSERT, ("a",))
                task = asyncio.create_task(transaction.commit())
                await asyncio.sleep(0)
                task.cancel()
                await asyncio.wait([task])
                assert task.cancelled()
                transaction.end()
                async with pool.transaction() as following:
                    assert await following.fetch(str, "SELECT title FROM notes") == ["a"]

        run(main())


class TestBusy:
    def test_another_process_has_the_lock(
        self, make: Callable[..., SQLite], other: sqlite3.Connection, run: Run, log: Log
    ) -> None:
        async def main() -> None:
            async with make(timeout=0).open() as pool:
                other.execute("BEGIN IMMEDIATE")
                async with pool.transaction() as transaction:
                    with pytest.raises(DatabaseBusy) as caught:
                        await transaction.execute(INSERT, ("a",))
                    assert (caught.value.status, caught.value.headers) == (503, (("Retry-After", "1"),))
                    other.execute("ROLLBACK")
                    await transaction.execute(INSERT, ("b",))
                assert await titles(pool) == ["b"]

        run(main())
        assert "RW280 The database is busy: another process holds its lock." in log.text

    def test_another_request_writes_for_too_long(self, make: Callable[..., SQLite], run: Run, log: Log) -> None:
        async def main() -> None:
            async with make(timeout=0).open() as pool:
                async with pool.transaction() as first, pool.transaction() as second:
                    await first.execute(INSERT, ("a",))
                    with pytest.raises(DatabaseBusy):
                        await second.execute(INSERT, ("b",))
                assert await titles(pool) == ["a"]

        run(main())
        assert "RW280 The database is busy: a request waited 0 s to write." in log.text

    def test_too_many_wait(self, make: Callable[..., SQLite], run: Run, log: Log) -> None:
        async def main() -> None:
            async with (
                make(timeout=30, waiting=1).open() as pool,
                pool.transaction() as first,
                pool.transaction() as second,
                pool.transaction() as third,
            ):
                await first.execute(INSERT, ("a",))
                waiting = asyncio.create_task(second.execute(INSERT, ("b",)))
                await asyncio.sleep(0)
                with pytest.raises(DatabaseBusy):
                    await third.execute(INSERT, ("c",))
                waiting.cancel()
                await asyncio.wait([waiting])

        run(main())
        assert "RW280 The database is busy: 1 requests wait to write." in log.text


class TestMistakes:
    def test_a_statement_after_the_end(self, database: SQLite, run: Run) -> None:
        async def main() -> None:
            async with database.open() as pool:
                async with pool.transaction() as transaction:
                    pass
                with pytest.raises(HandlerError, match="RW281 A transaction was used after its end"):
                    await transaction.execute(INSERT, ("a",))
                async with pool.transaction() as begun:
                    await begun.execute(INSERT, ("a",))
                with pytest.raises(HandlerError, match="RW281 A transaction was used after its end"):
                    await begun.execute(INSERT, ("b",))

        run(main())

    @pytest.mark.parametrize("statement", ["COMMIT", "ROLLBACK"])
    def test_a_statement_that_ends_it(self, database: SQLite, run: Run, statement: str) -> None:
        """If a statement ends the transaction, later statements in the block are refused. Otherwise each of them would
        be committed by itself."""

        async def work(pool: SQLitePool) -> None:
            async with pool.transaction() as transaction:
                await transaction.execute(INSERT, ("a",))
                await transaction.execute(statement)
                with pytest.raises(HandlerError, match="RW281 A transaction has ended early"):
                    await transaction.execute(INSERT, ("b",))

        async def main() -> None:
            async with database.open() as pool:
                with pytest.raises(HandlerError, match="RW281 A transaction has ended early"):
                    await work(pool)
                assert "b" not in await titles(pool)

        run(main())

    def test_a_constraint_that_the_commit_checks(self, database: SQLite, run: Run) -> None:
        async def work(pool: SQLitePool) -> None:
            async with pool.transaction() as transaction:
                await transaction.execute("INSERT INTO child VALUES (7)")

        async def main() -> None:
            async with database.open() as pool:
                async with pool.transaction() as transaction:
                    await transaction.execute("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
                    await transaction.execute("CREATE TABLE child (id REFERENCES parent DEFERRABLE INITIALLY DEFERRED)")
                with pytest.raises(sqlite3.IntegrityError):
                    await work(pool)
                async with pool.transaction() as transaction:
                    assert await transaction.execute("SELECT * FROM child") == []

        run(main())


def test_a_wait_that_ends_with_the_handler(database: SQLite, run: Run) -> None:
    """If a statement still waits when the block of its transaction ends, the statement fails with RW281 and is not
    executed. It does not keep later transactions waiting."""

    async def main() -> None:
        late: list[SQLiteTransaction] = []
        async with database.open() as pool:
            async with pool.transaction() as first:
                await first.execute("SELECT 1")
                async with pool.transaction() as second:
                    late.append(second)
                    task = asyncio.create_task(second.execute(INSERT, ("a",)))
                    await asyncio.sleep(0)
            with pytest.raises(HandlerError, match="RW281"):
                await task
            async with pool.transaction() as third:
                await third.execute(INSERT, ("b",))
            assert await titles(pool) == ["b"]

    run(main())
