"""Functions that run after the response: what happens when clients leave or servers stop, and their limits."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from tests.unit.asgi.applications import sending
from tests.unit.asgi.applications import start as head
from tests.unit.calling.work import Next, Work, app, work
from tests.unit.conftest import Log
from tests.unit.turns import run_turns, until

from ropewalk import (
    App,
    Limits,
    Request,
    Response,
    asgi,
    wsgi,
)
from ropewalk.testing import AsyncClient, Client, ClientTimeout, ProtocolError
from ropewalk.testing.client_response import ClientResponse
from ropewalk.testing.streamed_response import StreamedResponse

__all__ = ["app", "work"]  # fixtures


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

    @pytest.mark.parametrize("value", ["done", Response("done", 201), Response("done", headers={"x-a": "b"}), {"a": 1}])
    @pytest.mark.parametrize("is_async", [False, True])
    def test_before_the_response_is_sent(self, app: App, work: Work, value: Any, is_async: bool) -> None:
        def handler(request: Request) -> Any:
            request.after(work.note, "after")
            request.abort()
            return value

        async def async_handler(request: Request) -> Any:
            return handler(request)

        app.get("/")(async_handler if is_async else handler)

        async def main() -> None:
            async with AsyncClient(app) as client:
                with pytest.raises(ProtocolError):
                    await client.get("/")
                await until(lambda: work.events)

        asyncio.run(main())
        assert work.events == ["after"]

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
        """The handler is cancelled, so its functions do not run."""

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
        """If a handler catches the cancellation and continues, its background functions run when it has ended."""

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
        assert app.background.is_idle


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
        assert (app.background.count, app.background.is_idle) == (0, True)


class TestTheClient:
    def test_an_error_of_a_function_that_has_ended_already(
        self, app: App, log: Log, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The client may read the end of the response late, after the function has ended."""
        whole = StreamedResponse.whole

        async def late(response: StreamedResponse) -> ClientResponse:
            try:
                return await whole(response)
            finally:
                await until(lambda: app.background.is_idle)

        monkeypatch.setattr(StreamedResponse, "whole", late)

        def again(request: Request) -> None:
            request.after(fail)

        def fail() -> None:
            raise LookupError("no mail")

        app.get("/")(lambda request: request.after(fail))
        app.get("/again")(lambda request: request.after(again, request))
        for path in ("/", "/again"):
            with pytest.raises(LookupError, match="no mail"):
                Client(app).get(path)
        assert log.text.count("RW264") == 2

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
        """If the client leaves, the functions that middleware around the application has added run when the application
        has ended."""

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
