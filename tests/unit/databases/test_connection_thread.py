"""If the caller of a statement no longer waits, the thread ends the statement: by `interrupt`, or by a check that the
statement makes after every `STEPS` instructions. Each way is tested without the other."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from tests.unit.databases.conftest import Started

from ropewalk.databases import SQLite, SQLiteOptions, connection_thread
from ropewalk.databases.connection_thread import ConnectionThread

Run = Callable[[Coroutine[Any, Any, Any]], Any]

ENDLESS = "WITH RECURSIVE c(x) AS (SELECT started() UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"


@pytest.fixture
def thread(started: Started) -> ConnectionThread:
    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(":memory:")
        connection.create_function("started", 0, started)
        return connection

    return ConnectionThread(connect)


def test_a_running_statement_is_interrupted(
    thread: ConnectionThread, started: Started, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No statement checks by itself, so only `interrupt` can end it.
    monkeypatch.setattr(connection_thread, "STEPS", 2**30)

    async def main() -> None:
        running = started.expect()
        task = asyncio.create_task(thread.call(lambda connection: connection.execute(ENDLESS).fetchall()))
        await running.wait()
        task.cancel()
        await asyncio.wait([task])
        assert await thread.call(lambda connection: connection.execute("SELECT 5").fetchone()) == (5,)
        await thread.close()

    run(main())


def test_a_statement_that_begins_after_the_interruption(thread: ConnectionThread, run: Run) -> None:
    def work(connection: sqlite3.Connection) -> None:
        assert thread._running is not None
        thread._running.abandoned.set()
        connection.interrupt()
        connection.execute(ENDLESS).fetchall()

    async def main() -> None:
        with pytest.raises(sqlite3.OperationalError, match="interrupted"):
            await thread.call(work)
        assert await thread.call(lambda connection: connection.execute("SELECT 5").fetchone()) == (5,)
        await thread.close()

    run(main())


def test_a_call_that_has_not_begun_is_dropped(thread: ConnectionThread, started: Started, run: Run) -> None:
    called: list[object] = []

    async def main() -> None:
        running = started.expect()
        first = asyncio.create_task(thread.call(lambda connection: connection.execute(ENDLESS).fetchall()))
        await running.wait()
        second = asyncio.create_task(thread.call(called.append))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.wait([second])
        first.cancel()
        await asyncio.wait([first])
        await thread.close()

    run(main())
    assert called == []


def test_a_thread_that_cannot_start(path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    async def main() -> None:
        async with SQLite(path, SQLiteOptions(readers=1)).open() as pool:
            with monkeypatch.context() as patch:
                patch.setattr(threading.Thread, "start", refuse)
                for _ in range(2):
                    with pytest.raises(RuntimeError, match="can't start"):
                        await pool.read.fetch(int, "SELECT 5")
            assert await pool.read.fetch(int, "SELECT 5") == [5]

    run(main())
