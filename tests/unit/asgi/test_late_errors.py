"""Errors of applications after their response, or after their client has left: the log has one line for each."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect
from starlette.requests import Request as StarletteRequest
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from tests.unit.asgi.applications import body, start
from tests.unit.conftest import Log

from ropewalk import App, ASGIOptions, HTTPError, Request, Response, asgi
from ropewalk.asgi import Application, ClientGone, Receive, Scope, Send
from ropewalk.middleware import Next
from ropewalk.testing import AsyncClient, Client, ClientResponse

PART = b"z" * 40_000


async def passing(request: Request, next: Next) -> Response:
    return await next(request)


async def delaying(request: Request, next: Next) -> Response:
    response = await next(request)
    await asyncio.sleep(0)
    return response


AROUND: dict[str, list[Any]] = {"nothing": [], "a middleware": [passing], "a middleware that waits": [delaying]}
around = pytest.mark.parametrize("middleware", AROUND.values(), ids=AROUND)


def hosting(application: Any, middleware: list[Any]) -> App:
    app = App(middleware=middleware)
    app.mount("/", asgi(application, ASGIOptions(lifespan="off", body_limit=3)))
    return app


def lines(log: Log, code: str = "RW208") -> list[str]:
    return [line for line in log.text.splitlines() if line.startswith(code)]


def responding(parts: int, error: BaseException, waits: bool) -> Application:
    """An application that sends a whole response, or this many parts, and then raises."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start())
        for _ in range(parts):
            await send(body(PART, True))
        await send(body(b"end"))
        if waits:
            await asyncio.sleep(0)
        raise error

    return application


class TestAfterTheResponse:
    """A complete response is not changed by a later error."""

    @around
    @pytest.mark.parametrize("waits", [False, True])
    @pytest.mark.parametrize("slow", [False, True])
    @pytest.mark.parametrize("parts", [0, 1, 40])
    def test_it_is_whole(self, parts: int, slow: bool, waits: bool, middleware: list[Any], log: Log) -> None:
        async def main() -> ClientResponse:
            client = AsyncClient(hosting(responding(parts, LookupError("lost"), waits), middleware), raise_errors=False)
            async with await client.stream("GET", "/") as response:
                if slow:
                    response.pause()
                    for _ in range(100):
                        await asyncio.sleep(0)
                    response.resume()
                return await response.whole()

        assert asyncio.run(main()).body == PART * parts + b"end"
        assert len(lines(log)) == len(log) == 1
        assert "raised LookupError('lost'). Fix the cause shown in the traceback." in lines(log)[0]

    @around
    @pytest.mark.parametrize("error", [OSError("after"), HTTPError(404), ClientGone("after")])
    def test_of_any_kind(self, error: BaseException, middleware: list[Any], log: Log) -> None:
        assert Client(hosting(responding(0, error, waits=False), middleware), raise_errors=False).get("/").text == "end"
        assert len(lines(log)) == 1

    @around
    @pytest.mark.parametrize("path", ["/raises", "/works"])
    def test_frameworks(self, path: str, middleware: list[Any], log: Log) -> None:
        """Starlette sends its own response for an error, and raises the error again."""

        async def raises(request: StarletteRequest) -> Any:
            raise LookupError("lost")

        async def work() -> None:
            raise LookupError("lost")

        async def works(request: StarletteRequest) -> Any:
            return PlainTextResponse("works", background=BackgroundTask(work))

        application = Starlette(routes=[Route("/raises", raises), Route("/works", works)])
        response = Client(hosting(application, middleware), raise_errors=False).get(path)
        expected = (500, "Internal Server Error") if path == "/raises" else (200, "works")
        assert (response.status, response.text) == expected
        assert len(lines(log)) == len(log) == 1


async def leave(client: AsyncClient, begun: asyncio.Event, over: asyncio.Event) -> None:
    """Send a request, and disconnect when the application has begun."""
    asking = asyncio.ensure_future(client.get("/"))
    await begun.wait()
    asking.cancel()
    await over.wait()
    await asyncio.sleep(0)


class TestWhenTheClientHasLeft:
    def lines_for(self, make: Callable[[], BaseException], head: bool, middleware: list[Any], log: Log) -> list[str]:
        """Return the log lines for an application that raises this error after its client has left."""

        async def main() -> None:
            begun, over = asyncio.Event(), asyncio.Event()

            async def application(scope: Scope, receive: Receive, send: Send) -> None:
                if head:
                    await send(start())
                    await send(body(b"some", True))
                begun.set()
                while (await receive())["type"] != "http.disconnect":
                    pass
                over.set()
                raise make()

            await leave(AsyncClient(hosting(application, middleware)), begun, over)

        asyncio.run(main())
        return lines(log)

    @around
    @pytest.mark.parametrize("head", [False, True])
    def test_a_mistake_is_logged(self, head: bool, middleware: list[Any], log: Log) -> None:
        assert len(self.lines_for(lambda: ValueError("in clean-up"), head, middleware, log)) == 1

    @around
    @pytest.mark.parametrize(
        "make",
        [
            OSError,
            lambda: ClientGone("left"),
            asyncio.CancelledError,
            ClientDisconnect,
            lambda: BaseExceptionGroup("", [ClientDisconnect(), ExceptionGroup("", [OSError()])]),
        ],
        ids=["OSError", "ClientGone", "CancelledError", "ClientDisconnect", "a group"],
    )
    def test_departures_are_not_logged(
        self, make: Callable[[], BaseException], middleware: list[Any], log: Log
    ) -> None:
        assert self.lines_for(make, True, middleware, log) == []

    @around
    def test_a_group_with_a_mistake_is(self, middleware: list[Any], log: Log) -> None:
        group = ExceptionGroup("", [ClientDisconnect(), ValueError("in clean-up")])
        assert len(self.lines_for(lambda: group, True, middleware, log)) == 1

    @around
    def test_in_the_middle_of_a_stream(self, middleware: list[Any], log: Log) -> None:
        """An application that raises in the middle of its stream, after its client has left, causes one log line. It
        need not have received the disconnect."""

        async def main() -> None:
            begun, over = asyncio.Event(), asyncio.Event()

            async def application(scope: Scope, receive: Receive, send: Send) -> None:
                await send(start())
                await send(body(b"some", True))
                begun.set()
                for _ in range(5):
                    await asyncio.sleep(0)
                over.set()
                raise ValueError("in clean-up")

            await leave(AsyncClient(hosting(application, middleware)), begun, over)

        asyncio.run(main())
        assert len(lines(log)) == 1


@around
def test_an_error_after_a_refusal_leaves_the_refusal_alone(middleware: list[Any], log: Log) -> None:
    """An error handler may still respond to a body that is too large after the application has failed."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        assert (await receive())["type"] == "http.disconnect"
        raise ValueError("in clean-up")

    app = hosting(application, middleware)

    @app.error(413)
    async def refuse(request: Request, error: HTTPError) -> str:
        await asyncio.sleep(0)
        return "too much"

    response = Client(app, raise_errors=False).post("/", body="four")
    assert (response.status, response.text) == (413, "too much")
    assert len(lines(log)) == 1
