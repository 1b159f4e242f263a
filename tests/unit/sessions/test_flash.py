"""Messages for the next page."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.unit.sessions.apps import browser
from tests.unit.sessions.conftest import KINDS, options_of

from ropewalk import App, HTTPError, Request, Response
from ropewalk.auth import authenticate, requires
from ropewalk.errors import HandlerError
from ropewalk.sessions import SessionAuth, SessionsOptions, flash, flashes, sessions
from ropewalk.stores import MemorySessions
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


class TestOfAPageThatTheClientDoesNotSee:
    """If the user does not see a response, such as a redirect, its messages are kept for the next page."""

    @pytest.fixture
    def client(self) -> Client:
        options = SessionsOptions(store=MemorySessions())
        app = App(middleware=[sessions(options), authenticate(SessionAuth(), optional=True)])

        @app.post("/add")
        def add(request: Request) -> str:
            flash(request, "saved")
            return ""

        @app.get("/")
        def show(request: Request) -> list[str]:
            return texts(request)

        @app.get("/twice")
        def twice(request: Request) -> str:
            return str(texts(request) and texts(request))

        @app.get("/away")
        def away(request: Request) -> Response:
            texts(request)
            return Response.redirect("/", 303)

        @app.get("/unseen/{status:int}")
        def unseen(request: Request, status: int) -> Response:
            texts(request)
            return Response(None, status)

        @app.get("/late")
        def late(request: Request) -> Iterator[str]:
            yield "first"
            yield str(texts(request))

        @app.get("/raise/{status:int}")
        def fail(request: Request, status: int) -> str:
            texts(request)
            raise HTTPError(status)

        @app.get("/me")
        @requires()
        def me(request: Request) -> str:
            return "me"

        @app.error(401)
        @app.error(404)
        def error_page(request: Request, error: HTTPError) -> Response:
            return Response(str(texts(request)), error.status)

        client = browser(app)
        client.post("/add")
        return client

    def test_of_a_head(self, client: Client) -> None:
        assert client.head("/").status == 200
        assert client.get("/").json() == ["saved"]
        assert client.get("/").json() == []

    def test_of_an_error_page_that_becomes_a_redirect(self, client: Client) -> None:
        headers = {"accept": "text/html", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
        assert client.get("/me", headers=headers).status == 302
        assert client.get("/").json() == ["saved"]
        assert client.get("/").json() == []

    @pytest.mark.parametrize("path", ["/away", "/unseen/204", "/unseen/205", "/unseen/302", "/raise/503"])
    def test_of_a_response_without_a_page(self, client: Client, path: str) -> None:
        client.get(path)
        assert client.get("/").json() == ["saved"]
        assert client.get("/").json() == []

    def test_an_error_page_shows_those_that_the_handler_has_read(self, client: Client) -> None:
        assert client.get("/raise/404").text == "['saved']"
        assert client.get("/").json() == []

    def test_a_page_may_ask_twice(self, client: Client) -> None:
        assert client.get("/twice").text == "['saved']"
        assert client.get("/").json() == []

    def test_a_message_after_the_page_was_made_is_kept(self, client: Client) -> None:
        @client.app.get("/more")
        def more(request: Request) -> list[str]:
            found = texts(request)
            flash(request, "more")
            return found

        assert client.get("/more").json() == ["saved"]
        assert client.get("/").json() == ["more"]

    def test_a_stream_cannot_show_them_late(self, client: Client) -> None:
        with pytest.raises(HandlerError, match="RW253"):
            client.get("/late")


def texts(request: Request) -> list[str]:
    return [each.text for each in flashes(request)]
