"""Names and passwords in the database of the request, as the guide shows them."""

from password_users import app
from ropewalk.testing import Client


def test_a_user() -> None:
    with Client(app) as client:
        client.login("ada", "open sesame")
        assert client.get("/users").json() == ["ada"]
        client.login("ada", "wrong")
        assert client.get("/users").status == 401
        client.login("eve", "open sesame")
        assert client.get("/users").status == 401
