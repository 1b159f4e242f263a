"""Messages for the next page."""

from typing import Any

import pytest
from tests.unit.sessions.apps import browser
from tests.unit.sessions.conftest import KINDS, options_of

from ropewalk import App, Request
from ropewalk.sessions import flash, flashes, sessions
from ropewalk.testing import Client


@pytest.fixture(params=KINDS)
def client(request: pytest.FixtureRequest) -> Client:
    app = App(middleware=[sessions(options_of(request.param, request))])

    @app.post("/{count:int}")
    def add(request: Request, count: int) -> str:
        for number in range(count):
            flash(request, f"{number} <b>", "error" if number % 2 else "info")
        return ""

    @app.get("/")
    def show(request: Request) -> list[Any]:
        assert dict(request.session) == {}
        return [[each.text, each.category] for each in flashes(request)]

    return browser(app)


def test_each_is_shown_once(client: Client) -> None:
    assert client.get("/").json() == []
    client.post("/2")
    client.post("/1")
    assert client.get("/").json() == [["0 <b>", "info"], ["1 <b>", "error"], ["0 <b>", "info"]]
    assert client.get("/").json() == []


def test_the_oldest_are_dropped(client: Client) -> None:
    client.post("/25")
    assert [text for text, _ in client.get("/").json()] == [f"{number} <b>" for number in range(5, 25)]
