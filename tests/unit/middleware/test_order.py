"""A middleware that needs the user is refused if the user is authenticated only inside it, because the middleware would
not know the user yet."""

import asyncio
from typing import Any

import pytest
from tests.unit.conftest import Log

from ropewalk import App, Request, Resource
from ropewalk.auth import APIKey, BasicAuth, authenticate
from ropewalk.errors import HandlerError
from ropewalk.middleware import IdempotencyOptions, RateLimit, RateLimitOptions, idempotency, rate_limit
from ropewalk.sessions import SessionAuth, SessionsOptions, sessions
from ropewalk.stores import MemorySessions
from ropewalk.testing import Client

AUTHENTICATE = authenticate(APIKey("x-key", check=lambda key: key))
PER_USER = {
    "idempotency": idempotency(),
    "rate_limit": rate_limit(RateLimitOptions(limits=RateLimit(9, 60, key="user"))),
}


def make(*middleware: Any) -> App:
    app = App(middleware=middleware)

    @app.get("/")
    def hello(request: Request) -> str:
        return "hello"

    return app


def refused(app: App, name: str, inside: str = "authenticate") -> None:
    said = rf"RW238 {name} is outside of {inside}, around \S+hello at tests/unit/middleware/test_order\.py:\d+[.,]"
    with pytest.raises(HandlerError, match=said):
        asyncio.run(app.start())


@pytest.mark.parametrize("name", PER_USER)
class TestWrong:
    def test_in_one_app(self, name: str) -> None:
        refused(make(PER_USER[name], AUTHENTICATE), name)

    def test_in_a_mounted_app(self, name: str) -> None:
        app = App(middleware=[PER_USER[name]])
        app.mount("/inner", make(AUTHENTICATE))
        refused(app, name)

    def test_on_a_route(self, name: str) -> None:
        app = App(middleware=[PER_USER[name]])

        @app.get("/", middleware=[AUTHENTICATE])
        def hello(request: Request) -> str:
            return "hello"

        refused(app, name)

    def test_around_a_resource(self, name: str) -> None:
        class Hello(Resource):
            isLeaf = True

            def render_GET(self, request: Request) -> str:
                return "hello"

        inner = App(middleware=[AUTHENTICATE])
        inner.mount("/", Hello())
        app = App(middleware=[PER_USER[name]])
        app.mount("/inner", inner)
        with pytest.raises(HandlerError, match=rf"RW238 {name} is outside of authenticate, around \S+render_GET at "):
            asyncio.run(app.start())

    def test_between_two(self, name: str) -> None:
        refused(make(authenticate(BasicAuth(lambda user, password: user)), PER_USER[name], AUTHENTICATE), name)

    def test_without_a_start(self, name: str, log: Log) -> None:
        """If the app was not started, the first request raises the error, and the handler is not called."""
        with pytest.raises(HandlerError, match="RW238"):
            Client(make(PER_USER[name], AUTHENTICATE)).get("/", headers={"x-key": "ada"})


SESSIONS = sessions(SessionsOptions(store=MemorySessions()))
BY_FUNCTION = idempotency(IdempotencyOptions(sender=lambda request: "all"))


class TestOutsideOfSessions:
    """In this order, a stored response would contain the session cookie of another client."""

    @pytest.mark.parametrize("stores", [PER_USER["idempotency"], BY_FUNCTION])
    def test_in_one_app(self, stores: Any) -> None:
        refused(make(stores, SESSIONS), "idempotency", "sessions")

    def test_around_a_mounted_app(self) -> None:
        app = App(middleware=[PER_USER["idempotency"]])
        app.mount("/inner", make(SESSIONS))
        refused(app, "idempotency", "sessions")


class Budget:
    """A middleware of an application, with its own attributes."""

    per_user = 5

    async def __call__(self, request: Request, next: Any) -> Any:
        return await next(request)


@pytest.mark.parametrize(
    "middleware",
    [
        [Budget(), AUTHENTICATE],
        *([AUTHENTICATE, each] for each in PER_USER.values()),
        [idempotency(IdempotencyOptions(sender=lambda request: "all")), AUTHENTICATE],
        [rate_limit(RateLimitOptions(limits=RateLimit(9, 60))), AUTHENTICATE],
        [SESSIONS, PER_USER["idempotency"]],
        [PER_USER["rate_limit"], SESSIONS],
        [rate_limit(RateLimitOptions(limits=RateLimit(9, 60, key="user"), user=lambda request: "ada")), AUTHENTICATE],
    ],
)
def test_right(middleware: Any) -> None:
    with Client(make(*middleware)) as client:
        assert client.get("/", headers={"x-key": "ada"}).text == "hello"


class TestSessionAuth:
    def test_it_is_outside_of_sessions(self) -> None:
        kept = sessions(SessionsOptions(store=MemorySessions()))
        app = make(authenticate(SessionAuth()), kept)
        refused(app, "authenticate", "sessions")
        with pytest.raises(HandlerError, match="Put sessions before authenticate"):
            asyncio.run(app.start())

    def test_it_is_inside_of_sessions(self) -> None:
        app = make(sessions(SessionsOptions(store=MemorySessions())), authenticate(SessionAuth(), optional=True))
        assert Client(app).get("/").text == "hello"

    def test_schemes_without_sessions_may_be_outside(self) -> None:
        app = make(AUTHENTICATE, sessions(SessionsOptions(store=MemorySessions())))
        assert Client(app).get("/", headers={"x-key": "ada"}).text == "hello"
