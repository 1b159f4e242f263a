"""One Response object that a handler returns to many clients."""

from copy import copy

import pytest
from tests.unit.conftest import Log
from tests.unit.middleware.handlers import marking, raising

from ropewalk import App, Request, Response
from ropewalk.headers import Headers
from ropewalk.middleware import Next
from ropewalk.testing import Client


async def telling_outcome(request: Request, next: Next) -> Response:
    response = await next(request)
    outcome = "none" if response.error is None else type(response.error).__name__
    response = copy(response)
    response.headers = Headers({"x-outcome": outcome})
    return response


class TestOneResponseForManyClients:
    def test_it_keeps_no_error(self) -> None:
        busy = Response("busy", 503)
        app = App(middleware=[telling_outcome])
        app.error(LookupError)(lambda request, error: busy)
        app.get("/failing")(raising(LookupError("another client's")))
        app.get("/busy")(lambda request: busy)
        client = Client(app)
        assert client.get("/failing").headers["x-outcome"] == "LookupError"
        assert client.get("/busy").headers["x-outcome"] == "none"
        assert busy.error is None

    def test_it_keeps_no_headers_of_an_error(self) -> None:
        refused = Response("no", 405)
        app = App()
        app.error(405)(lambda request, error: refused)
        app.get("/a")(lambda request: "")
        app.post("/b")(lambda request: "")
        client = Client(app)
        assert client.put("/a").headers["allow"] == "GET, HEAD, OPTIONS"
        assert client.put("/b").headers["allow"] == "OPTIONS, POST"
        assert "allow" not in refused.headers

    @pytest.mark.parametrize("whose", ["route", "error handler", "middleware"])
    def test_it_keeps_nothing_of_a_middleware(self, whose: str, log: Log) -> None:
        """A cookie of one client must not reach another one."""
        shared = Response("shared", 503)

        async def setting_cookies(request: Request, next: Next) -> Response:
            response = await next(request)
            response.set_cookie("client", request.query["client"])
            return response

        async def inner(request: Request, next: Next) -> Response:
            return shared if whose == "middleware" else await next(request)

        app = App(middleware=[marking("x"), setting_cookies, inner])
        app.error(LookupError)(lambda request, error: shared)
        app.get("/")(lambda request: shared if whose == "route" else raising(LookupError())(request))
        client = Client(app)
        for name in "ab":
            response = client.get(f"/?client={name}")
            assert [each.split(";")[0] for each in response.headers.all("set-cookie")] == [f"client={name}"]
            assert response.headers.all("x-marks") == ["x"]
        assert list(shared.headers) == ["content-type"]
