"""Producers of response bodies in mounted resources."""

from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.dropin.mounts import mount
from twisted.web.server import NOT_DONE_YET

from ropewalk.testing import AsyncClient, Client
from ropewalk.waiting import call_soon


class PushProducer:
    """A push producer of equal parts."""

    def __init__(self, request: Any, parts: int) -> None:
        self.request = request
        self.running = True
        self.left = parts

    def start(self) -> None:
        self.request.registerProducer(self, True)
        self.push()

    def push(self) -> None:
        while self.running and self.left:
            self.request.write(bytes(10_000))
            self.left -= 1
        if not self.left:
            self.running = False
            self.left = -1
            self.request.unregisterProducer()
            self.request.finish()

    def pauseProducing(self) -> None:
        self.running = False

    def resumeProducing(self) -> None:
        self.running = True
        call_soon(self.push)

    def stopProducing(self) -> None:
        self.running = False


class PullProducer:
    """A pull producer of equal parts."""

    def __init__(self, request: Any, parts: int) -> None:
        self.request = request
        self.left = parts

    def start(self) -> None:
        self.request.registerProducer(self, False)

    def resumeProducing(self) -> None:
        self.request.write(bytes(10_000))
        self.left -= 1
        if not self.left:
            self.request.unregisterProducer()
            self.request.finish()

    def stopProducing(self) -> None:
        self.left = -1


class TestProducers:
    @pytest.mark.parametrize("kind", [PushProducer, PullProducer])
    def test_the_whole_body_arrives(self, fetch: Any, kind: Any) -> None:
        def render(request: Any) -> int:
            kind(request, 100).start()
            return NOT_DONE_YET

        assert fetch(render).body == bytes(1_000_000)

    def test_a_short_body_is_sent_as_a_whole(self, fetch: Any) -> None:
        def render(request: Any) -> int:
            PullProducer(request, 3).start()
            return NOT_DONE_YET

        response = fetch(render)
        assert (response.headers["content-length"], response.body) == ("30000", bytes(30_000))

    def test_a_producer_that_is_registered_late(self, fetch: Any) -> None:
        def render(request: Any) -> int:
            call_soon(PullProducer(request, 100).start)
            return NOT_DONE_YET

        assert fetch(render).body == bytes(1_000_000)

    @pytest.mark.parametrize("kind", [PushProducer, PullProducer])
    def test_a_client_that_does_not_read(self, serve: Any, kind: Any) -> None:
        producers: list[Any] = []

        def render(request: Any) -> int:
            request.setHeader(b"Connection", b"close")
            producers.append(kind(request, 300))
            producers[0].start()
            return NOT_DONE_YET

        server = serve(mount(render))
        client = server.connect()
        client.get("/legacy")
        server.until(lambda: producers)
        server.world.turn(500)
        left = producers[0].left
        server.world.turn(500)
        assert 0 < left == producers[0].left
        assert client.rest().count(b"\0") == 3_000_000

    def test_two_producers(self, log: Log) -> None:
        def render(request: Any) -> int:
            request.channel.registerProducer(PushProducer(request, 1), True)
            request.channel.registerProducer(PushProducer(request, 1), True)
            return NOT_DONE_YET

        assert Client(mount(render), raise_errors=False).get("/legacy").status == 500
        assert "RuntimeError" in log.text

    def test_a_producer_that_fails(self, log: Log, run: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        class Failing(PullProducer):
            def resumeProducing(self) -> None:
                raise ZeroDivisionError

        def render(request: Any) -> int:
            Failing(request, 1).start()
            return NOT_DONE_YET

        async def ask() -> None:
            with pytest.raises(Exception, match="closed"):
                await AsyncClient(mount(render)).get("/legacy")

        run(ask())
        assert log[0]["log_failure"].type is ZeroDivisionError
