"""Streamed responses: parts, lines, JSON lines and events, with both clients; and clients that leave early."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from tests.unit.conftest import Log
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from ropewalk import App, Request, Response, ServerSentEvent
from ropewalk.testing import AsyncClient, Client, ClientTimeout, ProtocolError, StatusError
from ropewalk.testing.event_parser import EventParser, LineParser

EVENTS = "text/event-stream"


def make() -> tuple[App, list[str]]:
    app, ended = App(), []

    @app.get("/parts")
    async def parts(request: Request) -> AsyncIterator[str]:
        yield "one\n"
        await asyncio.sleep(0)
        yield "tw"
        yield "o"

    @app.get("/numbers")
    async def numbers() -> AsyncIterator[int | None]:
        yield 1
        yield None
        yield 3

    @app.get("/events", content_type=EVENTS)
    async def events() -> AsyncIterator[ServerSentEvent]:
        yield ServerSentEvent(comment="hello")
        yield ServerSentEvent(data={"id": 1}, event="made", id="7", retry=100)
        yield ServerSentEvent(data="two\nlines")

    @app.get("/endless", content_type=EVENTS)
    async def endless(request: Request) -> AsyncIterator[str]:
        try:
            number = 0
            while True:
                yield f"data: {number}\n\n"
                number += 1
                await asyncio.sleep(0)
        finally:
            await asyncio.sleep(0)
            ended.append("endless")

    @app.get("/twisted", content_type=EVENTS)
    def twisted(request: Request) -> AsyncIterator[str]:
        return of_twisted()

    async def of_twisted() -> AsyncIterator[str]:
        from twisted.internet import reactor

        try:
            while True:
                yield "data: again\n\n"
                await deferLater(reactor, 0)
        finally:
            ended.append("twisted")

    @app.get("/waits")
    async def waits(request: Request) -> AsyncIterator[str]:
        try:
            yield "first"
            await Deferred()
        finally:
            ended.append("waits")

    @app.get("/fails")
    async def fails(request: Request) -> AsyncIterator[str]:
        yield "first"
        await asyncio.sleep(0)
        raise ZeroDivisionError

    @app.get("/plain")
    def plain(request: Request) -> Iterator[str]:
        try:
            for number in range(1_000_000):
                yield f"{number}\n"
        finally:
            ended.append("plain")

    @app.get("/missing")
    def missing(request: Request) -> Response:
        return Response("not here", 404)

    return app, ended


class TestOfAClient:
    def test_parts(self) -> None:
        app, _ = make()
        with Client(app).stream("GET", "/parts") as response:
            assert (response.status, response.url) == (200, "http://localhost/parts")
            assert b"".join(response) == b"one\ntwo"
        assert Client(app).stream("GET", "/parts").whole().text == "one\ntwo"

    def test_lines(self) -> None:
        app, _ = make()
        with Client(app).stream("GET", "/parts") as response:
            assert list(response.lines()) == ["one", "two"]

    def test_json_lines(self) -> None:
        app, _ = make()
        with Client(app).stream("GET", "/numbers", headers={"accept": "application/jsonl"}) as response:
            assert list(response.json_lines()) == [1, None, 3]

    def test_events(self) -> None:
        app, _ = make()
        sent = [
            ServerSentEvent(data='{"id":1}', event="made", id="7", retry=100),
            ServerSentEvent(data="two\nlines"),
        ]
        with Client(app).stream("GET", "/events", headers={"accept": EVENTS}) as response:
            assert list(response.events()) == sent
        assert Client(app).get("/events", headers={"accept": EVENTS}).events() == sent

    @pytest.mark.parametrize("path", ["/endless", "/twisted"])
    def test_a_client_that_leaves(self, path: str) -> None:
        """When the client leaves the `with` block early, the handler is ended before the block returns."""
        app, ended = make()
        client = Client(app)
        with client.stream("GET", path) as response:
            assert next(response.events()).data in ("0", "again")
            assert ended == []
        assert ended == [path[1:]]

    @pytest.mark.parametrize("path", ["/waits", "/plain"])
    def test_a_client_that_leaves_a_body(self, path: str) -> None:
        app, ended = make()
        with Client(app).stream("GET", path) as response:
            assert next(response)
        assert ended == [path[1:]]

    def test_a_block_that_raises(self) -> None:
        app, ended = make()
        with pytest.raises(KeyError), Client(app).stream("GET", "/endless"):
            raise KeyError
        assert ended == ["endless"]

    def test_an_exception_of_the_handler(self, log: Log) -> None:
        app, _ = make()
        with Client(app).stream("GET", "/fails") as response, pytest.raises(ZeroDivisionError):
            list(response)

    def test_a_timeout_counts_for_each_part(self) -> None:
        app, ended = make()
        with Client(app).stream("GET", "/waits", timeout=0.01) as response:
            assert next(response) == b"first"
            with pytest.raises(ClientTimeout, match=r"GET /waits: .*waits at tests/unit/testing/test_streams\.py"):
                next(response)
        assert ended == ["waits"]

    def test_other_requests_meanwhile(self) -> None:
        app, _ = make()
        client = Client(app)
        with client.stream("GET", "/endless") as response:
            events = response.events()
            assert [next(events).data for _ in range(3)] == ["0", "1", "2"]
            assert client.get("/parts").text == "one\ntwo"
            assert next(events).data == "3"

    def test_inside_with(self) -> None:
        app, ended = make()
        with Client(app) as client:
            response = client.stream("GET", "/endless")
            assert next(response)
        assert ended == ["endless"]
        response.close()


class TestOfAnAsyncClient:
    @pytest.mark.parametrize("path", ["/endless", "/twisted"])
    def test_a_client_that_leaves(self, path: str) -> None:
        app, ended = make()

        async def main() -> None:
            client = AsyncClient(app)
            async with await client.stream("GET", path) as response:
                async for event in response.events():
                    assert event.data in ("0", "again")
                    break
                assert ended == []
            assert ended == [path[1:]]

        asyncio.run(main())

    def test_lines_and_json(self) -> None:
        app, _ = make()

        async def main() -> None:
            async with AsyncClient(app) as client:
                async with await client.stream("GET", "/parts") as response:
                    assert [line async for line in response.lines()] == ["one", "two"]
                async with await client.stream("GET", "/numbers") as response:
                    assert [value async for value in response.json_lines()] == [1, None, 3]

        asyncio.run(main())

    def test_uploads_by_an_async_iterator(self) -> None:
        app = App()

        @app.post("/")
        async def handler(request: Request) -> str:
            return "".join([part.decode() async for part in request.stream()])

        async def parts() -> AsyncIterator[bytes | str]:
            for part in (b"one ", "two ", b"three"):
                await asyncio.sleep(0)
                yield part

        async def main() -> str:
            return (await AsyncClient(app).post("/", body=parts())).text

        assert asyncio.run(main()) == "one two three"
        assert Client(app).post("/", body=parts()).text == "one two three"


class TestMistakes:
    def test_no_stream_of_events(self) -> None:
        app, _ = make()
        with (
            Client(app).stream("GET", "/parts") as response,
            pytest.raises(ProtocolError, match="not 200 and 'text/plain'"),
        ):
            next(response.events())
        with pytest.raises(ProtocolError, match="not 404 and 'text/plain'"):
            Client(app).get("/missing").events()

    def test_a_status(self) -> None:
        app, _ = make()
        with Client(app).stream("GET", "/missing") as response, pytest.raises(StatusError, match="RW227"):
            response.raise_for_status()
        with Client(app).stream("GET", "/parts") as response:
            assert response.raise_for_status() is response


Feed = Callable[..., Iterator[Any]]


def cut_everywhere(data: bytes, make: Callable[[], Any]) -> Any:
    """Check that a parser finds the same values wherever the bytes are cut, and return them."""
    whole = list(make().feed(data, last=True))
    for cut in range(len(data) + 1):
        parser = make()
        found = [*parser.feed(data[:cut]), *parser.feed(data[cut:]), *parser.feed(b"", last=True)]
        assert found == whole, cut
    parser = make()
    single = [item for index in range(len(data)) for item in parser.feed(data[index : index + 1])]
    assert [*single, *parser.feed(b"", last=True)] == whole
    return whole


class TestLineParser:
    @pytest.mark.parametrize(
        ("data", "lines"),
        [
            (b"", []),
            (b"a", ["a"]),
            (b"a\n", ["a"]),
            (b"a\r\nb\n\nc", ["a", "b", "", "c"]),
            (b"a\rb\r\n\r\n", ["a\rb", ""]),
            ("é\n€\n𝄞".encode(), ["é", "€", "𝄞"]),
        ],
    )
    def test_lines(self, data: bytes, lines: list[str]) -> None:
        assert cut_everywhere(data, LineParser) == lines

    @pytest.mark.parametrize(
        ("data", "lines"),
        [(b"a\rb\n\rc\r\n", ["a", "b", "", "c"]), (b"\r\r\n\n", ["", "", ""]), (b"a\r", ["a"])],
    )
    def test_lone_cr(self, data: bytes, lines: list[str]) -> None:
        assert cut_everywhere(data, lambda: LineParser(lone_cr=True)) == lines

    @pytest.mark.parametrize("data", [b"\xff", "é".encode()[:1]])
    def test_another_charset(self, data: bytes) -> None:
        with pytest.raises(ProtocolError, match="not UTF-8"):
            list(LineParser().feed(data, last=True))

    def test_a_long_line_in_many_parts(self) -> None:
        parser = LineParser()
        for _ in range(20_000):
            assert list(parser.feed(b"x" * 50)) == []
        assert [len(line) for line in parser.feed(b"\n")] == [1_000_000]


class TestEventParser:
    @pytest.mark.parametrize(
        ("data", "events"),
        [
            (b"data: a\n\n", [ServerSentEvent(data="a")]),
            (b"\xef\xbb\xbfdata:a\r\rdata:  b\r\n\r\n", [ServerSentEvent(data="a"), ServerSentEvent(data=" b")]),
            (b"data\n\ndata: a\ndata\ndata: b\n\n", [ServerSentEvent(data=""), ServerSentEvent(data="a\n\nb")]),
            (b": note\n\nevent: x\n\ndata: a\n\n", [ServerSentEvent(data="a")]),
            (
                b"data: a\nid: 1\n\nid: a\0b\ndata: b\n\n",
                [ServerSentEvent(data="a", id="1"), ServerSentEvent(data="b")],
            ),
            (
                b"retry: 5\ndata: a\n\nretry: 5s\ndata: b\n\n",
                [ServerSentEvent(data="a", retry=5), ServerSentEvent(data="b")],
            ),
            (b"other: 1\nno colon\ndata: a\n\n", [ServerSentEvent(data="a")]),
            (b"data: a\n\ndata: not complete\n", [ServerSentEvent(data="a")]),
        ],
    )
    def test_events(self, data: bytes, events: list[ServerSentEvent]) -> None:
        assert cut_everywhere(data, EventParser) == events
