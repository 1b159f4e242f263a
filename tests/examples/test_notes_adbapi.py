"""Notes with psycopg in threads, as the guide shows them."""

import pytest
from tests.examples.notes_service import use
from tests.postgres_process import Database

from notes_adbapi import app
from ropewalk.testing import Client

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def database_url(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    use(database.url, monkeypatch)


def test_the_service(database: Database) -> None:
    with Client(app) as client:
        assert client.post("/notes", json={"title": "rope"}).status == 201
        assert client.post("/notes", json={"title": "rope"}).status == 409
        assert client.post("/notes", json={"title": "a\0b"}).status == 422
        assert client.post("/notes", json={"title": "note"}).status == 201
        assert client.get("/notes").json() == [{"title": "rope"}, {"title": "note"}]
        assert set(database.sessions()) == {"idle"}


def test_connections_that_the_server_ends(database: Database) -> None:
    """A statement fails on a lost connection, and the thread uses a new connection for the next statement."""
    with Client(app) as client:
        assert client.get("/notes").status == 200
        connections = len(database.sessions())
        database.terminate_sessions()
        statuses = [client.get("/notes").status for _ in range(connections + 12)]
        assert 200 in statuses
        assert set(statuses) <= {200, 503}
        assert client.get("/notes").headers.get("retry-after") in (None, "1")
