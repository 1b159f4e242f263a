"""Exceptions of handlers inside middleware, and the error handlers that are called for them."""

import re
from asyncio import sleep, timeout
from collections.abc import AsyncIterator, Coroutine
from errno import EMFILE
from typing import TYPE_CHECKING, Any, cast

import pytest
from tests.problems import problem
from tests.unit.conftest import Log
from tests.unit.middleware.handlers import NOTHING, marking, raising
from twisted.internet.defer import CancelledError as DeferredCancelled
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.task import Clock

from ropewalk import App, HTTPError, Request, Response
from ropewalk.errors import BodyTooLarge, Disconnected, InvalidField, RopewalkError
from ropewalk.middleware import Next
from ropewalk.testing import Client

if TYPE_CHECKING:
    from twisted.internet.interfaces import IReactorTime


class TestErrors:
    def test_an_http_error_is_a_response(self) -> None:
        app = App(middleware=[marking("x")])

        @app.get("/")
        def handler(request: Request) -> str:
            raise HTTPError(409, "Conflict here.", [("x-more", "1")])

        response = Client(app).get("/")
        assert (response.status, response.text) == (409, problem(409, "Conflict here."))
        assert (response.headers["x-marks"], response.headers["x-more"]) == ("x", "1")

    def test_a_registered_exception_is_a_response(self) -> None:
        app = App(middleware=[marking("x")])
        app.error(LookupError)(lambda request, error: Response("not there", 404))
        app.get("/")(lambda request: NOTHING["a"])
        response = Client(app).get("/")
        assert (response.status, response.text, response.headers["x-marks"]) == (404, "not there", "x")

    def test_any_other_is_a_response_too(self, log: Log) -> None:
        seen: list[BaseException | None] = []

        async def middleware(request: Request, next: Next) -> Response:
            response = await next(request)
            seen.append(response.error)
            return response

        app = App(middleware=[marking("x"), middleware])
        app.get("/")(lambda request: str(1 // 0))
        response = Client(app, raise_errors=False).get("/")
        assert (response.status, response.headers["x-marks"]) == (500, "x")
        assert [type(error) for error in seen] == [ZeroDivisionError]
        assert len(log) == 1
        assert "raised ZeroDivisionError" in log.text
        assert "<lambda> at tests/unit/middleware/test_errors.py:" in log.text

    def test_what_an_inner_middleware_raises(self) -> None:
        async def refusing(request: Request, next: Next) -> Response:
            raise HTTPError(401)

        app = App(middleware=[marking("x"), refusing])
        response = Client(app).get("/")
        assert (response.status, response.headers["x-marks"]) == (401, "x")

    def test_a_mounted_apps_error_handlers_are_for_it_alone(self) -> None:
        inner, app = App(), App()
        inner.error(404)(lambda request, error: "inner")
        app.error(404)(lambda request, error: "outer")
        app.mount("/inner", inner)
        client = Client(app)
        assert client.get("/inner/none").text == "inner"
        assert client.get("/none").text == "outer"

    def test_an_outer_error_handler_serves_a_mounted_app(self) -> None:
        inner, app = App(), App()
        app.error(ZeroDivisionError)(lambda request, error: Response("outer", 422))
        inner.get("/a")(lambda request: str(1 // 0))
        app.mount("/inner", inner)
        assert Client(app).get("/inner/a").text == "outer"


class Transaction:
    """A context manager around the work of a request."""

    def __init__(self) -> None:
        self.outcome = ""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        self.outcome = "commit" if error is None else "rollback"


class TestErrorsAgain:
    """`raise_error` raises the exception of a response inside context managers."""

    @pytest.mark.parametrize(
        ("error", "status", "outcome"),
        [(LookupError("lost"), 500, "rollback"), (HTTPError(409), 409, "rollback"), (None, 204, "commit")],
    )
    def test_a_transaction(self, error: Exception | None, status: int, outcome: str, log: Log) -> None:
        transaction = Transaction()

        async def transacting(request: Request, next: Next) -> Response:
            with transaction:
                response = await next(request)
                response.headers["x-outcome"] = "known"
                response.raise_error()
            return response

        app = App(middleware=[marking("x"), transacting, marking("y")])
        app.get("/")(lambda request: None if error is None else raising(error)(request))
        response = Client(app, raise_errors=False).get("/")
        assert (response.status, response.headers["x-outcome"]) == (status, "known")
        assert response.headers.all("x-marks") == ["y", "x"]
        assert transaction.outcome == outcome
        assert len(log) == (status == 500)

    def test_another_error_in_its_place(self, log: Log) -> None:
        async def replacing(request: Request, next: Next) -> Response:
            response = await next(request)
            raise HTTPError(502) from response.error

        app = App(middleware=[marking("x"), replacing])
        app.get("/")(raising(LookupError("lost")))
        response = Client(app, raise_errors=False).get("/")
        assert (response.status, response.headers["x-marks"]) == (502, "x")
        assert len(log) == 1

    @pytest.mark.parametrize(
        ("error", "said"), [(RuntimeError("r"), r" raised RuntimeError\('r'\)\."), (InvalidField("i"), r": i")]
    )
    def test_the_log_names_what_raised_another_error(self, error: Exception, said: str, log: Log) -> None:
        async def wrapping(request: Request, next: Next) -> Response:
            await next(request)
            raise error

        app = App(middleware=[wrapping])

        @app.get("/")
        def handler(request: Request) -> str:
            return ""

        assert Client(app, raise_errors=False).get("/").status == 500
        (line,) = log
        name = r"\S+\.{} at \S+:\d+"
        wanted = f"The middleware {name.format('wrapping')}{said} The handler is {name.format('handler')}"
        assert re.fullmatch(rf"{wanted}\.", line["what"])

    def test_a_timeout_of_a_middleware(self, log: Log) -> None:
        """If a middleware cancels the handler, `next` raises the cancellation up to this middleware."""

        async def impatient(request: Request, next: Next) -> Response:
            try:
                async with timeout(0.001):
                    return await next(request)
            except TimeoutError:
                return Response("late", 504)

        async def handler(request: Request) -> str:
            return await sleep(60, "never")

        app = App(middleware=[marking("x"), impatient, marking("y")])
        app.get("/")(handler)
        response = Client(app).get("/")
        assert (response.status, response.headers.all("x-marks")) == (504, ["x"])
        assert log == []

    @pytest.mark.parametrize("where", ["handler", "error handler", "stream", "inner middleware"])
    def test_a_timeout_by_twisted(self, where: str, log: Log) -> None:
        clock = Clock()
        closed = []

        async def impatient(request: Request, next: Next) -> Response:
            waiting = ensureDeferred(cast("Coroutine[Deferred[Any], Any, Response]", next(request)))
            waiting.addTimeout(1, cast("IReactorTime", clock))
            clock.advance(2)
            try:
                return await waiting
            except DeferredTimeout:
                return Response("late", 504)

        async def inner(request: Request, next: Next) -> Response:
            if where == "inner middleware":
                await Deferred()
            return await next(request)

        async def handler(request: Request) -> Any:
            if where == "error handler":
                raise LookupError
            if where == "stream":
                return stream()
            return await Deferred()

        async def stream() -> AsyncIterator[str]:
            try:
                await Deferred()
                yield ""
            finally:
                closed.append(True)

        async def on_error(request: Request, error: Exception) -> str:
            await Deferred()
            return "never"

        app = App(middleware=[marking("x"), impatient, marking("y"), inner])
        app.error(LookupError)(on_error)
        app.get("/")(handler)
        response = Client(app).get("/")
        assert (response.status, response.headers.all("x-marks")) == (504, ["x"])
        assert log == []
        assert closed == [True] * (where == "stream")

    @pytest.mark.parametrize("shaped", [False, True])
    def test_a_cancellation_that_no_code_catches(self, shaped: bool, log: Log) -> None:
        app = App(middleware=[marking("x")])
        app.get("/")(raising(DeferredCancelled()))
        if shaped:
            app.error(500)(lambda request, error: Response("shaped", 500))
        response = Client(app, raise_errors=False).get("/")
        assert (response.status, response.text == "shaped") == (500, shaped)
        assert response.headers["x-marks"] == "x"
        assert len(log) == 1
        assert "RW208" in log.text

    def test_a_cancellation_that_an_error_handler_names(self, log: Log) -> None:
        app = App(middleware=[marking("x")])
        app.error(DeferredCancelled)(lambda request, error: Response("named", 409))
        app.get("/")(raising(DeferredCancelled()))
        response = Client(app).get("/")
        assert (response.status, response.headers["x-marks"]) == (409, "x")
        assert log == []


class TestWhoIsCalled:
    """Which error handler is called, and whether the exception is logged."""

    def ask(self, error: BaseException, *kinds: Any, middleware: bool, status: int = 422) -> str:
        app = App(middleware=[marking("x")] if middleware else [])
        app.get("/")(raising(error))
        for kind in kinds:
            app.error(kind)(lambda request, error, kind=kind: Response(str(getattr(kind, "__name__", kind)), status))
        return Client(app, raise_errors=False).get("/").text

    @pytest.mark.parametrize("middleware", [False, True])
    @pytest.mark.parametrize(
        ("error", "kinds", "called", "logged"),
        [
            (KeyError("x"), (Exception, LookupError), "LookupError", False),
            (KeyError("x"), (Exception, LookupError, KeyError), "KeyError", False),
            (KeyError("x"), (Exception,), "Exception", True),
            (KeyError("x"), (Exception, 500), "Exception", True),
            (KeyError("x"), (500,), "500", True),
            (HTTPError(404), (Exception,), problem(404), False),
            (HTTPError(404), (Exception, HTTPError), "HTTPError", False),
            (HTTPError(404), (Exception, HTTPError, 404), "404", False),
            (HTTPError(500), (Exception, 500), "500", False),
            (BodyTooLarge("x"), (Exception, HTTPError, 413), "413", False),
            (BodyTooLarge("x"), (Exception, HTTPError, 413, BodyTooLarge), "BodyTooLarge", False),
            (Disconnected("elsewhere"), (Exception,), problem(500), True),
            (InvalidField("x"), (Exception,), "Exception", True),
            (InvalidField("x"), (ValueError,), problem(500), True),
            (InvalidField("x"), (ValueError, Exception), "Exception", True),
            (InvalidField("x"), (ValueError, RopewalkError), "RopewalkError", True),
            (OSError(EMFILE, "none"), (Exception,), problem(503), True),
            (OSError(EMFILE, "none"), (OSError,), "OSError", False),
            (OSError(EMFILE, "none"), (Exception, 503), "503", True),
            (SystemExit(), (Exception,), problem(500), True),
            (SystemExit(), (Exception, 500), "500", True),
        ],
    )
    def test_of_one_app(
        self, error: BaseException, kinds: Any, called: str, logged: bool, middleware: bool, log: Log
    ) -> None:
        assert self.ask(error, *kinds, middleware=middleware) == called
        assert len(log) == logged

    @pytest.mark.parametrize("middleware", [False, True])
    def test_a_class_that_is_made_500_is_logged(self, middleware: bool, log: Log) -> None:
        assert self.ask(KeyError("x"), KeyError, middleware=middleware, status=500) == "KeyError"
        assert "raised KeyError('x')" in log.text

    def test_the_innermost_app_comes_first(self, log: Log) -> None:
        inner, app = App(), App()
        inner.error(Exception)(lambda request, error: Response("inner", 503))
        app.error(KeyError)(lambda request, error: Response("outer", 404))
        inner.get("/a")(raising(KeyError("x")))
        app.mount("/inner", inner)
        assert Client(app, raise_errors=False).get("/inner/a").text == "inner"
        assert len(log) == 1

    def test_an_unexpected_error_is_logged_once_however_many_there_are_around_it(self, log: Log) -> None:
        app = App(middleware=[marking(mark) for mark in "abc"])
        app.error(Exception)(lambda request, error: Response("shaped", 500))
        app.get("/")(raising(KeyError("x")))
        assert Client(app, raise_errors=False).get("/").headers.all("x-marks") == ["c", "b", "a"]
        assert len(log) == 1
