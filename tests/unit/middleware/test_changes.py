"""Changes that middleware makes to a response, which is checked again."""

import gc
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.middleware.handlers import marking

from ropewalk import App, Request, Response
from ropewalk.headers import Headers
from ropewalk.middleware import Next
from ropewalk.testing import Client
from ropewalk.tracebacks import PACKAGE


def say_as(kind: str, body: str) -> Callable[[Request, Response], object]:
    """A change of the body and its Content-Type."""

    def change(request: Request, response: Response) -> None:
        response.headers["content-type"] = kind
        response.body = body

    return change


CHANGES: dict[str, Callable[[Request, Response], object]] = {
    "status": lambda request, response: setattr(response, "status", 99),
    "status that is none": lambda request, response: setattr(response, "status", "200"),
    "status without a body": lambda request, response: setattr(response, "status", 204),
    "body": lambda request, response: setattr(response, "body", object()),
    "body in a charset": say_as("text/plain; charset=ascii", "caf\xe9"),
    "charset": say_as("text/plain; charset=none", "text"),
    "length": lambda request, response: response.headers.__setitem__("content-length", "99"),
    "another length": lambda request, response: response.headers.add("content-length", "99"),
    "coding": lambda request, response: response.headers.add("transfer-encoding", "gzip"),
    "replaced headers": lambda request, response: setattr(response, "headers", Headers({"content-length": "99"})),
    "field of the request": lambda request, response: request.setHeader("content-length", "99"),
}


class TestChanges:
    """A response that a middleware has changed is checked, so that the next middleware sees the error."""

    @pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
    @pytest.mark.parametrize("value", ["text", b"bytes", {"a": 1}, Response("x", headers={"content-length": "1"})])
    def test_that_cannot_be_sent(self, change: Callable[[Request, Response], object], value: Any, log: Log) -> None:
        seen = []

        async def seeing(request: Request, next: Next) -> Response:
            response = await next(request)
            seen.append(response.status)
            return response

        async def changing(request: Request, next: Next) -> Response:
            response = await next(request)
            change(request, response)
            return response

        app = App(middleware=[seeing, seeing, changing, marking("x")])
        app.get("/")(lambda request: value)
        assert Client(app, raise_errors=False).get("/").status == 500
        assert seen == [500, 500]
        assert len(log) == 1

    @pytest.mark.parametrize("value", ["text", b"bytes"])
    def test_one_that_is_not_changed_costs_few_calls(self, value: Any) -> None:
        """A middleware that does not change the response adds only few calls of the package's functions."""

        async def passing(request: Request, next: Next) -> Response:
            return await next(request)

        def calls(middlewares: int) -> int:
            app = App(middleware=[passing] * middlewares)
            app.get("/")(lambda request: value)
            client = Client(app)
            client.get("/")
            # On a slow machine, the client makes more calls while it waits.
            return min(calls_of(client) for _ in range(5))

        def calls_of(client: Client) -> int:
            count = 0

            def profile(frame: FrameType, event: str, arg: Any) -> None:
                nonlocal count
                count += event == "call" and frame.f_code.co_filename.startswith(PACKAGE)

            before = sys.getprofile()
            gc.disable()  # a full collection would call finalizers of other tests
            sys.setprofile(profile)
            try:
                client.get("/")
            finally:
                sys.setprofile(before)
                gc.enable()
            return count

        assert calls(11) - calls(1) <= 4 * 10
