"""A class whose methods are routes, mounted twice."""

from room_routes import app
from ropewalk.testing import Client


def test_each_mount_has_its_own_rooms() -> None:
    client = Client(app)
    assert client.post("/sea/rooms/7").status == 201
    assert client.get("/sea/rooms").json() == ["1", "2", "7"]
    assert client.get("/city/rooms").json() == ["10"]
