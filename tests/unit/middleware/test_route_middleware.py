"""The middleware of one route."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.middleware.handlers import marking
from twisted.internet.defer import Deferred, succeed

from ropewalk import App, HTTPError, Request, Resource, Response
from ropewalk.errors import HandlerError
from ropewalk.middleware import PREFLIGHT, Next
from ropewalk.resource import Handler, claim
from ropewalk.testing import Client


class TestItsPlace:
    def test_it_is_inside_the_apps_and_the_first_is_outermost(self) -> None:
        app = App(middleware=[marking("app")])
        app.get("/", middleware=[marking("first"), marking("second")])(lambda request: "")
        assert Client(app).get("/").headers.all("x-marks") == ["second", "first", "app"]

    def test_it_is_around_its_route_only(self) -> None:
        app = App()
        app.get("/a", middleware=[marking("a")])(lambda request: "")
        app.get("/b")(lambda request: "")
        client = Client(app)
        assert client.get("/a").headers.all("x-marks") == ["a"]
        assert client.head("/a").headers.all("x-marks") == ["a"]
        assert client.get("/b").headers.all("x-marks") == []
        assert client.post("/a").headers.all("x-marks") == []

    def test_a_mounted_apps_route_has_it(self) -> None:
        inner, app = App(middleware=[marking("inner")]), App()
        inner.get("/{id}", middleware=[marking("route")])(lambda request, id: id)
        app.mount("/{room}", inner)
        response = Client(app).get("/7/8")
        assert (response.text, response.headers.all("x-marks")) == ("8", ["route", "inner"])


def plain(request: Request) -> str:
    return "x"


def deferred(request: Request) -> "Deferred[str]":
    return succeed("x")


async def coroutine(request: Request) -> str:
    return "x"


async def stream(request: Request) -> AsyncIterator[str]:
    yield "x"


def typed(n: int = 1) -> str:
    return "x" * n


@pytest.mark.parametrize("handler", [plain, deferred, coroutine, stream, typed])
def test_every_kind_of_handler(handler: Any) -> None:
    app = App()
    app.get("/", middleware=[marking("route")])(handler)
    response = Client(app).get("/")
    assert (response.text, response.headers.all("x-marks")) == ("x", ["route"])


def test_an_exception_of_the_handler_is_a_response() -> None:
    def refuse(request: Request) -> str:
        raise HTTPError(409)

    app = App()
    app.post("/", middleware=[marking("route")])(refuse)
    response = Client(app).post("/", body="abc")
    assert (response.status, response.headers.all("x-marks")) == (409, ["route"])


def test_it_may_respond_itself() -> None:
    async def guard(request: Request, next: Next) -> Response:
        raise HTTPError(401)

    app = App()
    app.get("/", middleware=[guard])(plain)
    assert Client(app).get("/").status == 401


class TestPreflights:
    """A middleware of a route sees the preflights of the route only if it has the attribute `PREFLIGHT`."""

    def test_it_sees_those_for_its_method(self) -> None:
        marked = marking("preflight")
        setattr(marked, PREFLIGHT, True)
        app = App()
        app.put("/", middleware=[marked, marking("other")])(plain)
        app.get("/")(plain)
        client = Client(app)
        assert self.ask(client, "PUT") == ["preflight"]
        assert self.ask(client, "GET") == []
        assert self.ask(client, "NONSENSE") == []
        assert client.request("OPTIONS", "/").headers.all("x-marks") == []

    def ask(self, client: Client, method: str) -> list[str]:
        response = client.request("OPTIONS", "/", headers={"access-control-request-method": method})
        assert response.status == 204
        return response.headers.all("x-marks")

    def test_a_lookup_that_fails_the_second_time_is_a_500(self, log: Log) -> None:
        class Once(Resource):
            calls = 0

            def getChild(self, name: str, request: Request) -> Resource:
                self.calls += 1
                if self.calls > 1:
                    raise LookupError("gone")
                child = Resource()
                claim(child, "PUT", Handler(plain), "/x")
                return child

        app = App(middleware=[marking("app")])
        app.mount("/", Once())
        response = Client(app, raise_errors=False).request(
            "OPTIONS", "/x", headers={"access-control-request-method": "PUT"}
        )
        assert (response.status, response.headers.all("x-marks")) == (500, ["app"])
        assert "gone" in log.text


class TestWrong:
    def test_a_plain_function(self) -> None:
        with pytest.raises(HandlerError, match=r"RW205 plain at .*test_route_middleware\.py"):
            App().get("/", middleware=[plain])

    def test_one_outside_a_list(self) -> None:
        with pytest.raises(HandlerError, match=r"RW205 The route '/' has middleware=<function"):
            App().get("/", middleware=marking("a"))
        with pytest.raises(HandlerError, match=r"RW205 App has middleware=<function .*which is not a list"):
            App(middleware=marking("a"))

    def test_text(self) -> None:
        with pytest.raises(HandlerError, match="RW205"):
            App().get("/", middleware="cors")  # type: ignore[arg-type]
