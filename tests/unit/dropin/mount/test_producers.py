"""Producers of response bodies in mounted resources."""

from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.dropin.mounts import mount
from twisted.web.server import NOT_DONE_YET

from ropewalk.testing import AsyncClient, Client
from ropewalk.waiting import call_soon


class Pushing:
    """Writes parts as it is told to."""

    def __init__(self, request: Any, parts: int) -> None:
        self.request = request
        self.going = True
        self.left = parts

    def start(self) -> None:
        self.request.registerProducer(self, True)
        self.push()

    def push(self) -> None:
        while self.going and self.left:
            self.request.write(bytes(10_000))
            self.left -= 1
        if not self.left:
            self.going = False
            self.left = -1
            self.request.unregisterProducer()
            self.request.finish()

    def pauseProducing(self) -> None:
        self.going = False

    def resumeProducing(self) -> None:
        self.going = True
        call_soon(self.push)

    def stopProducing(self) -> None:
        self.going = False


class Pulled:
    """Writes a part whenever it is asked."""

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
    @pytest.mark.parametrize("kind", [Pushing, Pulled])
    def test_all_of_it_comes(self, answer: Any, kind: Any) -> None:
        def render(request: Any) -> int:
            kind(request, 100).start()
            return NOT_DONE_YET

        assert answer(render).body == bytes(1_000_000)

    def test_few_parts_are_a_whole_answer(self, answer: Any) -> None:
        def render(request: Any) -> int:
            Pulled(request, 3).start()
            return NOT_DONE_YET

        response = answer(render)
        assert (response.headers["content-length"], response.body) == ("30000", bytes(30_000))

    def test_one_that_is_registered_late(self, answer: Any) -> None:
        def render(request: Any) -> int:
            call_soon(Pulled(request, 100).start)
            return NOT_DONE_YET

        assert answer(render).body == bytes(1_000_000)

    @pytest.mark.parametrize("kind", [Pushing, Pulled])
    def test_a_client_that_takes_nothing(self, serve: Any, kind: Any) -> None:
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

    def test_two_at_once(self, log: Log) -> None:
        def render(request: Any) -> int:
            request.channel.registerProducer(Pushing(request, 1), True)
            request.channel.registerProducer(Pushing(request, 1), True)
            return NOT_DONE_YET

        assert Client(mount(render)).get("/legacy").status == 500
        assert "RuntimeError" in log.text

    def test_one_that_fails(self, log: Log, run: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        class Failing(Pulled):
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
