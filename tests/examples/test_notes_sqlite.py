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


def test_the_journal(client: Client, path: Path) -> None:
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()
