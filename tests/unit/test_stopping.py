"""Stops as apps and handlers hear of them, and what they do to streams of events."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from tests.unit.conftest import Log
from twisted.internet.defer import Deferred
from twisted.logger import formatEvent

from ropewalk import NOT_DONE_YET, App, ASGIOptions, Request, Resource, Response, asgi, tracebacks
from ropewalk.errors import Disconnected
from ropewalk.middleware import Next
from ropewalk.testing import AsyncClient, ClientResponse, ClientTimeout, ProtocolError, harness

EVENTS = "text/event-stream"


async def pass_on(request: Request, next: Next) -> Response:
    return await next(request)


def stop_while(app: App, path: str = "/", *, begun: Callable[[], object] = lambda: True) -> ClientResponse:
    """The response that a client receives if a stop begins while it is being sent."""

    async def main() -> ClientResponse:
        client = AsyncClient(app)
        await client.__aenter__()
        asking = asyncio.ensure_future(client.get(path))
        while not (asking.done() or begun()):
            await asyncio.sleep(0)
        for _ in range(5):
            await asyncio.sleep(0)
        await client.__aexit__(None, None, None)
        return await asyncio.wait_for(asking, 10)

    return asyncio.run(main())


class TestHooks:
    def test_they_are_called_before_those_of_the_stop(self) -> None:
        calls = []
        inner, app = App(), App()
        app.mount("/inner", inner)
        app.on_stop(lambda: calls.append("stopped"))
        app.on_stopping(lambda: calls.append(f"stopping {app.is_stopping} {inner.is_stopping}"))

        @inner.on_stopping
        async def hook() -> None:
            await asyncio.sleep(0.001)
            calls.append("inner stopping")

        async def main() -> None:
            async with AsyncClient(app):
                assert not app.is_stopping

        asyncio.run(main())
        assert calls == ["stopping True True", "inner stopping", "stopped"]

    @pytest.mark.parametrize("event", ["on_stopping", "on_stop"])
    def test_one_that_fails_keeps_no_other(self, event: str, log: Log) -> None:
        calls = []
        app = App()

        def failing() -> None:
            raise LookupError

        getattr(app, event)(lambda: calls.append("other"))
        getattr(app, event)(failing)
        getattr(app, event)(lambda: calls.append("other"))

        async def main() -> None:
            async with AsyncClient(app):
                pass

        asyncio.run(main())
        assert calls == ["other", "other"]
        (line,) = log
        place = r"TestHooks\..*failing at .*test_stopping\.py:\d+"
        assert re.fullmatch(rf"RW208 {place} failed while the app was stopping\.", formatEvent(line))
        trace = line["log_failure"].getTraceback()
        assert "raise LookupError" in trace
        assert tracebacks.PACKAGE not in trace

    def test_an_app_may_start_again(self) -> None:
        app = App()
        seen = []

        async def main() -> None:
            for _ in range(2):
                async with AsyncClient(app):
                    seen.append(app.is_stopping)
                seen.append(app.is_stopping)

        asyncio.run(main())
        assert seen == [False, True, False, True]


class TestWaits:
    @pytest.mark.parametrize("whose", ["app", "mounted", "request"])
    def test_a_handler_waits_for_a_stop(self, whose: str) -> None:
        inner, app = App(), App()
        app.mount("/", inner)

        @inner.get("/")
        async def handler(request: Request) -> AsyncIterator[str]:
            yield "begun, "
            waits: dict[str, Any] = {"app": app, "mounted": inner, "request": request}
            await waits[whose].stopping
            yield "ended"

        assert stop_while(app).text == "begun, ended"

    @pytest.mark.parametrize("whose", ["app", "mounted"])
    def test_a_wait_may_begin_before_the_start(self, whose: str) -> None:
        inner, app = App(), App()
        app.mount("/inner", inner)
        seen: list[None] = []
        (inner if whose == "mounted" else app).stopping.addCallback(seen.append)

        async def main() -> None:
            async with AsyncClient(app):
                assert seen == []
            assert seen == [None]

        asyncio.run(main())

    def test_a_task_of_asyncios_waits_too(self) -> None:
        app = App()

        @app.get("/")
        async def handler(request: Request) -> str:
            async def wait() -> str:
                await request.stopping
                return "stopped"

            return await asyncio.ensure_future(wait())

        assert stop_while(app).text == "stopped"

    def test_a_wait_that_is_cancelled_is_forgotten(self) -> None:
        app = App()
        wait = app.stopping
        wait.addErrback(lambda _: None)
        wait.cancel()
        app.begin_stop()
        assert app.is_stopping
        assert app.stopping.called


@pytest.mark.parametrize("middleware", [[], [pass_on]])
class TestEvents:
    """They end: the generator's `finally` runs, and the client has a complete body."""

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
        """Endless, and as fast as the client."""
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
            await asyncio.sleep(0.005)

        asyncio.run(main(False))
        asyncio.run(main(True))
        assert seen == ["closed", "closed"]
        assert log == []


class TestCloses:
    """The end of `async with` is a stop as in service."""

    @pytest.mark.parametrize("leaves", [False, True])
    def test_streams_of_events_end_before_the_stop_hooks(self, leaves: bool) -> None:
        app, calls = App(), []
        app.on_stop(lambda: calls.append("stopped"))

        @app.get("/", content_type=EVENTS)
        async def handler(request: Request) -> AsyncIterator[str]:
            try:
                yield "data: 1\n\n"
                await asyncio.sleep(60)
            finally:
                await asyncio.sleep(0)
                calls.append("ended")

        async def main() -> None:
            async with AsyncClient(app) as client:
                response = await client.stream("GET", "/")
                assert await anext(response) == b"data: 1\n\n"
                if leaves:
                    response.close()

        asyncio.run(main())
        assert calls == ["ended", "stopped"]

    def test_a_handler_is_waited_for(self) -> None:
        app, calls = App(), []
        app.on_stop(lambda: calls.append("stopped"))

        @app.get("/")
        async def handler(request: Request) -> str:
            await request.stopping
            await asyncio.sleep(0.001)
            calls.append("ended")
            return "whole"

        assert stop_while(app).text == "whole"
        assert calls == ["ended", "stopped"]

    @pytest.mark.parametrize("fails", [False, True])
    def test_one_that_takes_longer_than_the_timeout_is_cut_off(self, fails: bool, log: Log) -> None:
        """The stop is immediate if the block raises."""
        app, calls = App(), []
        begun = asyncio.Event()
        app.on_stop(lambda: calls.append("stopped"))

        @app.get("/")
        async def handler(request: Request) -> str:
            begun.set()
            try:
                await asyncio.sleep(60)
            finally:
                calls.append("ended")
            return "whole"

        async def main() -> None:
            with suppress(LookupError):
                async with AsyncClient(app, timeout=60 if fails else 0.01) as client:
                    asking = asyncio.ensure_future(client.get("/", timeout=None))
                    await begun.wait()
                    if fails:
                        raise LookupError
            with pytest.raises(ProtocolError):
                await asking

        asyncio.run(main())
        assert calls == ["ended", "stopped"]
        assert "1 request was cut off when the client was closed." in log.text

    def test_one_that_goes_on_without_its_client_is_named(self, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(harness, "_END_TIMEOUT", 0.001)
        app = App()
        end = asyncio.Event()

        @app.get("/")
        async def handler(request: Request) -> str:
            try:
                return await asyncio.sleep(60, "")
            finally:
                await end.wait()

        async def main() -> None:
            async with AsyncClient(app) as client:
                with pytest.raises(ClientTimeout):
                    await client.get("/", timeout=0.001)
            end.set()

        asyncio.run(main())
        assert re.search(
            r"handler at \S+test_stopping\.py:\d+ is still running when the stop hooks are called\.", log.text
        )

    def test_a_client_is_used_again_while_a_response_of_before_is_open(self) -> None:
        app = App()
        app.get("/")(lambda request: "Hello")

        async def main() -> None:
            client = AsyncClient(app)
            async with client:
                former = await client.stream("GET", "/")
            async with client:
                second = await client.stream("GET", "/")
                former.close()
                assert (await second.whole()).text == "Hello"

        asyncio.run(main())
