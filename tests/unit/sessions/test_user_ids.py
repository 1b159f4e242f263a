"""Ids that are not those of a user, such as an empty field of a form."""

from typing import Any

import pytest
from tests.unit.sessions.apps import browser, site
from tests.unit.sessions.conftest import KINDS, SECRET, options_of

from ropewalk import App, Request
from ropewalk.errors import HandlerError
from ropewalk.sessions import SessionsOptions, login, sessions
from ropewalk.testing import Client


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize(
    "user",
    [
        "",
        " ",
        "7 ",
        "\t7",
        True,
        None,
        1.5,
        "a\n",
        "\0",
        "\ud800",
        "x" * 513,
        pytest.param(10**5000, id="a large int"),
        b"x",
        ["7"],
        {"id": 7},
    ],
)
def test_a_wrong_user(user: Any, kind: str, request: pytest.FixtureRequest) -> None:
    """A wrong user id raises an error. No session begins, even if the handler catches the error."""
    app = site(options_of(kind, request))

    @app.post("/wrong/{caught}")
    def log_in(request: Request, caught: str) -> str:
        try:
            login(request, user)
        except HandlerError:
            if caught == "no":
                raise
        return str(request.session.user)

    client = browser(app)
    with pytest.raises(HandlerError, match=r"RW257 .*login was called with .* Give the id of the user as str"):
        client.post("/wrong/no")
    response = client.post("/wrong/yes")
    assert (response.text, response.headers.get("set-cookie")) == ("None", None)


def test_an_id_that_was_not_awaited() -> None:
    app = App(middleware=[sessions(SessionsOptions(secret=SECRET))])

    async def find() -> int:
        return 7

    @app.get("/")
    def log_in(request: Request) -> None:
        found = find()
        try:
            login(request, found)  # type: ignore[arg-type]
        finally:
            found.close()

    with pytest.raises(HandlerError, match=r"RW257 .* coroutine\. .* Await it before\."):
        Client(app).get("/")
