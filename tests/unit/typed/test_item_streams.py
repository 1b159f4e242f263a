"""Streams of typed items, as JSON lines and as server-sent events."""

import json
from collections.abc import AsyncIterator, Generator, Iterable, Iterator
from typing import Any

import msgspec
import pydantic
import pytest
from tests.unit.conftest import Log

from ropewalk import App, Request, ServerSentEvent
from ropewalk.errors import InvalidField
from ropewalk.testing import AsyncClient, Client


class Room(msgspec.Struct):
    number: str


class Stored(Room):
    secret: str = "s"


class Model(pydantic.BaseModel):
    number: str


EVENTS = "text/event-stream"
ROOMS = [Stored("1"), Stored("2\u2028\n")]


async def async_rooms() -> AsyncIterator[Room]:
    for room in ROOMS:
        yield room


def plain_rooms() -> Iterator[Room]:
    yield from ROOMS


def a_list() -> Iterable[Room]:
    return ROOMS


async def models() -> AsyncIterator[Model]:
    for room in ROOMS:
        yield room  # type: ignore[misc] # it is converted


def dicts() -> Generator[dict[str, Any], None, None]:
    yield from ({"number": room.number} for room in ROOMS)


MAKERS = [async_rooms, plain_rooms, a_list, models, dicts]


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("around", [False, True], ids=["alone", "in middleware"])
class TestStreams:
    def app(self, around: bool) -> App:
        async def passing(request: Request, next: Any) -> Any:
            return await next(request)

        return App(middleware=[passing] if around else [])

    def test_json_lines(self, maker: Any, around: bool) -> None:
        app = self.app(around)
        app.get("/")(maker)
        response = Client(app).get("/")
        assert response.headers["content-type"] == "application/jsonl"
        assert [json.loads(line) for line in response.body.decode().removesuffix("\n").split("\n")] == [
            {"number": room.number} for room in ROOMS
        ]

    def test_events(self, maker: Any, around: bool) -> None:
        app = self.app(around)
        app.get("/", content_type=EVENTS)(maker)
        response = Client(app).get("/")
        assert response.headers["content-type"] == EVENTS
        events = response.body.decode().removesuffix("\n\n").split("\n\n")
        assert [json.loads(event.removeprefix("data: ")) for event in events] == [
            {"number": room.number} for room in ROOMS
        ]


def test_events_with_types_and_ids() -> None:
    app = App()

    @app.get("/", content_type=EVENTS)
    async def handler() -> AsyncIterator[ServerSentEvent]:
        yield ServerSentEvent(comment="hello\nthere", retry=500)
        yield ServerSentEvent(data=Room("1"), event="added", id="7")
        yield ServerSentEvent(data="two\r\nlines\u2028one")

    assert Client(app).get("/").body.decode() == (
        ": hello\n: there\nretry: 500\n\n"
        'event: added\nid: 7\ndata: {"number":"1"}\n\n'
        "data: two\ndata: lines\u2028one\n\n"
    )


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\0"])
def test_what_an_event_cannot_have(value: str) -> None:
    with pytest.raises(InvalidField, match="RW304 The event of an event"):
        ServerSentEvent(event=value)
    with pytest.raises(InvalidField, match="RW304 The id of an event"):
        ServerSentEvent(id=value)


def test_an_item_that_does_not_match(log: Log) -> None:
    app = App()

    @app.get("/")
    def handler() -> Iterator[Room]:
        yield {"name": "x"}  # type: ignore[misc] # that is the mistake

    assert Client(app, raise_errors=False).get("/").status == 500
    assert "RW215" in log.text


@pytest.mark.parametrize("is_async", [False, True])
def test_the_iterator_is_closed_when_the_client_leaves(is_async: bool, run: Any) -> None:
    closed = []
    app = App()

    def endless() -> Iterator[Room]:
        try:
            while True:
                yield Room("1" * 1000)
        finally:
            closed.append("plain")

    async def async_endless() -> AsyncIterator[Room]:
        try:
            while True:
                yield Room("1" * 1000)
        finally:
            closed.append("async")

    app.get("/")(async_endless if is_async else endless)

    async def main() -> None:
        async with AsyncClient(app) as client:
            response = await client.stream("GET", "/")
            await anext(response)
            response.close()

    run(main())
    assert closed == ["async" if is_async else "plain"]


def test_parts_of_bytes_are_sent_as_they_are() -> None:
    app = App()

    @app.get("/", content_type="text/csv")
    def handler() -> Iterator[str]:
        yield "a,b\n"

    assert Client(app).get("/").text == "a,b\n"
