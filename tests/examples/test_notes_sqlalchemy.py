"""Notes with SQLAlchemy and both drivers, as the guide shows them."""

import httpx
import pytest
from tests.examples.notes_service import check_export, check_input, check_service, use
from tests.postgres_process import Database
from tests.processes import EXAMPLES, ropewalk

from notes_sqlalchemy import app

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True, params=["psycopg", "asyncpg"])
def database_url(request: pytest.FixtureRequest, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    use(database.url_for(request.param), monkeypatch)


def test_the_service(database: Database) -> None:
    check_service(app, database)


def test_input() -> None:
    check_input(app)


def test_export() -> None:
    check_export(app)


def test_from_the_command_line() -> None:
    with ropewalk("run", EXAMPLES / "notes_sqlalchemy.py") as server:
        assert httpx.post(f"{server.url}/notes", json={"title": "rope"}).status_code == 201
        assert httpx.get(f"{server.url}/notes/1").json()["title"] == "rope"
