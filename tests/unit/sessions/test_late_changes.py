"""A change of a session after the time at which it is saved would be lost, so it is an error."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.sessions.apps import browser
from tests.unit.sessions.conftest import SECRET

from ropewalk import App, Request, Response
from ropewalk.errors import HandlerError
from ropewalk.middleware import Next
from ropewalk.sessions import SessionsOptions, flash, login, logout, sessions
from ropewalk.stores import MemorySessions

CHANGES: dict[str, Callable[[Request], None]] = {
    "set": lambda request: request.session.update(a=1),
    "login": lambda request: login(request, "ada"),
    "logout": logout,
    "rotate": lambda request: request.session.rotate(),
    "flash": lambda request: flash(request, "late"),
}


@pytest.fixture(params=["cookie", "memory"])
def options(request: pytest.FixtureRequest) -> SessionsOptions:
    return SessionsOptions(secret=SECRET) if request.param == "cookie" else SessionsOptions(store=MemorySessions())


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("reads", [False, True])
class TestOfASession:
    """`reads`: whether the session was used before the response began."""

    def test_in_a_stream(
        self, options: SessionsOptions, change: Callable[[Request], None], reads: bool, log: Log
    ) -> None:
        app = App(middleware=[sessions(options)])

        @app.get("/")
        def parts(request: Request) -> Iterator[str]:
            if reads:
                request.session.get("a")

            def write() -> Iterator[str]:
                yield "first"
                change(request)
                yield "last"

            return write()

        with pytest.raises(HandlerError, match="RW253"):
            browser(app).get("/")
        assert "RW253" in log.text

    def test_after_the_response(
        self, options: SessionsOptions, change: Callable[[Request], None], reads: bool, log: Log
    ) -> None:
        app = App(middleware=[sessions(options)])

        @app.get("/")
        def show(request: Request) -> str:
            if reads:
                request.session.get("a")
            request.after(lambda: change(request))
            return ""

        with pytest.raises(HandlerError, match="RW253"):
            browser(app).get("/")
        assert "RW253" in log.text

    def test_in_middleware_outside(
        self, options: SessionsOptions, change: Callable[[Request], None], reads: bool
    ) -> None:
        async def outside(request: Request, next: Next) -> Response:
            response = await next(request)
            change(request)
            return response

        app = App(middleware=[outside, sessions(options)])

        @app.get("/")
        def show(request: Request) -> str:
            return str(request.session.get("a")) if reads else ""

        with pytest.raises(HandlerError, match="RW253"):
            browser(app).get("/")


def test_a_session_may_be_read_late(options: SessionsOptions) -> None:
    app = App(middleware=[sessions(options)])

    @app.get("/login")
    def log_in(request: Request) -> str:
        login(request, "ada")
        return ""

    @app.get("/")
    def parts(request: Request) -> Any:
        yield "user "
        yield str(request.session.user)

    client = browser(app)
    client.get("/login")
    assert client.get("/").text == "user ada"
