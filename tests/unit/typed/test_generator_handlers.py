"""Each kind of handler that streams, with each annotation of its items: GET, HEAD, and a client that leaves."""

import asyncio
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Generator,
    Iterable,
    Iterator,
)
from typing import Annotated, Any

import msgspec
import pydantic
import pytest
from twisted.internet.defer import Deferred, succeed

from ropewalk import App, Depends, Request, Response, ServerSentEvent
from ropewalk.testing import AsyncClient, Client


class Room(msgspec.Struct):
    number: str


class Stored(Room):
    secret: str = "s"


class Other(msgspec.Struct):
    name: str


class Model(pydantic.BaseModel):
    number: str


Handler = Callable[..., Any]
Make = Callable[[Any, Any, list[str]], Handler]
"""Makes a handler from the type of its items, an item, and a list in which it notes that its generator was closed."""


def repeat(item: Any, closed: list[str]) -> Iterator[Any]:
    """Two items, or as many as the client takes if `closed` begins with "endless"."""
    try:
        yield item
        yield item
        while closed and closed[0] == "endless":
            yield item
    finally:
        closed.append("closed")


async def repeat_async(item: Any, closed: list[str]) -> AsyncIterator[Any]:
    try:
        yield item
        await asyncio.sleep(0)
        yield item
        while closed and closed[0] == "endless":
            yield item
    finally:
        closed.append("closed")


def annotated(handler: Handler, kind: Any) -> Handler:
    handler.__annotations__["return"] = kind
    return handler


def generator(kind: Any, item: Any, closed: list[str]) -> Handler:
    def handler() -> Any:
        yield from repeat(item, closed)

    return annotated(handler, Iterator[kind])


def whole_generator(kind: Any, item: Any, closed: list[str]) -> Handler:
    def handler(request: Request) -> Any:
        yield from repeat(item, closed)

    return annotated(handler, Generator[kind, None, None])


def async_generator(kind: Any, item: Any, closed: list[str]) -> Handler:
    async def handler() -> Any:
        parts = repeat_async(item, closed)
        try:
            async for each in parts:
                yield each
        finally:
            await parts.aclose()  # type: ignore[attr-defined] # it is a generator

    return annotated(handler, AsyncIterator[kind])


def whole_async_generator(kind: Any, item: Any, closed: list[str]) -> Handler:
    async def handler(request: Request, limit: int = 1) -> Any:
        try:
            yield item
            yield item
            while closed and closed[0] == "endless":
                yield item
        finally:
            closed.append("closed")

    return annotated(handler, AsyncGenerator[kind, None])


def returning(kind: Any, item: Any, closed: list[str]) -> Handler:
    def handler() -> Any:
        return repeat(item, closed)

    return annotated(handler, Iterable[kind])


def returning_async(kind: Any, item: Any, closed: list[str]) -> Handler:
    def handler() -> Any:
        return repeat_async(item, closed)

    return annotated(handler, AsyncIterable[kind])


def deferred(kind: Any, item: Any, closed: list[str]) -> Handler:
    def handler() -> Any:
        return succeed(repeat(item, closed))

    return annotated(handler, Deferred[Iterator[kind]])


def coroutine(kind: Any, item: Any, closed: list[str]) -> Handler:
    async def handler() -> Any:
        await asyncio.sleep(0)
        return repeat(item, closed)

    return annotated(handler, Iterator[kind])


def coroutine_of_async(kind: Any, item: Any, closed: list[str]) -> Handler:
    async def handler() -> Any:
        return repeat_async(item, closed)

    return annotated(handler, AsyncIterator[kind])


def awaitable(kind: Any, item: Any, closed: list[str]) -> Handler:
    async def later() -> Any:
        return repeat_async(item, closed)

    def handler() -> Any:
        return later()

    return annotated(handler, Awaitable[AsyncIterator[kind]])


def awaitable_coroutine(kind: Any, item: Any, closed: list[str]) -> Handler:
    async def later() -> Any:
        return repeat(item, closed)

    def handler() -> Any:
        return later()

    return annotated(handler, Coroutine[Any, Any, Iterator[kind]])


def in_a_response(kind: Any, item: Any, closed: list[str]) -> Handler:
    def handler() -> Any:
        return Response(repeat(item, closed))

    return annotated(handler, Response[Iterator[kind]])


def in_a_union(kind: Any, item: Any, closed: list[str]) -> Handler:
    async def handler() -> Any:
        return repeat_async(item, closed)

    return annotated(handler, AsyncIterator[kind] | None)


def with_dependency(kind: Any, item: Any, closed: list[str]) -> Handler:
    def opened() -> Iterator[int]:
        yield 1

    def handler(one: Annotated[int, Depends(opened)]) -> Any:
        yield from repeat(item, closed)

    return annotated(handler, Iterator[kind])


MAKERS: list[Make] = [
    generator,
    whole_generator,
    async_generator,
    whole_async_generator,
    returning,
    returning_async,
    deferred,
    coroutine,
    coroutine_of_async,
    awaitable,
    awaitable_coroutine,
    in_a_response,
    in_a_union,
    with_dependency,
]

SHOWN = b'{"number":"1"}\n'
LINES = "application/jsonl"

ITEMS: list[tuple[Any, Any, bytes, str]] = [
    (Room, Stored("1"), SHOWN, LINES),
    (Room | Other, Stored("1"), SHOWN, LINES),
    (Model, Stored("1"), SHOWN, LINES),
    (Room | Model, Stored("1"), SHOWN, LINES),
    (list[Room], [Stored("1")], b'[{"number":"1"}]\n', LINES),
    (dict[str, int], {"a": 1}, b'{"a":1}\n', LINES),
    (int, 1, b"1\n", LINES),
    (bytes, b"x", b"x", "application/octet-stream"),
    (str, "x", b"x", "text/plain; charset=utf-8"),
    (Any, "x", b"x", "text/plain; charset=utf-8"),
]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(("kind", "item", "sent", "media_type"), ITEMS)
@pytest.mark.parametrize("around", [False, True], ids=["alone", "in middleware"])
def test_get_and_head(make: Make, kind: Any, item: Any, sent: bytes, media_type: str, around: bool) -> None:
    async def passing(request: Request, next: Any) -> Any:
        return await next(request)

    app = App(middleware=[passing] if around else [])
    closed: list[str] = []
    app.get("/")(make(kind, item, closed))
    with Client(app) as client:
        response = client.get("/")
        assert (response.status, response.body) == (200, sent * 2)
        assert response.headers["content-type"] == media_type
        assert closed == ["closed"]
        head = client.head("/")
        assert (head.status, head.body) == (200, b"")
        if media_type == LINES:
            assert head.headers["content-type"] == media_type


@pytest.mark.parametrize("make", MAKERS)
def test_events(make: Make) -> None:
    app = App()
    event = ServerSentEvent(data=Room("1"), id="7")
    app.get("/", content_type="text/event-stream")(make(ServerSentEvent, event, []))
    response = Client(app).get("/")
    assert response.headers["content-type"] == "text/event-stream"
    assert response.body == b'id: 7\ndata: {"number":"1"}\n\n' * 2


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(("kind", "item"), [(Room, Stored("1" * 1000)), (bytes, b"x" * 1000)])
def test_a_client_that_leaves(make: Make, kind: Any, item: Any, run: Any) -> None:
    closed = ["endless"]
    app = App()
    app.get("/")(make(kind, item, closed))

    async def main() -> None:
        async with AsyncClient(app) as client:
            response = await client.stream("GET", "/")
            await anext(response)
            response.close()

    run(main())
    assert closed == ["endless", "closed"]


class Rooms:
    """An async iterator that is not a generator, so that nothing but its `aclose` closes it."""

    def __init__(self, closed: list[str]) -> None:
        self.closed = closed

    def __aiter__(self) -> AsyncIterator[Room]:
        return self

    async def __anext__(self) -> Room:
        return Stored("1" * 1000)

    async def aclose(self) -> None:
        self.closed.append("closed")


def test_an_iterator_of_a_class_is_closed(run: Any) -> None:
    closed: list[str] = []
    app = App()

    @app.get("/")
    def handler() -> AsyncIterator[Room]:
        return Rooms(closed)

    async def main() -> None:
        async with AsyncClient(app) as client:
            response = await client.stream("GET", "/")
            await anext(response)
            response.close()

    run(main())
    assert closed == ["closed"]
