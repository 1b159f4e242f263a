"""Functions that run after the response: `request.after`."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextvars import ContextVar
from typing import Annotated, Any

import pytest
from tests.unit.asgi.applications import sending
from tests.unit.asgi.applications import start as head
from tests.unit.conftest import Log
from tests.unit.turns import run_turns, until
from twisted.internet.defer import Deferred, succeed

from ropewalk import (
    NOT_DONE_YET,
    After,
    App,
    Depends,
    HTTPError,
    Limits,
    Request,
    Resource,
    Response,
    asgi,
    wsgi,
)
from ropewalk.errors import HandlerError
from ropewalk.middleware import request_id
from ropewalk.testing import AsyncClient, Client, ClientTimeout
from ropewalk.waiting import call_soon

Next = Callable[[Request], Awaitable[Response]]


async def passing(request: Request, next: Next) -> Response:
    return await next(request)


@pytest.fixture(params=["alone", "in middleware"])
def app(request: Any) -> App:
    return App(middleware=() if request.param == "alone" else (passing,))


class Work:
    """Functions that note when they run. Those that wait end when the test says so."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.waiting: list[Deferred[None]] = []

    def note(self, event: Any) -> None:
        self.events.append(event)

    async def note_later(self, event: Any) -> None:
        await asyncio.sleep(0)
        self.events.append(event)

    def deferred(self, event: Any) -> "Deferred[None]":
        return succeed(event).addCallback(self.note)

    async def wait(self, event: Any) -> None:
        self.events.append(f"{event} begins")
        waiting: Deferred[None] = Deferred()
        self.waiting.append(waiting)
        try:
            await waiting
        except BaseException as error:
            self.events.append(type(error).__name__)
            raise
        self.events.append(f"{event} ends")


@pytest.fixture
def work() -> Work:
    return Work()


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
        """It is closed: Python does not warn that it was never awaited."""

        @app.get("/")
        def handler(request: Request) -> None:
            request.after(work.note_later("x"))  # type: ignore[arg-type] # the mistake

        with pytest.raises(
            HandlerError, match=r"RW262 .*coroutine object .*cannot be called.*not the result of a call"
        ):
            Client(app, raise_errors=True).get("/")


class TestWhen:
    def test_after_the_response(self, app: App, work: Work) -> None:
        """The client has the whole response while the function waits."""

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
        """So that it sees what they have committed, and holds no connection of a pool."""

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
        assert (work.events, app.background.count, app.background.found("GET", b"/")) == ([], 0, [])

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
        """It is logged with what identifies the request, and the next one runs."""
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


class TestClientsThatLeave:
    def test_while_a_function_runs(self, app: App, work: Work) -> None:
        @app.get("/")
        def handler(request: Request) -> str:
            request.after(work.wait, "work")
            return "done"

        async def main() -> None:
            async with AsyncClient(app) as client:
                async with await client.stream("GET", "/") as response:
                    await response.whole()
                    await until(lambda: work.waiting)
                await run_turns()
                work.waiting[0].callback(None)
                await run_turns()

        asyncio.run(main())
        assert work.events == ["work begins", "work ends"]

    def test_while_the_response_is_sent(self, app: App, work: Work) -> None:
        @app.get("/")
        async def handler(request: Request) -> AsyncIterator[bytes]:
            request.after(work.note, "after")
            while True:
                yield bytes(1000)
                await asyncio.sleep(0)

        async def main() -> None:
            async with AsyncClient(app) as client:
                response = await client.stream("GET", "/")
                response.close()
                await until(lambda: work.events)

        asyncio.run(main())
        assert work.events == ["after"]

    def test_before_the_response(self, app: App, work: Work) -> None:
        """The handler is cancelled, so there is nothing to do after it."""

        @app.get("/")
        async def handler(request: Request) -> None:
            request.after(work.note, "after")
            await work.wait("handler")

        async def main() -> None:
            async with AsyncClient(app) as client:
                asking = asyncio.ensure_future(client.get("/"))
                await until(lambda: work.waiting)
                asking.cancel()
                await until(lambda: len(work.events) == 2)
                await run_turns()

        asyncio.run(main())
        assert work.events == ["handler begins", "CancelledError"]
        assert app.background.count == 0

    def test_a_handler_that_goes_on(self, app: App, work: Work) -> None:
        """One that catches the cancellation ends later, and the functions run then."""

        @app.get("/")
        async def handler(request: Request) -> str:
            request.after(work.note, "after")
            try:
                await work.wait("handler")
            except asyncio.CancelledError:
                await run_turns(20)
                work.note("saved")
            return "done"

        async def main() -> None:
            async with AsyncClient(app) as client:
                asking = asyncio.ensure_future(client.get("/"))
                await until(lambda: work.waiting)
                asking.cancel()
                await until(lambda: "after" in work.events)

        asyncio.run(main())
        assert work.events == ["handler begins", "CancelledError", "saved", "after"]


class TestStops:
    def stopping_app(self, app: App, work: Work, limits: Limits | None = None) -> App:
        app.limits = limits

        @app.get("/")
        def handler(request: Request) -> None:
            request.after(work.wait, "work")
            request.after(work.note, "second")

        app.on_stop(lambda: work.note("stopped"))
        return app

    def stop(self, app: App, work: Work, release: bool) -> None:
        async def main() -> None:
            client = AsyncClient(app, wait_for_after=False)
            await client.__aenter__()
            await client.get("/")
            await until(lambda: work.waiting)
            stopping = asyncio.ensure_future(client.__aexit__(None, None, None))
            await run_turns()
            assert not stopping.done()
            if release:
                work.waiting[0].callback(None)
            await stopping
            for each in work.waiting[1:]:
                each.callback(None)
            await run_turns()

        asyncio.run(main())

    def test_a_stop_waits(self, app: App, log: Log, work: Work) -> None:
        self.stop(self.stopping_app(app, work), work, release=True)
        assert work.events == ["work begins", "work ends", "second", "stopped"]
        assert log.text == ""

    def test_until_the_deadline(self, app: App, log: Log, work: Work) -> None:
        self.stop(self.stopping_app(app, work, Limits(drain_timeout=0.05)), work, release=False)
        assert work.events == ["work begins", "CancelledError", "stopped"]
        assert app.background.count == 0
        assert "RW265 GET / (route /): " in log.text
        assert re.search(r"wait at \S+ was cancelled\. ", log.text)
        assert re.search(r"note at \S+ was not called\. ", log.text)

    def test_a_function_that_does_not_end(
        self, app: App, log: Log, work: Work, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("ropewalk.calling.background.CANCEL_LIMIT", 0.01)

        async def stubborn() -> None:
            while len(work.waiting) < 2:
                try:
                    await work.wait("work")
                except asyncio.CancelledError:
                    continue

        app.limits = Limits(drain_timeout=0.01)
        app.get("/")(lambda request: request.after(stubborn))
        app.on_stop(lambda: work.note("stopped"))
        self.stop(app, work, release=False)
        assert work.events == ["work begins", "CancelledError", "work begins", "stopped", "work ends"]
        assert app.background.found("GET", b"/") == []


class TestBounds:
    def test_too_many(self, app: App, log: Log, work: Work) -> None:
        app.background.most = 4
        app.get("/")(lambda request: request.after(work.wait, "work"))

        async def main() -> None:
            async with AsyncClient(app, wait_for_after=False) as client:
                statuses = [(await client.get("/")).status for _ in range(6)]
                assert statuses == [204] * 4 + [503] * 2
                assert (await client.get("/")).headers["retry-after"] == "1"
                await until(lambda: len(work.waiting) == 4)
                for each in work.waiting:
                    each.callback(None)
                await until(lambda: app.background.count == 0)
                assert (await client.get("/")).status == 204
                await until(lambda: len(work.waiting) == 5)
                work.waiting[4].callback(None)

        asyncio.run(main())
        assert log.text.count("RW263") == 1

    def test_nothing_is_kept(self, app: App, work: Work) -> None:
        app.get("/")(lambda request: request.after(work.note, "x"))
        client = Client(app)
        for _ in range(3):
            client.get("/")
        assert (app.background.count, app.background.found("GET", b"/")) == (0, [])


class TestTheClient:
    def test_its_timeout(self, app: App, work: Work) -> None:
        app.get("/")(lambda request: request.after(work.wait, "work"))
        client = Client(app, timeout=0.05)
        with pytest.raises(ClientTimeout, match=r"RW222 GET /: Work\.wait at .* has not ended 0\.05 s after"):
            client.get("/")
        work.waiting[0].callback(None)

    def test_redirects(self, app: App, work: Work) -> None:
        @app.get("/old")
        def old(request: Request) -> Response:
            request.after(work.note_later, "old")
            return Response.redirect("/new")

        app.get("/new")(lambda request: str(work.events))
        assert Client(app, follow_redirects=True).get("/old").text == "['old']"


class TestMounts:
    def test_in_a_mounted_app_and_around_an_asgi_application(self, work: Work) -> None:
        async def auditing(request: Request, next: Next) -> Response:
            response = await next(request)
            request.after(work.note_later, (request.route, response.status))
            return response

        inner = App(middleware=[auditing])
        inner.get("/native")(lambda request: request.after(work.note, "native"))
        inner.mount("/asgi", asgi(sending(head(201), {"type": "http.response.body", "body": b"x"})))
        app = App()
        app.mount("/inner", inner)
        with Client(app) as client:
            assert client.get("/inner/asgi/any").status == 201
            assert client.get("/inner/native").status == 204
        assert work.events == [("/inner/asgi/{...}", 201), "native", ("/inner/native", 204)]
        assert inner.background.count == 0

    @pytest.mark.parametrize("kind", ["asgi", "wsgi"])
    def test_a_client_that_leaves_a_hosted_application(self, work: Work, kind: str) -> None:
        """What the middleware around it has left runs when the application has ended."""

        async def auditing(request: Request, next: Next) -> Response:
            response = await next(request)
            request.after(work.note_later, "audited")
            return response

        async def endless(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "http":
                return
            await send(head())
            try:
                while True:
                    await send({"type": "http.response.body", "body": bytes(1000), "more_body": True})
                    await asyncio.sleep(0)
            finally:
                work.note("ended")

        def endless_wsgi(environ: Any, start_response: Any) -> Iterator[bytes]:
            start_response("200 OK", [("Content-Type", "text/plain")])
            try:
                while True:
                    yield bytes(1000)
            finally:
                work.note("ended")

        inner = App(middleware=[auditing])
        inner.mount("/", asgi(endless) if kind == "asgi" else wsgi(endless_wsgi))
        app = App()
        app.mount("/inner", inner)

        async def main() -> None:
            async with AsyncClient(app) as client:
                response = await client.stream("GET", "/inner/x")
                response.close()
                await until(lambda: {"audited", "ended"} <= {*work.events})

        asyncio.run(main())
        assert sorted(work.events) == ["audited", "ended"]
        assert app.background.count == 0
