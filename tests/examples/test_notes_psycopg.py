"""Notes with psycopg, as the guide shows them."""

from collections.abc import AsyncIterator

import httpx
import pytest
from psycopg import AsyncConnection
from tests.examples.notes_service import check_export, check_input, check_service, use
from tests.postgres_process import Database
from tests.processes import EXAMPLES, ropewalk

from notes_psycopg import app, begin, open_pool
from ropewalk.testing import Client

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def database_url(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    use(database.url, monkeypatch)


def test_the_service(database: Database) -> None:
    check_service(app, database)


def test_input() -> None:
    check_input(app)


def test_export() -> None:
    check_export(app)


def test_from_the_command_line() -> None:
    with ropewalk("run", EXAMPLES / "notes_psycopg.py") as server:
        assert httpx.post(f"{server.url}/notes", json={"title": "rope"}).status_code == 201
        assert httpx.get(f"{server.url}/notes/1").json()["title"] == "rope"


def test_a_test_that_leaves_nothing_behind(database: Database) -> None:
    async def roll_back() -> AsyncIterator[AsyncConnection]:
        async with await AsyncConnection.connect(database.url) as connection:
            yield connection
            await connection.rollback()

    with Client(app) as client, app.override(begin, roll_back):
        assert client.post("/notes", json={"title": "rope"}).status == 201
        assert client.get("/notes").json() == []


def test_without_a_database() -> None:
    class Rows:
        async def execute(self, statement: str, values: object) -> None:
            assert statement.startswith("DELETE")

    with app.override(open_pool, lambda: None), app.override(begin, Rows), Client(app) as client:
        assert client.delete("/notes/1").status == 204
