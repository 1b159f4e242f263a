"""Statements that are used without `await`."""

import asyncio
import gc
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

import pytest
from tests.unit.conftest import Log
from tests.unit.databases.test_sqlite import INSERT, count

from ropewalk import App
from ropewalk.databases import SQLite, SQLiteReader, SQLiteTransaction
from ropewalk.databases.statements import Statements
from ropewalk.errors import HandlerError
from ropewalk.testing import Client

Run = Callable[[Coroutine[Any, Any, Any]], Any]

CALLS: dict[str, Callable[[Statements], Any]] = {
    "execute": lambda database: database.execute("SELECT 1"),
    "fetch": lambda database: database.fetch(int, "SELECT 1"),
    "fetch_one": lambda database: database.fetch_one(int, "SELECT 1"),
    "call": lambda database: database.call(lambda connection: connection.execute("SELECT 1")),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("kind", ["transaction", "read"])
def test_a_condition(database: SQLite, name: str, kind: str, run: Run) -> None:
    async def main() -> None:
        async with database.open() as pool, pool.transaction() as transaction:
            with pytest.raises(HandlerError, match=rf"RW210 {name}\(...\) was used as true or false"):
                bool(CALLS[name](transaction if kind == "transaction" else pool.read))

    run(main())


@pytest.mark.parametrize("name", CALLS)
def test_a_transaction_is_rolled_back(database: SQLite, path: Path, name: str, log: Log) -> None:
    app = App()

    @app.post("/", status=201)
    async def add(transaction: Annotated[SQLiteTransaction, database.transaction]) -> None:
        await transaction.execute(INSERT, ("a",))
        CALLS[name](transaction)

    with Client(app, raise_errors=False) as client:
        assert client.post("/").status == 500
    gc.collect()
    assert count(path) == 0
    assert f": {name}(" in log.text
    assert "was never awaited, so it did not run. Its transaction was rolled back." in log.text
    assert "RW284 POST /: test_a_transaction_is_rolled_back.<locals>.add at" in log.text


def test_the_message_has_the_statement(database: SQLite) -> None:
    app = App()

    @app.post("/")
    async def add(transaction: Annotated[SQLiteTransaction, database.transaction]) -> str:
        return "new" if transaction.fetch_one(int, "SELECT 1") is None else "old"  # type: ignore[comparison-overlap,unused-ignore] # the mistake

    with (
        Client(app) as client,
        pytest.raises(HandlerError, match=r"RW284 .*add at .*: fetch_one\('SELECT 1'\) was never awaited"),
    ):
        client.post("/")


def test_a_failed_handler_keeps_its_error(database: SQLite, log: Log) -> None:
    app = App()

    @app.post("/")
    async def add(transaction: Annotated[SQLiteTransaction, database.transaction]) -> None:
        transaction.execute(INSERT, ("a",))  # type: ignore[unused-coroutine] # the mistake
        raise KeyError("the first mistake")

    with Client(app) as client, pytest.raises(KeyError, match="the first mistake"):
        client.post("/")
    gc.collect()
    assert "RW284 execute(" in log.text  # the second mistake


def test_a_reader_logs_it(database: SQLite, log: Log) -> None:
    app = App()

    @app.get("/")
    async def read(reader: Annotated[SQLiteReader, database.read]) -> None:
        reader.execute("SELECT 1")  # type: ignore[unused-coroutine] # the mistake

    with Client(app) as client:
        client.get("/")
    assert "RW284 execute('SELECT 1') was never awaited, so it did not run." in log.text


@pytest.mark.parametrize("kind", ["transaction", "read"])
def test_a_plain_handler_may_return_one(database: SQLite, kind: str) -> None:
    app = App()

    @app.get("/")
    def read(database: Annotated[Any, getattr(database, kind)]) -> list[int]:
        return database.fetch(int, "SELECT 1")  # type: ignore[no-any-return]

    with Client(app) as client:
        assert client.get("/").json() == [1]


@pytest.mark.parametrize("kind", ["transaction", "read"])
def test_tasks_run_them(database: SQLite, kind: str, run: Run, log: Log) -> None:
    async def main() -> None:
        async with database.open() as pool, pool.transaction() as transaction:
            statements = transaction if kind == "transaction" else pool.read
            one = [each(statements) for name, each in CALLS.items() if name != "call"]
            await asyncio.gather(*one)
            cancelled = asyncio.create_task(CALLS["fetch"](statements))
            cancelled.cancel()
            await asyncio.wait([cancelled])
            assert cancelled.cancelled()
            statements.execute("SELECT 1").close()

    run(main())
    gc.collect()
    assert "RW284" not in log.text


def test_a_task_that_has_not_begun_at_the_end(database: SQLite, run: Run) -> None:
    async def main() -> None:
        tasks: list[asyncio.Task[Any]] = []
        async with database.open() as pool:
            with pytest.raises(HandlerError, match="RW284"):
                async with pool.transaction() as transaction:
                    tasks.append(asyncio.create_task(transaction.execute(INSERT, ("a",))))
            with pytest.raises(HandlerError, match="RW281"):
                await tasks[0]

    run(main())
