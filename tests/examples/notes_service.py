"""The tests that all notes services share, whatever PostgreSQL library they use."""

import pytest
from tests.postgres_process import Database

from ropewalk import App
from ropewalk.testing import Client

FIRST = {"id": 1, "title": "rope", "text": "Buy some"}


def check_service(app: App, database: Database) -> None:
    """Add, list, read and delete notes, with valid and invalid requests."""
    with Client(app) as client:
        created = client.post("/notes", json={"title": "rope", "text": "Buy some"})
        assert (created.status, created.json()) == (201, FIRST)
        taken = client.post("/notes", json={"title": "rope"})
        assert (taken.status, taken.json()["detail"]) == (409, "There is a note with this title.")
        for number in range(2, 5):
            assert client.post("/notes", json={"title": f"note {number}"}).status == 201
        assert database.run("SELECT count(*) FROM notes") == [(4,)]

        assert client.get("/notes/1").json() == FIRST
        page = client.get("/notes", params={"after": "1", "limit": "2"}).json()
        assert [note["title"] for note in page] == ["note 2", "note 3"]
        assert [note["title"] for note in client.get("/notes").json()] == ["rope", "note 2", "note 3", "note 4"]

        assert client.delete("/notes/1").status == 204
        assert client.get("/notes/1").status == 404


def check_input(app: App) -> None:
    """Values that the database cannot store cause a client error."""
    with Client(app) as client:
        for wrong in ({"title": ""}, {"title": "a\0b"}, {"title": "a", "text": "\0"}, {"title": "a" * 101}, {}):
            assert client.post("/notes", json=wrong).status == 422
        surrogate = client.post("/notes", body=rb'{"title": "\ud800"}', headers={"content-type": "application/json"})
        assert surrogate.status in (400, 422)
        assert client.get("/notes", params={"after": str(2**63)}).status == 422
        assert client.get(f"/notes/{2**63}").status == 422


def check_export(app: App) -> None:
    """A stream of many rows."""
    with Client(app) as client:
        for number in range(150):
            client.post("/notes", json={"title": f"note {number}"})
        lines = client.get("/notes/export").text.splitlines()
        assert len(lines) == 150
        assert lines[-1] == '{"id":150,"title":"note 149","text":""}'


def use(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have an app use a database when it starts."""
    monkeypatch.setenv("DATABASE_URL", database_url)
