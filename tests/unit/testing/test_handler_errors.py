"""The client raises what a handler raised, with its traceback, unless `raise_errors` is False."""

import asyncio
import traceback
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

import flask
import pytest
from starlette.applications import Starlette
from starlette.responses import Response as StarletteResponse
from starlette.routing import Route
from tests.unit.calling.test_task import later
from tests.unit.conftest import Log

from ropewalk import App, Depends, HTTPError, Request, Response, asgi, wsgi
from ropewalk.asgi import Receive, Scope, Send
from ropewalk.middleware import Next
from ropewalk.testing import AsyncClient, Client, ProtocolError, StreamedResponse


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
        Client(make(**options)).get(path)
    assert traceback.extract_tb(caught.value.__traceback__)[-1].name == "broken"
    assert "RW208" in log.text  # the exception is logged, as in production
    assert Client(make(**options), raise_errors=False).get(path).status == 500


def test_a_wrong_value(log: Log) -> None:
    with pytest.raises(TypeError, match="RW201"):
        Client(make()).get("/wrong")


@pytest.mark.parametrize("path", ["/http", "/returned"])
def test_a_response_that_is_meant(path: str) -> None:
    response = Client(make()).get(path)
    assert (response.status, "by design" in response.text) == (500, True)


def test_an_error_handler(log: Log) -> None:
    app = make()

    @app.error(ZeroDivisionError)
    def expected(request: Request, error: ZeroDivisionError) -> Response:
        return Response("expected", 400)

    assert Client(app).get("/plain").status == 400
    page = make()

    @page.error(500)
    def unexpected(request: Request, error: BaseException) -> str:
        return "a page"

    assert Client(page, raise_errors=False).get("/plain").text == "a page"
    with pytest.raises(ZeroDivisionError):
        Client(page).get("/plain")


def test_the_first_exception(log: Log) -> None:
    """The client raises the exception of the handler. The later exception of the error handler is only logged."""
    app = make()

    @app.error(500)
    def failing(request: Request, error: BaseException) -> str:
        raise KeyError("another")

    with pytest.raises(ZeroDivisionError):
        Client(app).get("/plain")


def test_a_response_that_is_cut_off(log: Log) -> None:
    with pytest.raises(ProtocolError):
        Client(make(), raise_errors=False).get("/stream")
    with pytest.raises(ZeroDivisionError):
        Client(make()).get("/stream")


def test_a_stream(log: Log) -> None:
    async def run() -> None:
        async with AsyncClient(make()) as client, await client.stream("GET", "/stream") as response:
            parts = aiter(response)
            assert await anext(parts) == b"one"
            with pytest.raises(ZeroDivisionError):
                await anext(parts)
            with pytest.raises(ZeroDivisionError):
                await client.stream("GET", "/plain")

    asyncio.run(run())


def test_requests_at_the_same_time(log: Log) -> None:
    async def run() -> list[Any]:
        async with AsyncClient(make()) as client:
            paths = ["/async", "/http", "/async", "/returned"]
            return await asyncio.gather(*map(client.get, paths), return_exceptions=True)

    first, second, third, fourth = asyncio.run(run())
    assert [type(each) for each in (first, third)] == [ZeroDivisionError] * 2
    assert first is not third
    assert (second.status, fourth.status) == (500, 500)


def test_a_cancellation_is_not_raised(log: Log) -> None:
    """Raised in the test, a CancelledError would cancel the test."""
    assert Client(make()).get("/cancelled").status == 500


def test_it_can_be_changed(log: Log) -> None:
    client = AsyncClient(make())
    with pytest.raises(ZeroDivisionError):
        asyncio.run(client.get("/plain"))
    client.raise_errors = False
    assert asyncio.run(client.get("/plain")).status == 500


@pytest.mark.parametrize("status", [200, 404, 500, 503])
def test_an_error_handler_for_all_exceptions_hides_none(status: int, log: Log) -> None:
    app = make()

    @app.error(Exception)
    def unexpected(request: Request, error: Exception) -> Response:
        return Response("a page", status)

    assert Client(app, raise_errors=False).get("/plain").status == status
    assert Client(app).get("/http").status == 500  # an HTTPError is a response, so this error handler is not called
    assert Client(app).get("/none").status == 404
    with pytest.raises(ZeroDivisionError):
        Client(app).get("/plain")


def test_a_middleware_that_replaces_the_response_hides_none(log: Log) -> None:
    async def replacing(request: Request, next: Next) -> Response:
        response = await next(request)
        return Response("sorry", 200) if response.error is not None else response

    app = make(middleware=[replacing])
    assert Client(app, raise_errors=False).get("/plain").text == "sorry"
    with pytest.raises(ZeroDivisionError):
        Client(app).get("/plain")


def test_an_exception_of_a_middleware(log: Log) -> None:
    async def failing(request: Request, next: Next) -> Response:
        await next(request)
        raise KeyError("of the middleware")

    with pytest.raises(KeyError, match="of the middleware") as caught:
        Client(make(middleware=[failing])).get("/http")
    assert traceback.extract_tb(caught.value.__traceback__)[-1].name == "failing"


def test_exceptions_of_dependencies(log: Log) -> None:
    async def opened() -> AsyncIterator[str]:
        await later("late")
        yield broken()

    def closed() -> Iterator[str]:
        yield "open"
        broken()

    app = App()

    @app.get("/opened")
    def first(value: Annotated[str, Depends(opened)]) -> str:
        return value

    @app.get("/closed")
    def second(value: Annotated[str, Depends(closed)]) -> str:
        return value

    with pytest.raises(ZeroDivisionError):
        Client(app).get("/opened")
    with pytest.raises(ZeroDivisionError):
        Client(app).get("/closed")
    assert Client(app, raise_errors=False).get("/closed").text == "open"


def test_an_exception_after_the_response(log: Log) -> None:
    app = App()

    @app.get("/")
    def handler(request: Request) -> Any:
        request.respond(200, [], "sent")
        raise ZeroDivisionError

    assert Client(app, raise_errors=False).get("/").text == "sent"
    with pytest.raises(ZeroDivisionError):
        Client(app).get("/")


def test_each_request_has_its_own(log: Log) -> None:
    """Several requests with the same method and target run at the same time. Each raises the exception of its own
    handler."""
    app, errors = App(), iter([None, KeyError("second"), None, LookupError("fourth")])

    @app.get("/")
    async def handler(request: Request) -> str:
        error = next(errors)
        await later("late")
        if error is not None:
            raise error
        return "well"

    async def run() -> list[Any]:
        async with AsyncClient(app) as client:
            return await asyncio.gather(*(client.get("/") for _ in range(4)), return_exceptions=True)

    first, second, third, fourth = asyncio.run(run())
    assert (first.text, third.text) == ("well", "well")
    assert (type(second), type(fourth)) == (KeyError, LookupError)


def test_a_hosted_application(log: Log) -> None:
    """The client raises the exception of a hosted application only if the application raises it to the server. A plain
    WSGI application does so; Flask handles its own exceptions."""

    def application(environ: Any, start_response: Any) -> list[bytes]:
        return [broken().encode()]

    async def coroutine(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})
        broken()

    def starlette(request: object) -> StarletteResponse:
        raise ZeroDivisionError

    app = App()
    app.mount("/plain", wsgi(application))
    app.mount("/flask", wsgi(flask.Flask(__name__)))
    app.mount("/asgi", asgi(coroutine))
    app.mount("/starlette", asgi(Starlette(routes=[Route("/", starlette)])))
    assert Client(app).get("/flask").status == 404
    for path in ("/plain", "/asgi", "/starlette/"):
        with pytest.raises(ZeroDivisionError):
            Client(app).get(path)


def test_parts_before_an_exception_are_received(log: Log) -> None:
    """The client gets the parts that were sent before an exception, even if the handler raised before the client has
    read the head."""

    async def run() -> bytes:
        client = AsyncClient(make())
        connection = client._harness.connect("GET", "/stream")
        response = StreamedResponse(connection, None, raise_errors=True, url="http://localhost/stream")
        connection.send(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        while connection.handler_errors.raised is None:
            await asyncio.sleep(0)
        await response.begun()
        first = await anext(response)
        with pytest.raises(ZeroDivisionError):
            await anext(response)
        response.close()
        return first

    assert asyncio.run(run()) == b"one"
