"""Functions that run after the response: `request.after`."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from typing import Annotated, Any

import pytest
from tests.unit.calling.work import Next, Work, app, work
from tests.unit.conftest import Log
from tests.unit.turns import run_turns, until
from twisted.internet.defer import succeed

from ropewalk import (
    NOT_DONE_YET,
    After,
    App,
    Depends,
    HTTPError,
    Request,
    Resource,
    Response,
)
from ropewalk.errors import HandlerError
from ropewalk.middleware import request_id
from ropewalk.testing import AsyncClient, Client
from ropewalk.waiting import call_soon

__all__ = ["app", "work"]  # fixtures


class TestKinds:
    def test_in_the_order_in_which_they_were_added(self, app: App, work: Work) -> None:
        @app.post("/")
        def book(request: Request) -> str:
            request.after(work.note_later, "coroutine")
            request.after(work.deferred, "Deferred")
            request.after(work.note, event="plain")
            work.note("handler")
            return "booked"

        assert Client(app).post("/").text == "booked"
        assert work.events == ["handler", "coroutine", "Deferred", "plain"]

    @pytest.mark.parametrize("kind", ["plain", "coroutine", "Deferred", "stream", "async stream"])
    def test_every_kind_of_handler(self, app: App, work: Work, kind: str) -> None:
        def plain(request: Request) -> Any:
            request.after(work.note, "after")
            return "done"

        async def coroutine(request: Request) -> Any:
            await asyncio.sleep(0)
            return plain(request)

        def deferred(request: Request) -> Any:
            return succeed(request).addCallback(plain)

        def stream(request: Request) -> Iterator[str]:
            yield "do"
            request.after(work.note, "after")
            yield "ne"

        async def async_stream(request: Request) -> AsyncIterator[str]:
            yield "do"
            request.after(work.note, "after")
            await asyncio.sleep(0)
            yield "ne"

        handlers: dict[str, Callable[..., Any]] = {
            "plain": plain,
            "coroutine": coroutine,
            "Deferred": deferred,
            "stream": stream,
            "async stream": async_stream,
        }
        app.get("/")(handlers[kind])
        assert Client(app).get("/").text == "done"
        assert work.events == ["after"]

    def test_a_resource_that_writes_the_response(self, app: App, work: Work) -> None:
        class Root(Resource):
            def render_GET(self, request: Request) -> int:
                request.after(work.note, "after")
                request.write("do")
                call_soon(self.end, request)
                return NOT_DONE_YET

            def end(self, request: Request) -> None:
                request.write("ne")
                work.note("end")
                request.finish()

        app.mount("/", Root())
        assert Client(app).get("/").text == "done"
        assert work.events == ["end", "after"]

    def test_context_variables(self, app: App, work: Work) -> None:
        user: ContextVar[str] = ContextVar("user")

        async def who() -> None:
            await asyncio.sleep(0)
            work.note(user.get())
            user.set("changed")

        @app.get("/")
        async def handler(request: Request) -> None:
            user.set("ada")
            request.after(who)
            request.after(who)
            user.set("bea")
            request.after(lambda: work.note(user.get()))

        Client(app).get("/")
        assert work.events == ["ada", "ada", "bea"]

    def test_one_that_adds_another(self, app: App, work: Work) -> None:
        @app.get("/")
        def handler(request: Request) -> None:
            request.after(lambda: request.after(work.note_later, "inner"))
            request.after(work.note, "outer")

        Client(app).get("/")
        assert work.events == ["outer", "inner"]

    def test_in_a_typed_handler(self, app: App, work: Work) -> None:
        @app.post("/", status=202)
        async def book(room: int, after: After) -> dict[str, int]:
            after(work.note_later, room)
            return {"room": room}

        response = Client(app).post("/?room=7")
        assert (response.status, response.json(), work.events) == (202, {"room": 7}, [7])

    def test_in_a_provider(self, app: App, work: Work) -> None:
        def audit(request: Request) -> None:
            request.after(work.note, "audited")

        @app.get("/")
        def handler(audited: Annotated[None, Depends(audit)]) -> str:
            return ""

        Client(app).get("/")
        assert work.events == ["audited"]

    @pytest.mark.parametrize("given", [None, "send", 7])
    def test_what_cannot_be_called(self, app: App, log: Log, given: Any) -> None:
        @app.get("/")
        def handler(request: Request) -> None:
            request.after(given)

        assert Client(app, raise_errors=False).get("/").status == 500
        assert "RW262" in log.text

    def test_a_coroutine_in_the_place_of_a_function(self, app: App, work: Work) -> None:
        """The coroutine is closed, so Python does not warn that it was never awaited."""

        @app.get("/")
        def handler(request: Request) -> None:
            request.after(work.note_later("x"))  # type: ignore[arg-type] # the mistake

        with pytest.raises(
            HandlerError, match=r"RW262 .*coroutine object .*cannot be called.*not the result of a call"
        ):
            Client(app, raise_errors=True).get("/")


class TestWhen:
    def test_after_the_response(self, app: App, work: Work) -> None:
        """The function runs after the response: the client has the whole response while the function still waits."""

        @app.get("/")
        async def handler(request: Request) -> str:
            request.after(work.wait, "work")
            return "done"

        async def main() -> None:
            async with AsyncClient(app, wait_for_after=False) as client:
                assert (await client.get("/")).text == "done"
                await until(lambda: work.waiting)
                assert (await client.get("/none")).status == 404
                work.waiting[0].callback(None)
                await run_turns()
                assert work.events == ["work begins", "work ends"]
                assert app.background.count == 0

        asyncio.run(main())

    @pytest.mark.parametrize("kind", ["generator", "async generator"])
    def test_after_the_dependencies_are_closed(self, app: App, work: Work, kind: str) -> None:
        """The function runs when the dependencies are closed. It sees what they have committed, and holds no connection
        of a pool."""

        def session() -> Iterator[str]:
            yield "session"
            work.note("committed")

        async def session_later() -> AsyncIterator[str]:
            yield "session"
            await run_turns(20)
            work.note("committed")

        provider: Any = session if kind == "generator" else session_later

        @app.get("/")
        def handler(request: Request, session: Annotated[str, Depends(provider)]) -> str:
            request.after(work.note, session)
            return ""

        Client(app).get("/")
        assert work.events == ["committed", "session"]

    def test_not_before_the_handler_has_ended(self, app: App, work: Work) -> None:
        @app.get("/")
        async def handler(request: Request) -> Response:
            request.after(work.note, "after")
            response = Response("done")
            response.send(request)
            await run_turns()
            work.note("handler")
            return response

        app.error(Exception)(lambda request, error: "")
        asyncio.run(self.ask(app))
        assert work.events[:1] == ["handler"]

    async def ask(self, app: App) -> None:
        async with AsyncClient(app) as client:
            await client.get("/")


class TestFailures:
    @pytest.mark.parametrize("error", [ValueError("x"), HTTPError(404), HTTPError(503)])
    @pytest.mark.parametrize("waits", [False, True])
    def test_of_the_handler(self, app: App, work: Work, error: Exception, waits: bool) -> None:
        @app.get("/")
        async def handler(request: Request) -> None:
            request.after(work.note, "after")
            if waits:
                await asyncio.sleep(0)
            raise error

        @app.get("/plain")
        def plain(request: Request) -> None:
            request.after(work.note, "after")
            raise error

        assert Client(app, raise_errors=False).get("/").status >= 400
        assert Client(app, raise_errors=False).get("/plain").status >= 400
        assert (work.events, app.background.count, app.background.is_idle) == ([], 0, True)

    def test_a_response_with_the_status_of_an_error_is_none(self, app: App, work: Work) -> None:
        @app.get("/")
        def handler(request: Request) -> Response:
            request.after(work.note, "after")
            return Response("no", 409)

        assert Client(app, raise_errors=False).get("/").status == 409
        assert work.events == ["after"]

    def test_of_a_stream(self, app: App, work: Work) -> None:
        @app.get("/")
        def handler(request: Request) -> Iterator[str]:
            request.after(work.note, "after")
            yield "part"
            yield "part"
            raise ValueError("x")

        with pytest.raises(ValueError, match="x"):
            Client(app, raise_errors=True).get("/")
        assert (work.events, app.background.count) == ([], 0)

    def test_of_a_middleware(self, work: Work) -> None:
        async def failing(request: Request, next: Next) -> Response:
            await next(request)
            raise HTTPError(418)

        app = App(middleware=[failing])
        app.get("/")(lambda request: request.after(work.note, "after"))
        assert Client(app, raise_errors=False).get("/").status == 418
        assert work.events == []

    def test_what_a_middleware_adds_after_the_failure(self, work: Work) -> None:
        async def noting(request: Request, next: Next) -> Response:
            request.after(work.note, "before")
            response = await next(request)
            request.after(work.note, response.status)
            return response

        app = App(middleware=[noting])
        app.get("/")(lambda request: request.after(work.note, "handler") or 1 / 0)
        assert Client(app, raise_errors=False).get("/").status == 500
        assert work.events == [500]

    @pytest.mark.parametrize("failing", ["plain", "coroutine"])
    def test_of_one_function(self, log: Log, work: Work, failing: str) -> None:
        """If one function raises, its error is logged with the id of the request, and the next function runs."""
        app = App(middleware=[request_id()])

        def fail() -> None:
            raise ValueError("no mail")

        async def fail_later() -> None:
            await asyncio.sleep(0)
            raise ValueError("no mail")

        @app.post("/rooms/{room}")
        def handler(request: Request, room: str) -> None:
            request.after(fail if failing == "plain" else fail_later)
            request.after(work.note, "next")

        response = Client(app, raise_errors=False).post("/rooms/7?a=b")
        assert response.status == 204
        assert work.events == ["next"]
        (event,) = log
        identity = response.headers["x-request-id"]
        assert (event["code"], event["route"], event["request_id"]) == ("RW264", "/rooms/{room}", identity)
        assert f"RW264 POST /rooms/7 (route /rooms/{{room}}, request {identity}): " in log.text
        assert "called after the response, raised ValueError('no mail')" in log.text

    def test_raised_by_the_client(self, app: App) -> None:
        @app.get("/")
        def handler(request: Request) -> None:
            request.after(int, "x")

        with pytest.raises(ValueError, match="invalid literal"):
            Client(app, raise_errors=True).get("/")
        assert Client(app, raise_errors=False).get("/").status == 204
