"""Producers that write the body of a response."""

import asyncio
from io import BytesIO
from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.turns import run_turns
from twisted.protocols.basic import FileSender

from ropewalk import NOT_DONE_YET, App, Limits, Request, Resource
from ropewalk.testing import AsyncClient, Client


class Producer:
    """A producer that writes when it is resumed, and records its calls."""

    def __init__(self, request: Request, parts: int = 0) -> None:
        self.request = request
        self.parts = parts
        self.calls: list[str] = []

    def resumeProducing(self) -> None:
        self.calls.append("resume")
        self.produce()

    def produce(self) -> None:
        while self.parts and "pause" not in self.calls[-1:]:
            self.parts -= 1
            self.request.write(bytes(10_000))
        if not self.parts:
            self.request.unregisterProducer()
            self.request.finish()

    def pauseProducing(self) -> None:
        self.calls.append("pause")

    def stopProducing(self) -> None:
        self.calls.append("stop")


class Responding(Resource):
    """A resource that responds by a function of the request."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def render_GET(self, request: Request) -> int:
        self.function(request)
        return NOT_DONE_YET


class TestPull:
    @pytest.mark.parametrize("size", [0, 10, 3_000_000])
    def test_a_file_sender(self, size: int) -> None:
        def send(request: Request) -> None:
            FileSender().beginFileTransfer(BytesIO(bytes(size)), request).addCallback(lambda _: request.finish())

        assert len(Client(Responding(send)).get("/").body) == size

    def test_one_that_raises_ends_the_response(self, log: Log) -> None:
        class Faulty:
            def resumeProducing(self) -> None:
                raise KeyError("lost")

            def stopProducing(self) -> None:
                raise AssertionError("it has stopped by itself")

        responding = Responding(lambda request: request.registerProducer(Faulty(), False))
        assert Client(responding, raise_errors=False).get("/").status == 500
        assert "RW208" in log.text
        assert "KeyError('lost')" in log.text

    @pytest.mark.parametrize("turn_events", [1, 1024])
    def test_a_client_that_does_not_read_is_not_written_to(self, turn_events: int) -> None:
        asked = 0

        class Endless:
            def __init__(self, request: Request) -> None:
                self.request = request

            def resumeProducing(self) -> None:
                nonlocal asked
                asked += 1
                self.request.write(bytes(10_000))

            def stopProducing(self) -> None:
                nonlocal asked
                asked = -1

        async def main() -> None:
            endless = Responding(lambda request: request.registerProducer(Endless(request), False))
            app = App(limits=Limits(turn_events=turn_events))
            app.mount("/", endless)
            response = await AsyncClient(app).stream("GET", "/")
            response.pause()
            await run_turns()
            held = asked
            await run_turns()
            assert asked == held
            response.resume()
            for _ in range(held + 10):
                await anext(response)
            assert asked > held
            response.close()
            assert asked == -1

        asyncio.run(main())


class TestPush:
    def test_paused_and_resumed(self) -> None:
        producers: list[Producer] = []

        def register(request: Request) -> None:
            producer = Producer(request, parts=300)
            producers.append(producer)
            request.registerProducer(producer, True)
            producer.produce()

        assert len(Client(Responding(register)).get("/").body) == 3_000_000
        calls = producers[0].calls
        assert set(calls) == {"pause", "resume"}
        assert calls == ["pause", "resume"] * (len(calls) // 2)

    def test_stopped_where_the_client_leaves(self) -> None:
        producers: list[Producer] = []

        def register(request: Request) -> None:
            producers.append(Producer(request))
            request.registerProducer(producers[0], True)
            request.write("begun")

        async def main() -> None:
            response = await AsyncClient(Responding(register)).stream("GET", "/")
            response.close()

        asyncio.run(main())
        assert producers[0].calls == ["stop"]

    def test_one_at_a_time(self) -> None:
        def register(request: Request) -> None:
            producer = Producer(request)
            request.registerProducer(producer, True)
            with pytest.raises(RuntimeError, match="already has a producer"):
                request.registerProducer(producer, True)
            request.unregisterProducer()
            request.registerProducer(producer, True)
            request.finish()

        assert Client(Responding(register)).get("/").status == 200
