"""A database that is down: at the start of the app, and while it runs."""

import asyncio
from collections.abc import Iterator

import pytest
from psycopg_pool import PoolTimeout
from sqlalchemy.exc import OperationalError
from tests.databases.kits import Kit, Transaction
from tests.postgres_process import Database, Postgres
from tests.unit.conftest import observed
from tests.unit.turns import until

from ropewalk import App
from ropewalk.testing import AsyncClient, Client


@pytest.fixture
def stoppable(postgres: Postgres, database: Database) -> Iterator[Postgres]:
    """The server. It is started again after the test."""
    yield postgres
    if not postgres.runs:
        postgres.start()


def reading(kit: Kit, app: App) -> App:
    """The app with two handlers that read from the database: one at once, one after a long time."""

    @app.get("/")
    async def read(transaction: Transaction) -> list[object]:
        return await kit.run(transaction, "SELECT 7")

    @app.get("/wait")
    async def wait(transaction: Transaction) -> list[object]:
        return await kit.run(transaction, "SELECT pg_sleep(600)")

    return app


def test_the_start_fails_without_the_database(kit: Kit, stoppable: Postgres, database: Database) -> None:
    stoppable.stop()
    with pytest.raises((PoolTimeout, OperationalError, OSError)):
        Client(reading(kit, kit.app(database, start=0.2))).__enter__()
    stoppable.start()
    with Client(reading(kit, kit.app(database))) as client:
        assert client.get("/").json() == [[7]]


def test_it_stops_and_starts_again(kit: Kit, stoppable: Postgres, database: Database) -> None:
    """Requests get 503 while the database is down. After it has started again, all connections of the pool work."""
    with observed(bool) as log, Client(reading(kit, kit.app(database, timeout=1)), timeout=60) as client:
        assert client.get("/").json() == [[7]]
        stoppable.stop()
        for _ in range(3):
            response = client.get("/")
            assert (response.status, response.headers["retry-after"]) == (503, "1")
        assert len(log) == 3
        assert "Traceback" not in log.text
        stoppable.start()
        while (response := client.get("/")).status == 503:  # psycopg's pool waits before it tries again
            pass
        assert response.json() == [[7]]


def test_it_stops_during_a_statement(kit: Kit, stoppable: Postgres, database: Database) -> None:
    async def main() -> None:
        async with AsyncClient(reading(kit, kit.app(database)), timeout=60) as client:
            asking = asyncio.ensure_future(client.get("/wait"))
            await until(lambda: "active" in database.sessions())
            stoppable.stop()
            response = await asking
            assert (response.status, response.headers["retry-after"]) == (503, "1")
            stoppable.start()
            assert (await client.get("/")).json() == [[7]]

    asyncio.run(main())


def test_a_restart_between_requests_fails_none(kit: Kit, stoppable: Postgres, database: Database) -> None:
    """The pool checks each connection before it hands it out, and replaces a broken one."""
    with observed(bool) as log, Client(reading(kit, kit.app(database)), timeout=60) as client:
        assert client.get("/").json() == [[7]]
        stoppable.stop()
        stoppable.start()
        assert client.get("/").json() == [[7]]
    assert log.text == ""


def test_connections_that_the_server_ends_fail_no_request(kit: Kit, database: Database) -> None:
    with observed(bool) as log, Client(reading(kit, kit.app(database))) as client:
        for _ in range(3):
            assert client.get("/").json() == [[7]]
            database.terminate_sessions()
    assert log.text == ""
