"""Notes in SQLite, as the guide shows them."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from notes_sqlite import app
from ropewalk.testing import Client


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    found = tmp_path / "notes.sqlite"
    monkeypatch.setenv("NOTES_FILE", str(found))
    return found


@pytest.fixture
def client(path: Path) -> Iterator[Client]:
    with Client(app) as client:
        yield client


def test_notes(client: Client) -> None:
    assert client.post("/notes", json={"title": "rope"}).status == 201
    assert client.post("/notes", json={"title": "rope"}).status == 409
    assert client.get("/notes").json() == [{"title": "rope"}]


def test_a_locked_database(client: Client, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path, **options: plain(path, **(options | {"timeout": 0})))
    other = plain(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    response = client.post("/notes", json={"title": "rope"})
    assert (response.status, response.headers["retry-after"]) == (503, "1")
    other.execute("ROLLBACK")
    other.close()
    assert client.post("/notes", json={"title": "rope"}).status == 201


def test_the_journal(client: Client, path: Path) -> None:
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()
