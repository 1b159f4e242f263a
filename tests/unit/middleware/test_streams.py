"""Streamed bodies inside middleware."""

import asyncio
from asyncio import current_task, sleep
from collections.abc import AsyncIterator, Generator, Iterator
from contextvars import ContextVar
from typing import Any

import pytest
from tests.problems import problem
from tests.unit.conftest import Log
from tests.unit.middleware.handlers import marking, parts_that_raise

from ropewalk import App, HTTPError, Request, Response
from ropewalk.middleware import Next
from ropewalk.testing import AsyncClient, Client

variable: ContextVar[str] = ContextVar("variable")


class Parts:
    """A body that records when it is closed."""

    def __init__(self, events: list[str], error: BaseException | None = None) -> None:
        self._events = events
        self._error = error
        self._left = 3

    def __iter__(self) -> "Parts":
        return self

    def __next__(self) -> str:
        self._left -= 1
        if not self._left:
            raise StopIteration
        return "part"

    def close(self) -> None:
        self._events.append("closed")
        if self._error is not None:
            raise self._error


def generator(events: list[str], error: BaseException | None = None) -> Iterator[str]:
    try:
        yield "part"
        yield "part"
    finally:
        events.append("closed")
        if error is not None:
            raise error


async def async_generator(events: list[str], error: BaseException | None = None) -> AsyncIterator[str]:
    try:
        yield "part"
        yield "part"
    finally:
        await Turn()
        events.append("closed")
        if error is not None:
            raise error


class Turn:
    """An awaitable that lets the event loop run one turn."""

    def __await__(self) -> Generator[None, None, None]:
        yield


async def first_part(body: Any) -> AsyncIterator[str]:
    if hasattr(body, "__aiter__"):
        async for part in body:
            yield part
            return
    else:
        yield next(body)


class TestDroppedStreams:
    """A stream that a middleware replaces is closed when the response is complete."""

    @pytest.mark.parametrize("body", [Parts, generator, async_generator])
    @pytest.mark.parametrize("how", ["another", "another stream", "another body", "its first part", "an error", "sent"])
    def test_it_is_closed(self, body: Any, how: str, log: Log) -> None:
        events: list[str] = []
        kept = []

        async def dropping(request: Request, next: Next) -> Any:
            response = await next(request)
            kept.append((response, response.body))  # otherwise garbage collection might close the body
            if how == "another":
                return "instead"
            if how == "another stream":
                return iter(["ins", "tead"])
            if how == "another body":
                response.body = "instead"
            elif how == "its first part":
                response.body = first_part(response.body)
            elif how == "an error":
                raise HTTPError(409, "instead")
            return response

        app = App(middleware=[marking("x"), dropping, marking("y")])
        app.get("/")(lambda request: body(events))
        text = Client(app).get("/").text
        wanted = {"its first part": "part", "sent": "partpart", "an error": problem(409, "instead")}
        assert text == wanted.get(how, "instead")
        assert events == ["closed"]
        assert log == []

    @pytest.mark.parametrize("body", [Parts, generator, async_generator])
    def test_one_that_cannot_be_closed_is_logged(self, body: Any, log: Log) -> None:
        async def dropping(request: Request, next: Next) -> str:
            await next(request)
            return "instead"

        events: list[str] = []
        app = App(middleware=[dropping])
        app.get("/")(lambda request: body(events, LookupError("lost")))
        assert Client(app, raise_errors=False).get("/").text == "instead"
        assert events == ["closed"]
        assert len(log) == 1
        assert "lost" in log.text

    def test_that_of_a_head(self) -> None:
        events: list[str] = []

        async def dropping(request: Request, next: Next) -> str:
            await next(request)
            return "instead"

        app = App(middleware=[dropping])
        app.get("/")(lambda request: Parts(events))
        assert Client(app).head("/").status == 200
        assert events == ["closed"]

    def test_where_the_client_leaves(self, log: Log) -> None:
        events: list[str] = []

        async def dropping(request: Request, next: Next) -> str:
            await next(request)
            await sleep(60)
            return "never"

        app = App(middleware=[dropping])
        app.get("/")(lambda request: async_generator(events))

        async def main() -> None:
            async with AsyncClient(app) as client:
                asking = asyncio.ensure_future(client.get("/"))
                await sleep(0)
                asking.cancel()
                while not events:
                    await sleep(0)

        asyncio.run(asyncio.wait_for(main(), 10))
        assert events == ["closed"]
        assert log == []


class TestStreams:
    def test_its_parts_are_made_in_one_task_and_context(self) -> None:
        tasks = []

        async def handler(request: Request) -> AsyncIterator[str]:
            token = variable.set("mine")
            for part in "ab":
                await sleep(0)
                tasks.append(current_task())
                yield part
            variable.reset(token)

        app = App(middleware=[marking("x")])
        app.get("/")(handler)
        assert Client(app).get("/").text == "ab"
        assert tasks[0] is tasks[1]

    @pytest.mark.parametrize("wrapped", [False, True])
    def test_it_is_closed_where_the_client_leaves(self, wrapped: bool) -> None:
        seen = []

        async def handler(request: Request) -> AsyncIterator[str]:
            try:
                yield "begun"
                await sleep(60)
            finally:
                seen.append("closed")

        async def wrapping(request: Request, next: Next) -> Response:
            response = await next(request)
            body = response.body

            async def parts() -> AsyncIterator[Any]:
                async for part in body:
                    yield part

            response.body = parts()
            return response

        app = App(middleware=[wrapping] if wrapped else [marking("x")])
        app.get("/")(handler)

        async def main() -> None:
            async with await AsyncClient(app).stream("GET", "/") as response:
                assert await anext(response) == b"begun"
            await sleep(0)

        asyncio.run(main())
        assert seen == ["closed"]

    def test_an_empty_one(self) -> None:
        app = App(middleware=[marking("x")])
        app.get("/")(lambda request: iter(()))
        response = Client(app).get("/")
        assert (response.status, response.text, response.headers["x-marks"]) == (200, "", "x")

    def test_a_head(self) -> None:
        app = App(middleware=[marking("x")])
        app.get("/")(parts_that_raise(LookupError()))
        assert Client(app).head("/").status == 200
