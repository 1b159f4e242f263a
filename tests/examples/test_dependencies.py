"""Dependencies, as the guide shows them."""

from functools import partial
from pathlib import Path

from dependencies import Session, app, database_file, make_database, open_session
from ropewalk.testing import Client

ADA = {"x-key": "k1"}


def test_the_user() -> None:
    client = Client(app)
    assert client.get("/me", headers=ADA).text == "ada"
    assert client.get("/me", headers={"x-key": "k"}).status == 401
    assert client.get("/me").status == 401


def test_notes_are_kept(tmp_path: Path) -> None:
    with app.override(database_file, partial(make_database, tmp_path / "notes.sqlite")), Client(app) as client:
        assert client.post("/notes", json={"text": "Buy rope"}, headers=ADA).status == 201
        assert client.get("/notes", headers=ADA).json() == [{"text": "Buy rope"}]
        assert client.get("/notes", headers={"x-key": "k2"}).json() == []
        assert client.post("/notes", json={"text": ""}, headers=ADA).status == 422


class Memory(Session):
    """A session for tests."""

    def __init__(self) -> None:
        """Create the session without a connection."""

    async def run(self, statement: str, *values: object) -> list[object]:
        return [("from memory",)]


def test_notes_from_memory() -> None:
    with app.override(open_session, Memory):
        assert Client(app).get("/notes", headers=ADA).json() == [{"text": "from memory"}]
