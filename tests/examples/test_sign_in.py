"""Forms, cookies, redirects and exceptions in tests, as the guide shows them."""

import pytest

from ropewalk.testing import Client
from sign_in import app, sessions


def test_signing_in() -> None:
    client = Client(app, follow_redirects=True)
    assert client.get("/").status == 401
    response = client.post("/sign-in", data={"name": "Ada", "password": "open sesame"})
    assert response.text == "Hello, Ada!"
    assert [redirect.status for redirect in response.history] == [303]
    assert "session" in client.cookies

    client.post("/sign-out")
    assert client.cookies == {}


def test_a_wrong_password() -> None:
    response = Client(app).post("/sign-in", data={"name": "Ada", "password": "?"})
    assert (response.status, response.json()["detail"]) == (403, "The password is wrong.")


def test_an_unknown_session() -> None:
    client = Client(app, cookies={"session": "guessed"})
    assert client.get("/").status == 401


def test_the_exception_of_a_handler() -> None:
    sessions.clear()
    client = Client(app)
    with pytest.raises(ZeroDivisionError):
        client.get("/average")
