"""Streams of events end when a stop of the server begins."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.stops import EVENTS, stop_while
from twisted.internet.defer import Deferred

from ropewalk import NOT_DONE_YET, App, ASGIOptions, Request, Resource, Response, asgi
from ropewalk.errors import Disconnected
from ropewalk.middleware import Next
from ropewalk.testing import AsyncClient, ClientResponse


async def pass_on(request: Request, next: Next) -> Response:
    return await next(request)


@pytest.mark.parametrize("middleware", [[], [pass_on]])
class TestEvents:
    """Streams end: the generator's `finally` runs, and the client has a complete body."""

    def test_an_async_generator(self, middleware: Any, log: Log) -> None:
        app = App(middleware=middleware)
        seen = []

        @app.get("/", content_type="Text/Event-Stream; charset=utf-8")
        async def handler(request: Request) -> AsyncIterator[str]:
            try:
                yield "data: 1\n\n"
                await asyncio.sleep(60)
            finally:
                task: Any = asyncio.current_task()
                seen.append(task.cancelling())
                await asyncio.sleep(0)
                seen.append("closed")

        assert stop_while(app).text == "data: 1\n\n"
        assert seen == [1, "closed"]
        assert log == []

    def test_one_that_waits_for_a_deferred(self, middleware: Any) -> None:
        app = App(middleware=middleware)
        seen: list[str] = []

        @app.get("/", content_type=EVENTS)
        async def handler(request: Request) -> AsyncIterator[str]:
            yield "data: 1\n\n"
            await Deferred(lambda _: seen.append("cancelled"))

        assert stop_while(app).text == "data: 1\n\n"
        assert seen == ["cancelled"]

    def test_one_whose_first_part_is_awaited(self, middleware: Any, log: Log) -> None:
        app = App(middleware=middleware)
        seen = []

        @app.get("/", content_type=EVENTS)
        async def handler(request: Request) -> AsyncIterator[str]:
            seen.append("begun")
            try:
                await asyncio.sleep(60)
                yield "never"
            finally:
                seen.append("closed")

        async def parts(request: Request) -> AsyncIterator[str]:
            async for part in handler(request):
                yield part

        app.get("/response")(lambda request: Response(parts(request), content_type=EVENTS))
        response = stop_while(app, "/response", begun=lambda: seen)
        assert (response.status, response.text, response.headers["content-type"]) == (200, "", EVENTS)
        assert seen == ["begun", "closed"]
        assert log == []

    def test_a_generator_that_yields_when_it_is_closed(self, middleware: Any) -> None:
        app = App(middleware=middleware)

        @app.get("/", content_type=EVENTS)
        async def handler(request: Request) -> AsyncIterator[str]:
            yield "data: 1\n\n"
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                yield "data: bye\n\n"
                async with asyncio.timeout(60):
                    await asyncio.sleep(0)
                yield "data: bye bye\n\n"

        app_text = stop_while(app).text
        assert app_text == "data: 1\n\ndata: bye\n\ndata: bye bye\n\n"

    def test_a_generator_that_fails_then(self, middleware: Any, log: Log) -> None:
        app = App(middleware=middleware)

        @app.get("/", content_type=EVENTS)
        async def handler(request: Request) -> AsyncIterator[str]:
            yield "data: 1\n\n"
            try:
                await asyncio.sleep(60)
            finally:
                raise LookupError("in the end")

        with pytest.raises(AssertionError):
            stop_while(app)
        assert "in the end" in log.text

    def test_a_generator_of_a_plain_handler(self, middleware: Any) -> None:
        """An endless stream that is sent as fast as the client reads."""
        app = App(middleware=middleware)
        seen = []

        def parts() -> Iterator[str]:
            try:
                while True:
                    seen.append("part")
                    yield "data: 1\n\n"
            finally:
                seen.append("closed")

        app.get("/", content_type=EVENTS)(lambda request: parts())
        assert stop_while(app, begun=lambda: seen).text.startswith("data: 1\n\n")
        assert seen[-1] == "closed"

    def test_one_that_is_requested_after_the_stop_has_begun(self, middleware: Any) -> None:
        app = App(middleware=middleware)

        @app.get("/", content_type=EVENTS)
        async def handler(request: Request) -> AsyncIterator[str]:
            yield "data: 1\n\n"
            await asyncio.sleep(60)

        async def main() -> ClientResponse:
            client = AsyncClient(app)
            async with await client.stream("GET", "/") as kept:
                await client._harness.begin_stop()
                response = await asyncio.wait_for(client.get("/"), 10)
                await kept.whole()
                return response

        response = asyncio.run(main())
        assert (response.status, response.headers["content-type"]) == (200, EVENTS)

    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    def test_one_that_ends_before_the_stop(self, middleware: Any, method: str, log: Log) -> None:
        app = App(middleware=middleware)

        @app.get("/", content_type=EVENTS)
        async def handler(request: Request) -> AsyncIterator[str]:
            yield "data: 1\n\n"

        async def main() -> int:
            async with AsyncClient(app) as client:
                return (await client.request(method, "/")).status

        assert asyncio.run(main()) == 200
        assert log == []

    def test_other_streams_are_left_alone(self, middleware: Any) -> None:
        app = App(middleware=middleware)

        @app.get("/")
        async def handler(request: Request) -> AsyncIterator[str]:
            yield "begun, "
            await asyncio.sleep(0.01)
            yield "ended"

        assert stop_while(app).text == "begun, ended"

    def test_one_that_a_resource_writes(self, middleware: Any, log: Log) -> None:
        app = App(middleware=middleware)
        seen: list[Any] = []

        class Producer:
            def pauseProducing(self) -> None: ...

            def resumeProducing(self) -> None: ...

            def stopProducing(self) -> None:
                seen.append("producer")

        class Writing(Resource):
            def render_GET(self, request: Request) -> int:
                request.setHeader("content-type", EVENTS)
                request.write("data: 1\n\n")
                request.registerProducer(Producer(), True)
                request.notifyFinish().addErrback(lambda failure: seen.append(failure.type))

                def left(_: None) -> None:
                    seen.append("left")
                    request.finish()

                def later() -> None:
                    try:
                        request.write("more")
                    except Disconnected:
                        seen.append("later")
                    request.finish()

                request.disconnected.addCallback(left)
                request.stopping.addCallback(lambda _: asyncio.get_running_loop().call_later(0.001, later))
                return NOT_DONE_YET

        app.resource.putChild("", Writing())
        assert stop_while(app).text == "data: 1\n\n"
        assert seen[:2] == ["producer", "left"]
        assert log == []

    @pytest.mark.parametrize("waits", [False, True])
    def test_one_of_a_coroutine_that_writes(self, waits: bool, middleware: Any, log: Log) -> None:
        app = App(middleware=middleware)
        seen = []

        class Writing(Resource):
            async def render_GET(self, request: Request) -> int:
                request.setHeader("content-type", EVENTS)
                request.write("data: 1\n\n")
                if waits:
                    try:
                        await asyncio.sleep(60)
                    finally:
                        seen.append("closed")
                return NOT_DONE_YET

        app.resource.putChild("", Writing())
        assert stop_while(app).text == "data: 1\n\n"
        assert seen == ["closed"] * waits
        assert log == []

    @pytest.mark.parametrize("listens", [False, True])
    def test_one_of_an_asgi_application(self, listens: bool, middleware: Any, log: Log) -> None:
        seen = []

        async def application(scope: Any, receive: Any, send: Any) -> None:
            headers = [[b"content-type", EVENTS.encode()]]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
            if listens:
                await receive()
                seen.append((await receive())["type"])
                return
            while not seen:
                await asyncio.sleep(0)
                try:
                    await send({"type": "http.response.body", "body": b"", "more_body": True})
                except OSError:
                    seen.append("told")

        app = App(middleware=middleware)
        app.mount("/", asgi(application, ASGIOptions(lifespan="off")))
        assert stop_while(app).text == "data: 1\n\n"
        assert seen == ["http.disconnect" if listens else "told"]
        assert log == []

    def test_the_client_leaves_in_the_same_moment(self, middleware: Any, log: Log) -> None:
        app = App(middleware=middleware)
        seen = []

        @app.get("/", content_type=EVENTS)
        async def handler(request: Request) -> AsyncIterator[str]:
            try:
                yield "data: 1\n\n"
                await asyncio.sleep(60)
            finally:
                seen.append("closed")

        async def main(first: bool) -> None:
            client = AsyncClient(app)
            response = await client.stream("GET", "/")
            if first:
                response.close()
            await client._harness.begin_stop()
            if not first:
                response.close()
            async with asyncio.timeout(10):
                while not seen:  # wait here, because the end of the loop would cancel the task
                    await asyncio.sleep(0)

        for first in (False, True):
            asyncio.run(main(first))
            assert seen == ["closed"]
            seen.clear()
        assert log == []
