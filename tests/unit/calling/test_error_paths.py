"""Exceptions of any kind, whose methods may raise too: the client gets a 500, and the log has one line for it."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from tests.problems import problem
from tests.unit.conftest import Log
from twisted.internet.defer import fail
from twisted.logger import LogEvent, globalLogPublisher

from ropewalk import App, ASGIOptions, HTTPError, Request, Response, asgi, wsgi
from ropewalk.errors import HandlerError, shown
from ropewalk.testing import AsyncClient, Client, ProtocolError
from ropewalk.tracebacks import MOST_TRACED

Next = Callable[[Request], Awaitable[Response]]


class NoStr(Exception):
    def __str__(self) -> str:
        raise ValueError("no str")

    __repr__ = __str__


class NoText(Exception):
    def __str__(self) -> Any:
        return 5

    __repr__ = __str__


class Deep(Exception):
    def __str__(self) -> str:
        return str(self)

    __repr__ = __str__


class Exits(Exception):
    def __str__(self) -> str:
        raise SystemExit("no str")

    __repr__ = __str__


class BadNotes(Exception):
    __notes__: Any = "no list"


class NoNotes(Exception):
    def add_note(self, note: str) -> None:
        raise ValueError("no note")

    @property
    def __notes__(self) -> Any:  # type: ignore[override] # that is the point
        raise ValueError("no notes")


class NoErrno(OSError):
    def __getattribute__(self, name: str) -> Any:
        if name == "errno":
            raise ValueError("no errno")
        return super().__getattribute__(name)


class NoRemedy(HandlerError):
    def __init__(self) -> None:
        super().__init__("RW201", "made by the program")

    def __getattribute__(self, name: str) -> Any:
        if name == "remedy":
            raise ValueError("no remedy")
        return super().__getattribute__(name)


def chained() -> BaseException:
    error = ValueError("first")
    for number in range(3_000):
        cause, error = error, ValueError(number)
        error.__cause__ = cause
    return error


def endless(request: Request) -> Any:
    return endless(request)


def nested_lists(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


NESTED = nested_lists(200_000)
"""Created at import: creating this value takes so long that, in a handler, it would be reported as blocking the
reactor."""


def nested_iterators(depth: int) -> Iterator[Any]:
    return iter([nested_iterators(depth - 1)]) if depth else iter(["end"])


def nested_generators(depth: int) -> Iterator[str]:
    if depth:
        yield from nested_generators(depth - 1)
    else:
        yield "end"


async def passing(request: Request, next: Next) -> Response:
    return await next(request)


def raising(make: Callable[[], BaseException]) -> Callable[[Request], Any]:
    def handler(request: Request) -> Any:
        raise make()

    return handler


HANDLERS: dict[str, Callable[[Request], Any]] = {
    **{
        kind.__name__: raising(kind)
        for kind in (NoStr, NoText, Deep, Exits, BadNotes, NoNotes, NoRemedy, SystemExit, BaseException, GeneratorExit)
    },
    "NoErrno": raising(lambda: NoErrno(2, "no such file")),
    "CancelledError": raising(asyncio.CancelledError),
    "StopIteration": raising(StopIteration),
    "long": raising(lambda: ValueError("x" * 1_000_000)),
    "group": raising(lambda: ExceptionGroup("group", [NoStr(), ValueError()])),
    "chained": raising(chained),
    "failed": lambda request: fail(NoStr()),
    "endless": endless,
    "lists": lambda request: NESTED,
    "lists in a response": lambda request: Response(NESTED),
    "iterators": lambda request: nested_iterators(3),
    "many iterators": lambda request: iter([nested_iterators(300)]),
    "generators": lambda request: nested_generators(3_000),
    "detail": raising(lambda: HTTPError(404, NESTED)),
    "object": lambda request: object(),
}


@pytest.mark.parametrize("around", ["nothing", "middleware", "handled", "debug"])
@pytest.mark.parametrize("kind", HANDLERS)
def test_one_line_for_every_500(kind: str, around: str, log: Log) -> None:
    app = App(debug=around == "debug")
    app.get("/")(HANDLERS[kind])

    if around == "middleware":

        @app.middleware
        async def middleware(request: Request, next: Next) -> Response:
            return await next(request)

    if around == "handled":

        @app.error(500)
        def handle(request: Request, error: Exception) -> str:
            return "handled"

    response = Client(app, raise_errors=False).get("/")
    assert response.status == 500
    (event,) = log
    assert event["code"] in ("RW201", "RW208")
    assert event["what"]
    assert len(event["log_failure"].getTraceback()) < 2 * MOST_TRACED
    assert len(response.body) < 2 * MOST_TRACED


class TestTraceback:
    def test_the_ends_of_a_long_one_are_kept(self, log: Log) -> None:
        app = App()
        app.get("/")(raising(lambda: ValueError("begin" + "x" * 1_000_000 + "end")))
        Client(app, raise_errors=False).get("/")
        trace = log[0]["log_failure"].getTraceback()
        assert "in handler" in trace
        assert "ValueError: beginxxx" in trace
        assert trace.endswith("xxxend\n")
        assert " characters are left out ..." in trace

    def test_one_that_cannot_be_made(self, log: Log) -> None:
        class Odd(Exception):
            def __getattribute__(self, name: str) -> Any:
                if name == "__suppress_context__":
                    raise ValueError("odd")
                return super().__getattribute__(name)

        app = App()
        app.get("/")(raising(Odd))
        Client(app, raise_errors=False).get("/")
        trace = log[0]["log_failure"].getTraceback()
        assert "in handler" in trace
        assert "Odd, whose traceback cannot be formatted: ValueError('odd')\n" in trace


class TestErrorHandlers:
    @pytest.mark.parametrize("kind", [NoStr, NoNotes, BadNotes, SystemExit])
    def test_one_for_a_class_that_raises(self, kind: type[BaseException], log: Log) -> None:
        app = App()
        app.get("/")(raising(KeyError))

        @app.error(KeyError)
        def handle(request: Request, error: KeyError) -> str:
            raise kind

        assert Client(app, raise_errors=False).get("/").status == 500
        assert len(log) == 1

    def test_one_for_500_that_raises_has_a_line_of_its_own(self, log: Log) -> None:
        """If the error handler for 500 raises too, the log has two lines. The first error is logged before the error
        handler is called, because the error handler may never return."""
        app = App()
        app.get("/")(raising(KeyError))

        @app.error(500)
        def handle(request: Request, error: Exception) -> str:
            raise NoStr

        response = Client(app, raise_errors=False).get("/")
        assert (response.status, response.text) == (500, problem(500))
        first, second = (event["what"] for event in log)
        assert first.endswith(" raised KeyError().")
        assert second.startswith("The error handler ")
        assert ", called for KeyError(), raised <" in second
        assert "NoStr that has no repr>. The handler is " in second


class TestObservers:
    """Observers of Twisted's log."""

    def ask(self, kind: type[BaseException]) -> int:
        def observe(event: LogEvent) -> None:
            if event.get("code") == "RW208":
                raise kind("observer")

        observer: Any = observe

        app = App()
        app.get("/")(raising(KeyError))
        globalLogPublisher.addObserver(observer)
        try:
            return Client(app, raise_errors=False).get("/").status
        finally:
            globalLogPublisher.removeObserver(observer)

    def test_one_that_raises(self, log: Log) -> None:
        assert self.ask(ValueError) == 500
        assert [event["code"] for event in log if "code" in event] == ["RW208"]

    def test_one_that_exits(self, monkeypatch: pytest.MonkeyPatch) -> None:
        seen: list[Any] = []
        monkeypatch.setattr(sys, "excepthook", lambda *raised: seen.append(raised[0]))
        assert self.ask(SystemExit) == 500
        assert seen == [SystemExit]


@pytest.mark.parametrize("kind", [NoStr, NoText, Deep, BadNotes, NoErrno])
class TestHosted:
    def test_asgi(self, kind: type[Exception], log: Log) -> None:
        async def application(scope: Any, receive: Any, send: Any) -> None:
            raise kind

        async def main() -> int:
            app = App()
            app.mount("/", asgi(application, ASGIOptions(lifespan="off")))
            async with AsyncClient(app, raise_errors=False) as client:
                return (await client.get("/")).status

        assert asyncio.run(main()) == 500
        assert len(log) == 1

    def test_wsgi(self, kind: type[Exception], log: Log) -> None:
        def application(environ: Any, start_response: Any) -> Any:
            raise kind

        async def main() -> int:
            app = App()
            app.mount("/", wsgi(application))
            async with AsyncClient(app, raise_errors=False) as client:
                return (await client.get("/")).status

        assert asyncio.run(main()) == 500
        assert len(log) == 1


class TestWhenTheClientHasLeft:
    """The handler is cancelled, and may raise another exception."""

    def lines_for(self, error: Exception, around: list[Any], log: Log) -> list[str]:
        called: list[str] = []
        app = App(middleware=around)

        @app.error(LookupError)
        @app.error(Exception)
        def handle(request: Request, error: Exception) -> str:
            called.append(shown(error))
            return "handled"

        async def main() -> None:
            begun, over = asyncio.Event(), asyncio.Event()

            @app.get("/")
            async def handler(request: Request) -> str:
                begun.set()
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    over.set()
                    raise error from None
                return "never"

            asking = asyncio.ensure_future(AsyncClient(app, raise_errors=False).get("/"))
            await begun.wait()
            asking.cancel()
            await over.wait()
            await asyncio.sleep(0)

        asyncio.run(main())
        assert called == []
        return [line for line in log.text.splitlines() if line.startswith("RW")]

    @pytest.mark.parametrize("around", [[], [passing]], ids=["", "in a middleware"])
    @pytest.mark.parametrize("error", [KeyError("expected"), HTTPError(404)], ids=repr)
    def test_what_would_not_have_been_logged_is_not(self, error: Exception, around: list[Any], log: Log) -> None:
        assert self.lines_for(error, around, log) == []

    @pytest.mark.parametrize("around", [[], [passing]], ids=["", "in a middleware"])
    @pytest.mark.parametrize("error", [ValueError("unexpected"), HandlerError("RW201", "wrong")], ids=repr)
    def test_what_would_have_been_is(self, error: Exception, around: list[Any], log: Log) -> None:
        (line,) = self.lines_for(error, around, log)
        assert "error handler" not in line


def test_no_error_handler_is_recommended_where_none_is_called(log: Log) -> None:
    """The log line recommends no error handler, because none is called for a response that has begun."""
    app = App()

    @app.get("/")
    async def handler(request: Request) -> None:
        request.write(b"some")
        raise ValueError("too late")

    with pytest.raises(ProtocolError):
        Client(app, raise_errors=False).get("/")
    assert "raised ValueError('too late'). Fix the cause shown in the traceback." in log.text
    assert "error handler" not in log.text
