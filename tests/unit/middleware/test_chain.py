"""The order of middleware, what it gets from `next`, and what it may return."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.middleware.handlers import marking
from twisted.internet.defer import Deferred

from ropewalk import NOT_DONE_YET, App, Request, Resource, Response
from ropewalk.errors import HandlerError
from ropewalk.middleware import BodyLimitOptions, Next, cors
from ropewalk.testing import Client

HERE = "tests/unit/middleware/test_chain.py"


class TestOrder:
    def test_the_first_is_outermost(self) -> None:
        app = App(middleware=[marking("first")])
        app.middleware(marking("second"))
        app.get("/")(lambda request: "")
        assert Client(app).get("/").headers.all("x-marks") == ["second", "first"]

    def test_a_mounted_apps_stands_inside(self) -> None:
        inner, app = App(middleware=[marking("inner")]), App(middleware=[marking("outer")])
        inner.get("/a")(lambda request: "")
        app.get("/b")(lambda request: "")
        app.mount("/inner", inner)
        client = Client(app)
        assert client.get("/inner/a").headers.all("x-marks") == ["inner", "outer"]
        assert client.get("/b").headers.all("x-marks") == ["outer"]

    def test_it_runs_around_the_apps_own_responses(self) -> None:
        app = App(middleware=[marking("yes")])
        app.get("/a")(lambda request: "")
        client = Client(app)
        for method, path, status in (
            ("GET", "/none", 404),
            ("PUT", "/a", 405),
            ("OPTIONS", "/a", 204),
            ("GET", "/a/", 308),
        ):
            response = client.request(method, path)
            assert (response.status, response.headers["x-marks"]) == (status, "yes")

    def test_one_that_is_added_later_is_seen(self) -> None:
        app = App()
        app.get("/")(lambda request: "")
        client = Client(app)
        assert "x-marks" not in client.get("/").headers
        app.middleware(marking("late"))
        assert "x-marks" in client.get("/").headers


class TestResponses:
    @pytest.mark.parametrize("value", ["text", b"bytes", {"a": 1}, [1], None, Response("x", 201)])
    def test_next_gives_a_response_whatever_the_handler_returns(self, value: Any) -> None:
        seen = []

        async def middleware(request: Request, next: Next) -> Response:
            seen.append(await next(request))
            return seen[0]

        app = App(middleware=[middleware])
        app.get("/")(lambda request: value)
        Client(app).get("/")
        assert isinstance(seen[0], Response)

    def test_a_deferred_is_waited_for(self) -> None:
        app = App(middleware=[marking("x")])

        @app.get("/")
        def handler(request: Request) -> Deferred[str]:
            from asyncio import get_running_loop

            deferred: Deferred[str] = Deferred()
            get_running_loop().call_later(0.01, deferred.callback, "late")
            return deferred

        assert Client(app).get("/").text == "late"

    def test_a_plain_handler_has_its_body(self) -> None:
        app = App(middleware=[marking("x")])
        app.post("/")(lambda request: request.content.read())
        assert Client(app).post("/", body="sent").text == "sent"

    def test_a_stream_passes(self) -> None:
        app = App(middleware=[marking("x")])

        @app.get("/")
        async def handler(request: Request) -> AsyncIterator[str]:
            yield "a"
            yield "b"

        response = Client(app).get("/")
        assert (response.text, response.headers["x-marks"]) == ("ab", "x")

    def test_a_middleware_may_return_any_value(self) -> None:
        async def short(request: Request, next: Next) -> Any:
            return {"short": True}

        app = App(middleware=[marking("x"), short])
        app.get("/")(lambda request: "never")
        response = Client(app).get("/")
        assert response.json() == {"short": True}
        assert response.headers["x-marks"] == "x"

    def test_a_resource_that_sends_the_response_itself(self) -> None:
        class Own(Resource):
            def render_GET(self, request: Request) -> int:
                request.setResponseCode(202)
                request.write("own")
                request.finish()
                return NOT_DONE_YET

        seen = []

        async def middleware(request: Request, next: Next) -> Response:
            response = await next(request)
            seen.append(response.status)
            return response

        app = App(middleware=[middleware])
        app.resource.putChild("", Own())
        assert Client(app).get("/").text == "own"
        assert seen == [202]


class TestShape:
    def test_it_returns_a_response(self, log: Log) -> None:
        async def forgetful(request: Request, next: Next) -> None:
            await next(request)

        app = App(middleware=[forgetful])
        app.get("/")(lambda request: "")
        assert Client(app, raise_errors=False).get("/").status == 500
        line = forgetful.__code__.co_firstlineno
        assert f"forgetful at {HERE}:{line} returned None. End the middleware with `return resp" in log.text
        assert f"RW209 GET /: {forgetful.__qualname__} at " in log.text

    def test_what_it_returns_is_not_said_to_be_the_handlers(self, log: Log) -> None:
        async def strange(request: Request, next: Next) -> int:
            return 5

        app = App(middleware=[strange])
        app.get("/")(lambda request: "")
        assert Client(app, raise_errors=False).get("/").status == 500
        assert f"RW201 GET /: {strange.__qualname__} at " in log.text

    def test_it_is_a_coroutine_function(self) -> None:
        with pytest.raises(HandlerError, match=r"RW205 .*<lambda> at tests/unit/middleware/test_chain.py:\d+"):
            App(middleware=[lambda request, next: next(request)])

    def test_a_function_that_makes_one_is_not_one(self) -> None:
        with pytest.raises(HandlerError, match=r"RW205 cors at .*call it: cors\(\.\.\.\)"):
            App(middleware=[cors])  # type: ignore[list-item]

    def test_options_are_not_one(self) -> None:
        options: Any = BodyLimitOptions(body_limit=1)
        with pytest.raises(HandlerError, match=r"RW205 BodyLimitOptions\(body_limit=1\) is not a .* the function that"):
            App(middleware=[options])

    def test_or_an_object_that_is_called_like_one(self) -> None:
        class Middleware:
            async def __call__(self, request: Request, next: Next) -> Any:
                return "object"

        assert Client(App(middleware=[Middleware()])).get("/").text == "object"
