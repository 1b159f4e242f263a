"""Start and stop of a grafted app."""

import re
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

import pytest
from tests.unit.conftest import Log
from tests.unit.dropin.graft.program import Program, app_of
from tests.versions import IS_24_7
from twisted.internet.defer import Deferred

from ropewalk import App, Depends, Request
from ropewalk.resource import Hosted


class TestLifecycle:
    def test_the_app_starts_at_its_first_request_and_stops_after_the_last(self, program: Program) -> None:
        events: list[str] = []
        app = App()
        starting: Deferred[None] = Deferred()
        response: Deferred[str] = Deferred()

        @app.on_start
        async def start() -> None:
            events.append("starting")
            await starting

        app.on_stop(lambda: events.append("stopped"))

        @app.get("/")
        async def wait(request: Request) -> str:
            events.append("asked")
            return await response

        program.graft(app)
        clients = [program.connect() for _ in range(2)]
        for client in clients:
            client.get("/api/")
        program.world.until(lambda: events)
        program.world.turn()
        assert events == ["starting"]
        starting.callback(None)
        program.world.until(lambda: events == ["starting", "asked", "asked"])
        program.shut_down()
        assert len(events) == 3
        response.callback("hello")
        for client in clients:
            assert client.rest().endswith(b"hello")
        program.world.until(lambda: events[3:] == ["stopped"])

    def test_dependencies_are_closed_after_the_response_and_at_the_stop(self, program: Program) -> None:
        events: list[str] = []
        closing: Deferred[None] = Deferred()
        app = App()

        def pool() -> Iterator[str]:
            yield "pool"
            events.append("pool closed")

        async def session(pool: Annotated[str, Depends(pool, scope="app")]) -> AsyncIterator[str]:
            yield f"{pool}, session"
            events.append("closing")
            await closing
            events.append("closed")

        @app.get("/")
        def handler(session: Annotated[str, Depends(session)]) -> str:
            events.append("called")
            return session

        program.graft(app)
        assert program.get("/api/").text == "pool, session"
        program.world.until(lambda: "closing" in events)
        program.shut_down()
        program.world.turn()
        assert events == ["called", "closing"]
        closing.callback(None)
        program.world.until(lambda: events == ["called", "closing", "closed", "pool closed"])

    def test_work_after_responses_has_the_rest_of_the_drain_timeout(self, socket_program: Program) -> None:
        class Working(Hosted):
            seconds_left: Any = None

            def render(self, request: Request) -> str:
                return "hello"

            async def finish_calls(self, seconds: float | None) -> None:
                self.seconds_left = seconds

        work = Working()
        app = App()
        app.mount("/", work)
        socket_program.graft(app)
        assert socket_program.ask("GET", "/api/").text == "hello"
        socket_program.shut_down()
        socket_program.world.until(lambda: work.seconds_left is not None)
        assert 0 < work.seconds_left <= 30

    def test_an_app_without_requests_is_not_started(self, socket_program: Program) -> None:
        app = App()
        app.on_stop(lambda: pytest.fail("stopped"))
        socket_program.graft(app)
        assert socket_program.get("/elsewhere").status == 404
        socket_program.shut_down()

    def test_a_start_that_fails(self, socket_program: Program, log: Log) -> None:
        app = app_of(lambda request: "never")
        app.on_start(lambda: 1 / 0)
        app.on_stop(lambda: pytest.fail("stopped"))
        socket_program.graft(app)
        for _ in range(2):
            assert socket_program.get("/api/").status == 500
        who = "A start hook" if IS_24_7 else r"\S+ at \S+"
        assert len(re.findall(rf"RW403 The app does not start, because {who} failed\.", log.text)) == 1
        assert log.text.count(" raised ZeroDivisionError") == 2
        socket_program.shut_down()

    def test_a_shutdown_during_the_start(self, socket_program: Program, log: Log) -> None:
        app = app_of(lambda request: "never")
        app.on_start(Deferred)
        socket_program.graft(app)
        client = socket_program.connect()
        client.get("/api/", "Connection: close")
        socket_program.world.until(lambda: socket_program.world.reactor._eventTriggers["shutdown"].before)
        socket_program.world.turn()
        socket_program.shut_down()
        assert client.rest().startswith(b"HTTP/1.1 500 ")
        assert "RW403" in log.text
