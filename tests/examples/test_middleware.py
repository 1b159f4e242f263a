"""Middleware of an app, middleware of a part of it, and error handlers."""

from middleware import app
from ropewalk.testing import Client

client = Client(app)


def test_every_response_is_timed() -> None:
    for path in ("/", "/divide/1/0", "/nowhere"):
        assert client.get(path).headers["server-timing"].startswith("total;dur=")


def test_the_guard_lets_a_request_with_the_token_through() -> None:
    response = client.get("/vault/", headers={"Authorization": "Bearer open-sesame"})
    assert response.text == "Gold\n"


def test_the_guard_keeps_others_out() -> None:
    response = client.get("/vault/")
    assert response.status == 401
    assert response.headers["www-authenticate"] == "Bearer"


def test_the_guard_is_not_around_the_rest() -> None:
    assert client.get("/").text == "Open to all\n"


def test_an_exception_becomes_a_response() -> None:
    response = client.get("/divide/1/0")
    assert response.status == 422
    assert response.json() == {"error": "The divisor must not be 0."}
