"""`raise_errors`: the client raises what a handler raised, with the handler's traceback."""

import asyncio
import traceback
from collections.abc import AsyncIterator
from typing import Any

import flask
import pytest
from tests.unit.calling.test_task import later
from tests.unit.conftest import Log

from ropewalk import App, HTTPError, Request, Response, wsgi
from ropewalk.middleware import Next
from ropewalk.testing import AsyncClient, Client, ProtocolError


async def passing(request: Request, next: Next) -> Response:
    return await next(request)


def make(**options: Any) -> App:
    app = App(**options)

    @app.get("/plain")
    def plain(request: Request) -> str:
        return broken()

    @app.get("/async")
    async def waiting(request: Request) -> str:
        await later("late")
        return broken()

    @app.get("/deferred")
    def deferred(request: Request) -> Any:
        return later("late").addCallback(lambda _: broken())

    @app.get("/http")
    def http(request: Request) -> str:
        raise HTTPError(500, "by design")

    @app.get("/returned")
    def returned(request: Request) -> Response:
        return Response("by design", 500)

    @app.get("/wrong")
    def wrong(request: Request) -> Any:
        return object()

    @app.get("/stream")
    async def stream(request: Request) -> AsyncIterator[str]:
        yield "one"
        await later("late")
        yield broken()

    @app.get("/cancelled")
    async def cancelled(request: Request) -> str:
        raise asyncio.CancelledError

    return app


def broken() -> str:
    raise ZeroDivisionError("the handler's own")


@pytest.mark.parametrize("options", [{}, {"middleware": [passing]}, {"debug": True}])
@pytest.mark.parametrize("path", ["/plain", "/async", "/deferred"])
def test_an_exception_of_a_handler(path: str, options: Any, log: Log) -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        Client(make(**options), raise_errors=True).get(path)
    assert traceback.extract_tb(caught.value.__traceback__)[-1].name == "broken"
    assert "RW208" in log.text  # it is logged, as in production
    assert Client(make(**options)).get(path).status == 500


def test_a_wrong_value(log: Log) -> None:
    with pytest.raises(TypeError, match="RW201"):
        Client(make(), raise_errors=True).get("/wrong")


@pytest.mark.parametrize("path", ["/http", "/returned"])
def test_a_response_that_is_meant(path: str) -> None:
    response = Client(make(), raise_errors=True).get(path)
    assert (response.status, "by design" in response.text) == (500, True)


def test_an_error_handler(log: Log) -> None:
    app = make()

    @app.error(ZeroDivisionError)
    def expected(request: Request, error: ZeroDivisionError) -> Response:
        return Response("expected", 400)

    assert Client(app, raise_errors=True).get("/plain").status == 400
    page = make()

    @page.error(500)
    def unexpected(request: Request, error: BaseException) -> str:
        return "a page"

    assert Client(page).get("/plain").text == "a page"
    with pytest.raises(ZeroDivisionError):
        Client(page, raise_errors=True).get("/plain")


def test_the_first_exception(log: Log) -> None:
    """What an error handler raises because of it is in the log."""
    app = make()

    @app.error(500)
    def failing(request: Request, error: BaseException) -> str:
        raise KeyError("another")

    with pytest.raises(ZeroDivisionError):
        Client(app, raise_errors=True).get("/plain")


def test_a_response_that_is_cut_off(log: Log) -> None:
    with pytest.raises(ProtocolError):
        Client(make()).get("/stream")
    with pytest.raises(ZeroDivisionError):
        Client(make(), raise_errors=True).get("/stream")


def test_a_stream(log: Log) -> None:
    async def run() -> list[bytes]:
        parts: list[bytes] = []
        async with AsyncClient(make(), raise_errors=True) as client, await client.stream("GET", "/stream") as response:
            with pytest.raises(ZeroDivisionError):
                parts += [part async for part in response]
            with pytest.raises(ZeroDivisionError):
                await client.stream("GET", "/plain")
        return parts

    asyncio.run(run())


def test_requests_at_the_same_time(log: Log) -> None:
    async def run() -> list[Any]:
        async with AsyncClient(make(), raise_errors=True) as client:
            paths = ["/async", "/http", "/async", "/returned"]
            return await asyncio.gather(*map(client.get, paths), return_exceptions=True)

    first, second, third, fourth = asyncio.run(run())
    assert [type(each) for each in (first, third)] == [ZeroDivisionError] * 2
    assert first is not third
    assert (second.status, fourth.status) == (500, 500)


def test_a_cancellation_is_not_raised(log: Log) -> None:
    """It would cancel the test."""
    assert Client(make(), raise_errors=True).get("/cancelled").status == 500


def test_it_can_be_changed(log: Log) -> None:
    client = AsyncClient(make())
    client.raise_errors = True
    with pytest.raises(ZeroDivisionError):
        asyncio.run(client.get("/plain"))


def test_a_hosted_application(log: Log) -> None:
    """Flask handles its own exceptions; a plain WSGI application raises them to the server."""

    def application(environ: Any, start_response: Any) -> list[bytes]:
        return [broken().encode()]

    app = App()
    app.mount("/plain", wsgi(application))
    app.mount("/flask", wsgi(flask.Flask(__name__)))
    assert Client(app, raise_errors=True).get("/flask").status == 404
    with pytest.raises(ZeroDivisionError):
        Client(app, raise_errors=True).get("/plain")
