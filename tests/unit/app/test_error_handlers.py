"""Error handlers of an app: `app.error(...)`."""

import re
from functools import partial
from typing import Any

import pytest
from tests.problems import problem
from tests.unit.conftest import Log
from twisted.internet.defer import Deferred, succeed

from ropewalk import App, HTTPError, Request, Response
from ropewalk.errors import ExchangeError, HandlerError, InvalidField, RopewalkError
from ropewalk.middleware import Next
from ropewalk.testing import Client
from ropewalk.wsgi import wsgi

NOTHING: dict[str, str] = {}


class TestErrorHandlers:
    def test_for_a_status(self) -> None:
        app = App()
        app.error(404)(lambda request, error: f"{request.path}: {error.status}")
        response = Client(app).get("/none")
        assert (response.status, response.text) == (404, "/none: 404")

    def test_the_nearest_class_is_used(self) -> None:
        app = App()
        app.error(Exception)(lambda request, error: "far")
        app.error(LookupError)(lambda request, error: "near")
        app.get("/")(lambda request: NOTHING["a"])
        response = Client(app, raise_errors=False).get("/")
        assert (response.status, response.text) == (500, "near")

    @pytest.mark.parametrize("kind", [ValueError, TypeError, RuntimeError])
    @pytest.mark.parametrize(
        "mistake",
        [
            lambda app: Response("", headers={"x": "a\nb"}),
            lambda app: Response("", status="404"),  # type: ignore[arg-type] # the mistake
            lambda app: HTTPError(200),
            lambda app: app.url_for("nowhere"),
            lambda app: (1, 2),
            lambda app: wsgi(7),
        ],
    )
    def test_a_mistake_of_the_program_is_not_for_handlers_of_built_in_classes(
        self, kind: Any, mistake: Any, log: Log
    ) -> None:
        """Some of Ropewalk's errors about mistakes of the program derive from ValueError or similar classes. The error
        handlers for these classes do not get them: they could show the text of the error to a client."""
        app = App()
        app.error(kind)(lambda request, error: Response(f"Bad input: {error}", 400))
        app.get("/")(lambda request: mistake(app))
        response = Client(app, raise_errors=False).get("/")
        assert (response.status, response.text) == (500, problem(500))
        assert re.match(r"RW\d+ GET /: ", log.text)

    @pytest.mark.parametrize("kind", [InvalidField, ExchangeError, RopewalkError, Exception, 500])
    def test_a_mistake_of_the_program_is_for_handlers_of_its_class(self, kind: Any, log: Log) -> None:
        app = App()
        app.error(ValueError)(lambda request, error: "wrong")
        app.error(kind)(lambda request, error: "right")
        app.get("/")(lambda request: Response("", headers={"x": "a\nb"}))
        response = Client(app, raise_errors=False).get("/")
        assert (response.status, response.text) == (500, "right")
        assert "RW304 GET /: " in log.text

    def test_a_mistake_of_an_inner_app_is_not_for_its_handler_of_a_built_in_class(self, log: Log) -> None:
        inner, app = App(), App()
        inner.error(ValueError)(lambda request, error: "wrong")
        app.error(RopewalkError)(lambda request, error: "right")
        inner.get("/")(lambda request: Response("", headers={"x": "a\nb"}))
        app.mount("/inner", inner)
        assert Client(app, raise_errors=False).get("/inner/").text == "right"

    def test_a_class_comes_before_a_status(self) -> None:
        class Missing(HTTPError):
            def __init__(self) -> None:
                super().__init__(404)

        app = App()
        app.error(404)(lambda request, error: "status")
        app.error(Missing)(lambda request, error: "class")

        @app.get("/")
        def handler(request: Request) -> str:
            raise Missing

        assert Client(app).get("/").text == "class"

    def test_it_may_be_a_coroutine_or_return_a_deferred(self) -> None:
        app = App()

        @app.error(404)
        async def not_found(request: Request, error: HTTPError) -> str:
            return await succeed("awaited")

        @app.error(405)
        def not_allowed(request: Request, error: HTTPError) -> Deferred[str]:
            return succeed("deferred")

        app.get("/")(lambda request: "")
        client = Client(app)
        assert client.get("/none").text == "awaited"
        refused = client.post("/")
        assert (refused.status, refused.text, refused.headers["allow"]) == (405, "deferred", "GET, HEAD, OPTIONS")

    def test_a_response_keeps_its_status(self) -> None:
        app = App()
        app.error(404)(lambda request, error: Response("moved", 410))
        assert Client(app).get("/").status == 410

    def test_the_handler_for_500_gets_the_remaining_errors(self, log: Log) -> None:
        app = App()
        app.error(500)(lambda request, error: f"Sorry: {type(error).__name__}")
        app.get("/")(lambda request: str(1 // 0))
        response = Client(app, raise_errors=False).get("/")
        assert (response.status, response.text) == (500, "Sorry: ZeroDivisionError")
        assert "RW208 GET /: " in log.text

    def test_the_log_says_why_a_plain_value_has_status_500(self, log: Log) -> None:
        """If an error handler returns a value without a status, the response has status 500. The log line says so, and
        does not recommend to add an error handler, because there is one."""

        def shape(request: Request, error: Exception) -> dict[str, str]:
            return {"error": "taken"}

        app = App()
        app.error(LookupError)(shape)
        app.get("/")(lambda request: NOTHING["a"])
        response = Client(app, raise_errors=False).get("/")
        assert (response.status, response.json()) == (500, {"error": "taken"})
        assert "register an error handler" not in log.text
        where = rf"shape at tests/unit/app/test_error_handlers\.py:{shape.__code__.co_firstlineno}"
        assert re.search(rf"The response has status 500, because \S+{where} gave no other: return Response", log.text)

    @pytest.mark.parametrize("kind", [Exception, 500])
    def test_the_log_suggests_no_handler_if_one_is_called(self, log: Log, kind: Any) -> None:
        def shape(request: Request, error: Exception) -> str:
            return "sorry"

        app = App()
        app.error(kind)(shape)
        app.get("/")(lambda request: NOTHING["a"])
        assert Client(app, raise_errors=False).get("/").text == "sorry"
        assert "register an error handler" not in log.text
        assert "Fix the cause shown in the traceback." in log.text

    def test_a_plain_value_has_the_status_of_an_http_error(self, log: Log) -> None:
        app = App()
        app.error(404)(lambda request, error: {"error": "none"})
        response = Client(app).get("/")
        assert (response.status, response.json(), log.text) == (404, {"error": "none"}, "")

    def test_an_error_handler_that_fails(self, log: Log) -> None:
        app = App()
        app.error(404)(lambda request, error: NOTHING["a"])
        app.error(500)(lambda request, error: str(1 // 0))
        response = Client(app, raise_errors=False).get("/")
        assert (response.status, response.text) == (500, problem(500))
        assert "KeyError" in log.text
        assert "ZeroDivisionError" in log.text

    @pytest.mark.parametrize("middleware", [False, True])
    def test_the_log_names_the_error_handler_that_fails(self, log: Log, middleware: bool) -> None:
        async def passing(request: Request, next: Next) -> Response:
            return await next(request)

        def failing(request: Request, error: Exception) -> str:
            return NOTHING["a"]

        def handler(request: Request) -> str:
            return str(1 // 0)

        app = App(middleware=[passing] if middleware else [])
        app.error(ZeroDivisionError)(failing)
        app.get("/")(handler)
        assert Client(app, raise_errors=False).get("/").status == 500
        line = failing.__code__.co_firstlineno
        assert f"failing at tests/unit/app/test_error_handlers.py:{line}, called for ZeroDivisionError(" in log.text
        (trace,) = [event["log_failure"].getTraceback() for event in log if "log_failure" in event]
        assert "ZeroDivisionError: " in trace
        assert "During handling of the above exception" in trace
        assert "KeyError: 'a'" in trace

    def test_an_error_handler_of_another_signature(self) -> None:
        with pytest.raises(
            HandlerError, match=r"RW206 .* at tests/unit/app/test_error_handlers.py:\d+ does not take a request and"
        ):
            App().error(404)(lambda request: "")

    @pytest.mark.parametrize("kind", [200, 600, "404", 404.0, True, None, BaseException, int, (404, 405)])
    def test_kinds_that_cannot_be_handled(self, kind: Any) -> None:
        with pytest.raises(HandlerError, match="RW206"):
            App().error(kind)(lambda request, error: "")

    def test_without_parentheses(self) -> None:
        def handler(request: Request, error: Exception) -> str:
            return ""

        line = handler.__code__.co_firstlineno
        for bare in (handler, partial(handler)):
            with pytest.raises(
                HandlerError,
                match=rf"RW206 .*handler at tests/unit/app/test_error_handlers.py:{line} .*@app\.error\(404\)",
            ):
                App().error(bare)  # type: ignore[arg-type] # the mistake

    def test_twice(self) -> None:
        app = App()
        app.error(404)(lambda request, error: "")
        with pytest.raises(
            HandlerError, match=r"RW206 404 is handled twice: tests/unit/app/test_error_handlers.py:\d+ and"
        ):
            app.error(404)(lambda request, error: "")
