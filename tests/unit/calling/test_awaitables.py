"""Deferreds that wait for coroutines, and coroutines that wait for Deferreds."""

import asyncio
import gc
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.unit.conftest import Log
from twisted.internet.defer import Deferred, succeed

from ropewalk import App, Request, Response
from ropewalk.calling import start
from ropewalk.calling.awaitables import MOST_NESTED, resolve
from ropewalk.testing import AsyncClient, Client

Next = Callable[[Request], Awaitable[Response]]


async def coroutines(depth: int) -> Any:
    return coroutines(depth - 1) if depth else "end"


async def waiting(depth: int) -> Any:
    await asyncio.sleep(0)
    return waiting(depth - 1) if depth else "end"


def deferreds(depth: int) -> Any:
    """Return a Deferred whose result is a coroutine, whose result is a Deferred, and so on. Twisted itself resolves a
    Deferred that is the result of a Deferred, so only this alternation tests our code."""
    deferred: Deferred[Any] = succeed(None)
    return deferred.addCallback(lambda _: between(depth - 1) if depth else "end")


async def between(depth: int) -> Any:
    return deferreds(depth - 1) if depth > 0 else "end"


MADE: dict[str, Callable[[int], Any]] = {"coroutines": coroutines, "waiting": waiting, "deferreds": deferreds}


def make_app(place: str, made: Callable[[int], Any], depth: int) -> App:
    app = App()

    if place == "middleware":

        @app.middleware
        async def around(request: Request, next: Next) -> Any:
            return made(depth)

    if place == "error handler":

        @app.error(KeyError)
        def handle(request: Request, error: KeyError) -> Any:
            return made(depth)

    @app.get("/")
    def handler(request: Request) -> Any:
        if place == "error handler":
            raise KeyError
        return made(depth)

    @app.get("/async")
    async def async_handler(request: Request) -> Any:
        return handler(request)

    return app


@pytest.mark.parametrize("path", ["/", "/async"])
@pytest.mark.parametrize("place", ["handler", "middleware", "error handler"])
@pytest.mark.parametrize("made", MADE)
class TestDepth:
    def test_a_few(self, made: str, place: str, path: str) -> None:
        response = Client(make_app(place, MADE[made], MOST_NESTED // 2), raise_errors=False).get(path)
        assert response.text == "end"

    def test_too_many(self, made: str, place: str, path: str, log: Log) -> None:
        response = Client(make_app(place, MADE[made], 3_000), raise_errors=False).get(path)
        assert response.status == 500
        (event,) = log
        who = {"middleware": "around", "error handler": "handle"}.get(place, path.lstrip("/") and "async_handler")
        assert event["code"] == "RW221"
        assert f"make_app.<locals>.{who or 'handler'} at tests/unit/calling/test_awaitables.py:" in log.text
        assert "in one another, more than 100 deep." in log.text
        assert log.text.endswith("Await the nested Deferred or coroutine, and return its value.")


@pytest.mark.parametrize("first", [deferreds, between])
def test_what_is_left_is_let_go_of(first: Callable[[int], Any]) -> None:
    """The coroutines of the chain that were never run are closed. Otherwise Python would warn when it frees them."""
    failures: list[Any] = []
    start(resolve(first(3_000), first)).addErrback(failures.append)
    assert failures.pop().value.code == "RW221"
    gc.collect()


async def number() -> Any:
    return "7"


async def missing_await() -> str:
    return number()  # type: ignore[return-value]


async def missing_await_in_int() -> int:
    return number()  # type: ignore[return-value]


async def missing_await_later() -> "bytes":
    await asyncio.sleep(0)
    return number()  # type: ignore[return-value]


async def missing_await_of_request(request: Request) -> Response:
    return number()  # type: ignore[return-value]


class TestMissingAwait:
    """An async handler returns an awaitable that it has not awaited, although its annotation names another type."""

    @pytest.mark.parametrize(
        "handler", [missing_await, missing_await_in_int, missing_await_later, missing_await_of_request]
    )
    @pytest.mark.parametrize("with_middleware", [False, True])
    def test_of_a_coroutine(self, handler: Any, with_middleware: bool, log: Log) -> None:
        event = self.refused(handler, with_middleware, log)
        assert f"{handler.__name__} at tests/unit/calling/test_awaitables.py:" in log.text
        assert (
            "returned the coroutine of number(...), which was not awaited. Write `return await number(...)`."
            in log.text
        )
        assert event["code"] == "RW210"

    def refused(self, handler: Any, with_middleware: bool, log: Log) -> Any:
        app = App()
        if with_middleware:

            @app.middleware
            async def around(request: Request, next: Next) -> Response:
                return await next(request)

        app.get("/")(handler)
        assert Client(app, raise_errors=False).get("/").status == 500
        gc.collect()  # if a coroutine was never awaited, Python warns here
        (event,) = log
        return event

    def test_annotations_that_allow_it(self) -> None:
        async def any_value() -> Any:
            return number()

        async def coroutine() -> Awaitable[str]:
            return number()

        async def deferred() -> str:
            return succeed("7")  # type: ignore[return-value]

        async def nothing():  # type: ignore[no-untyped-def]
            return number()

        def plain() -> str:
            return number()  # type: ignore[return-value]

        for handler in (any_value, coroutine, deferred, nothing, plain):
            app = App()
            app.get("/")(handler)
            assert Client(app).get("/").text == "7"


class TestHooks:
    def test_what_a_hook_returns_is_waited_for(self) -> None:
        seen: list[str] = []

        async def inner() -> None:
            seen.append("inner")

        async def hook() -> Any:
            return inner()

        async def main() -> None:
            app = App()
            app.on_start(hook)
            app.on_stop(lambda: succeed(None).addCallback(lambda _: hook()))
            async with AsyncClient(app):
                pass

        asyncio.run(main())
        assert seen == ["inner", "inner"]
