"""The first example as a tree of resources."""

from hello_resource import root
from ropewalk.testing import Client

client = Client(root)


def test_hello() -> None:
    response = client.get("/")
    assert response.status == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.text == "<p>Hello, World!</p>"


def test_a_child_that_is_made_when_asked_for() -> None:
    response = client.get("/hello/Ada")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.text == "Hello, Ada!"


def test_no_such_child() -> None:
    assert client.get("/hello/Ada/again").status == 404
