"""The first example, tested as a user would test it."""

from hello import app
from ropewalk.testing import Client

client = Client(app)


def test_hello() -> None:
    response = client.get("/")
    assert response.status == 200
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.text == "Hello, World!"


def test_greeting_by_name() -> None:
    response = client.get("/hello/Ada")
    assert response.json() == {"hello": "Ada"}


def test_other_methods_are_refused() -> None:
    response = client.post("/")
    assert response.status == 405
    assert response.headers["allow"] == "GET, HEAD, OPTIONS"
