"""Start and stop of a grafted app."""

from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.dropin.graft.program import Program, app_of
from twisted.internet.defer import Deferred

from ropewalk import App, Request
from ropewalk.resource import Hosted


class TestLife:
    def test_it_starts_with_its_first_request_and_stops_with_the_last(self, program: Program) -> None:
        told: list[str] = []
        app = App()
        starting: Deferred[None] = Deferred()
        answer: Deferred[str] = Deferred()

        @app.on_start
        async def start() -> None:
            told.append("starting")
            await starting

        app.on_stop(lambda: told.append("stopped"))

        @app.get("/")
        async def wait(request: Request) -> str:
            told.append("asked")
            return await answer

        program.graft(app)
        clients = [program.connect() for _ in range(2)]
        for client in clients:
            client.get("/api/")
        program.world.until(lambda: told)
        program.world.turn()
        assert told == ["starting"]
        starting.callback(None)
        program.world.until(lambda: told == ["starting", "asked", "asked"])
        program.shut_down()
        assert len(told) == 3
        answer.callback("hello")
        for client in clients:
            assert client.rest().endswith(b"hello")
        program.world.until(lambda: told[3:] == ["stopped"])

    def test_work_after_responses_has_the_time_that_the_drain_leaves(self, one: Program) -> None:
        class Working(Hosted):
            given: Any = None

            def render(self, request: Request) -> str:
                return "hello"

            async def finish_calls(self, seconds: float | None) -> None:
                self.given = seconds

        work = Working()
        app = App()
        app.mount("/", work)
        one.graft(app)
        assert one.ask("GET", "/api/").text == "hello"
        one.shut_down()
        one.world.until(lambda: work.given is not None)
        assert 0 < work.given <= 30

    def test_it_never_starts(self, one: Program) -> None:
        app = App()
        app.on_stop(lambda: pytest.fail("stopped"))
        one.graft(app)
        assert one.get("/elsewhere").status == 404
        one.shut_down()

    def test_a_start_that_fails(self, one: Program, log: Log) -> None:
        app = app_of(lambda request: "never")
        app.on_start(lambda: 1 / 0)
        app.on_stop(lambda: pytest.fail("stopped"))
        one.graft(app)
        for _ in range(2):
            assert one.get("/api/").status == 500
        assert log.text.count("RW403 A start hook of the app failed.") == 1
        assert log.text.count("A start hook failed: ZeroDivisionError") == 2
        one.shut_down()

    def test_a_start_that_is_cut_short(self, one: Program, log: Log) -> None:
        app = app_of(lambda request: "never")
        app.on_start(Deferred)
        one.graft(app)
        client = one.connect()
        client.get("/api/", "Connection: close")
        one.world.until(lambda: one.world.reactor._eventTriggers["shutdown"].before)
        one.world.turn()
        one.shut_down()
        assert client.rest().startswith(b"HTTP/1.1 500 ")
        assert "RW403" in log.text
