"""A database as a dependency of handlers."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
from tests.unit.databases.conftest import ENDLESS, Started

from ropewalk import App, Depends, HTTPError
from ropewalk.databases import SQLite, SQLitePool, SQLiteReader, SQLiteTransaction
from ropewalk.errors import HandlerError
from ropewalk.testing import AsyncClient, Client

Run = Callable[[Coroutine[Any, Any, Any]], Any]

INSERT = "INSERT INTO notes (title) VALUES (?)"


def count(path: Path) -> int:
    connection = sqlite3.connect(path)
    (found,) = connection.execute("SELECT count(*) FROM notes").fetchone()
    connection.close()
    return int(found)


@pytest.fixture
def app(database: SQLite) -> App:
    app = App()

    @app.put("/{title}")
    async def add(
        title: str,
        transaction: Annotated[SQLiteTransaction, database.transaction],
        reader: Annotated[SQLiteReader, database.read],
    ) -> list[str]:
        await transaction.execute(INSERT, (title,))
        assert await reader.execute("SELECT * FROM notes WHERE title = ?", (title,)) == []
        if title == "refused":
            raise HTTPError(409)
        return await transaction.fetch(str, "SELECT title FROM notes")

    @app.get("/")
    async def list_notes(reader: Annotated[SQLiteReader, database.read]) -> list[str]:
        return await reader.fetch(str, "SELECT title FROM notes")

    @app.get("/lines")
    async def stream(transaction: Annotated[SQLiteTransaction, database.transaction]) -> AsyncIterator[str]:
        for number in range(3):
            await transaction.execute(INSERT, (str(number),))
            yield str(number)

    return app


def test_the_transaction_is_committed_before_the_response(app: App, path: Path) -> None:
    with Client(app) as client:
        assert client.put("/a").json() == ["a"]
        assert client.get("/").json() == ["a"]
        assert count(path) == 1
    assert not path.with_name("notes.sqlite-wal").exists()  # the end of the app closes the database


def test_a_failed_request_changes_nothing(app: App) -> None:
    with Client(app) as client:
        assert client.put("/refused").status == 409
        assert client.get("/").json() == []


def test_a_stream_is_one_transaction(app: App, path: Path) -> None:
    with Client(app) as client:
        assert client.get("/lines").status == 200
    assert count(path) == 3


@pytest.mark.parametrize("kind", ["transaction", "reader"])
def test_a_client_that_leaves(database: SQLite, started: Started, run: Run, kind: str) -> None:
    """If a client leaves, the statement of its request is interrupted. Otherwise the next request would wait for
    ever."""
    app = App()

    @app.get("/transaction")
    async def write(transaction: Annotated[SQLiteTransaction, database.transaction]) -> None:
        await transaction.execute(INSERT, ("a",))
        await transaction.execute(ENDLESS)

    @app.get("/reader")
    async def read(reader: Annotated[SQLiteReader, database.read]) -> None:
        await reader.execute(ENDLESS)

    @app.put("/{title}")
    async def add(title: str, transaction: Annotated[SQLiteTransaction, database.transaction]) -> list[str]:
        await transaction.execute(INSERT, (title,))
        return await transaction.fetch(str, "SELECT title FROM notes")

    async def main() -> None:
        async with AsyncClient(app, timeout=60) as client:
            for _ in range(6):  # more often than there are connections in the pool
                running = started.expect()
                request = asyncio.create_task(client.get(f"/{kind}"))
                await running.wait()
                request.cancel()
                await asyncio.wait([request])
            assert (await client.put("/b")).json() == ["b"]

    run(main())


def test_two_databases_and_a_mounted_app(tmp_path: Path) -> None:
    databases = [SQLite(tmp_path / name) for name in ("a", "b")]
    mounted = App()

    @mounted.get("/")
    async def show(
        first: Annotated[SQLiteReader, databases[0].read], second: Annotated[SQLitePool, databases[1].pool]
    ) -> list[str]:
        files = [await each.execute("PRAGMA database_list") for each in (first, second.read)]
        return [Path(found[0]["file"]).name for found in files]

    app = App()
    app.mount("/mounted", mounted)
    with Client(app) as client:
        assert client.get("/mounted/").json() == ["a", "b"]


def test_the_path_of_a_function_is_read_at_the_start(tmp_path: Path) -> None:
    paths: Iterator[str | Path] = iter([tmp_path / "a", str(tmp_path / "b")])
    database = SQLite(lambda: next(paths))
    app = App()

    @app.get("/")
    async def show(pool: Annotated[SQLitePool, database.pool]) -> str:
        return Path((await pool.read.execute("PRAGMA database_list"))[0]["file"]).name

    for name in ("a", "b"):
        with Client(app) as client:
            assert client.get("/").text == name


def test_the_start_fails_if_the_file_cannot_be_opened(make: Callable[..., SQLite], tmp_path: Path) -> None:
    database = SQLite(tmp_path / "missing" / "file")
    app = App()
    app.provide("reader", database.read)

    @app.get("/")
    async def show(pool: Annotated[SQLitePool, database.pool]) -> None: ...

    with pytest.raises(HandlerError, match=r"RW283 The file '.*/missing/file' cannot be opened"), Client(app):
        pass


def test_by_name_and_replaced(database: SQLite) -> None:
    app = App()
    app.provide("notes", database.read)

    @app.get("/")
    async def show(notes: Annotated[Any, Depends()]) -> list[str]:
        found: list[str] = await notes.fetch(str, "SELECT title FROM notes")
        return found

    class Rows:
        async def fetch(self, *_: object) -> list[str]:
            return ["from memory"]

    with app.override(database.read, Rows), Client(app) as client:
        assert client.get("/").json() == ["from memory"]
