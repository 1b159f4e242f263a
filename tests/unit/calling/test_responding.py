"""Handlers of every kind, and clients that leave."""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from contextvars import ContextVar
from itertools import count
from typing import Annotated, Any

import pytest
from tests.problems import problem
from tests.unit.calling.test_task import later
from tests.unit.conftest import Log
from tests.unit.turns import run_turns, until
from twisted.internet.defer import Deferred, fail, inlineCallbacks, succeed
from twisted.logger import eventAsText

from ropewalk import App, Depends, HTTPError, Request, Response
from ropewalk.calling import coroutine_runner
from ropewalk.middleware import Next
from ropewalk.server import Service
from ropewalk.server.reactor_watch import watch
from ropewalk.testing import AsyncClient, Client, ClientResponse

variable: ContextVar[str] = ContextVar("variable", default="unset")


def response_of(handler: Any) -> ClientResponse:
    """Return the response to a request for which this handler is called."""
    app = App()
    app.get("/")(handler)
    return Client(app, raise_errors=False).get("/")


class TestKinds:
    def test_plain(self) -> None:
        assert response_of(lambda request: "plain").text == "plain"

    @pytest.mark.parametrize("make", [succeed, later])
    def test_deferred(self, make: Any) -> None:
        assert response_of(lambda request: make("deferred")).text == "deferred"

    def test_coroutine(self) -> None:
        async def at_once(request: Request) -> str:
            return "at once"

        async def late(request: Request) -> dict[str, str]:
            return {"late": await later("x")}

        assert response_of(at_once).text == "at once"
        assert response_of(late).json() == {"late": "x"}

    def test_nested(self) -> None:
        async def inner() -> Any:
            return later(Response("inner", 201))

        def handler(request: Request) -> Any:
            return succeed(None).addCallback(lambda _: inner())

        assert response_of(handler).status == 201

    def test_inline_callbacks(self) -> None:
        @inlineCallbacks
        def handler(request: Request) -> Any:
            word = yield later("inline")
            body = yield request.body()
            return word + body.decode()

        assert response_of(handler).text == "inline"

    def test_generator(self) -> None:
        def handler(request: Request) -> Iterator[str]:
            yield "a"
            yield "b"

        assert response_of(handler).text == "ab"

    def test_async_generator(self) -> None:
        async def handler(request: Request) -> AsyncIterator[str]:
            yield await later("a")
            yield await asyncio.sleep(0.001, "b")

        assert response_of(handler).text == "ab"

    def test_a_callable_object(self) -> None:
        class Handler:
            async def __call__(self, request: Request) -> str:
                return str(await later("object"))

        assert response_of(Handler()).text == "object"

    @pytest.mark.parametrize("kind", ["plain", "deferred", "coroutine"])
    def test_errors(self, kind: str, log: Log) -> None:
        def plain(request: Request) -> Any:
            raise KeyError(kind)

        def deferred(request: Request) -> Any:
            return fail(KeyError(kind))

        async def coroutine(request: Request) -> Any:
            await later()
            raise KeyError(kind)

        handler = {"plain": plain, "deferred": deferred, "coroutine": coroutine}[kind]
        response = response_of(handler)
        assert (response.status, response.text) == (500, problem(500))
        line = f"RW208 GET /: TestKinds.test_errors.<locals>.{kind} at tests/unit/calling/test_responding.py:"
        assert line in log.text
        assert f"raised KeyError('{kind}')" in log.text

    def test_the_traceback_has_no_control_characters_of_the_client(self, log: Log) -> None:
        app = App()

        @app.get("/guests/{name}")
        def guest(request: Request, name: str) -> str:
            raise ValueError(f"no guest {name}")

        Client(app, raise_errors=False).get("/guests/a%0Db%1B[31m%07%C2%9B")
        (event,) = log
        text = eventAsText(event)
        assert text.count("a\\rb\\x1b[31m\\x07\\x9b") == 2
        assert [character for character in text if not character.isprintable() and character != "\n"] == []

    def test_an_http_error_is_not_logged(self, log: Log) -> None:
        def handler(request: Request) -> Any:
            return fail(HTTPError(410))

        assert response_of(handler).status == 410
        assert log == []

    def test_the_response_to_an_error_cannot_be_sent(self, log: Log) -> None:
        def handler(request: Request) -> Any:
            raise KeyError("lost")

        def handle(request: Request, error: Exception) -> Response:
            return Response("", headers={"x-error": "a\r\nb"})

        app = App()
        app.get("/")(handler)
        app.error(500)(handle)
        response = Client(app, raise_errors=False).get("/")
        assert (response.status, response.text) == (500, problem(500))
        assert "KeyError('lost')" in log.text
        assert log.text.count("RW304") == 1

    def test_a_cancellation_without_a_client_that_leaves(self, log: Log) -> None:
        async def handler(request: Request) -> str:
            task = asyncio.ensure_future(asyncio.sleep(60))
            asyncio.get_running_loop().call_soon(task.cancel)
            await task
            return "never"

        assert response_of(handler).status == 500
        assert "raised CancelledError" in log.text

    @pytest.mark.parametrize("waits", [False, True])
    def test_an_exit_is_an_error_like_others(self, waits: bool, log: Log) -> None:
        async def handler(request: Request) -> None:
            if waits:
                await later()
            sys.exit()

        assert response_of(handler).status == 500
        assert "raised SystemExit()" in log.text

    def test_a_context_of_its_own_for_every_request(self) -> None:
        async def handler(request: Request) -> list[str]:
            before = variable.get()
            variable.set("mine")
            await later()
            return [before, variable.get()]

        app = App()
        app.get("/")(handler)
        client = Client(app)
        for _ in range(2):
            assert client.get("/").json() == ["unset", "mine"]

    def test_a_context_for_a_stream(self) -> None:
        async def handler(request: Request) -> AsyncIterator[str]:
            variable.set("mine")
            yield "a"
            await later()
            yield variable.get()

        assert response_of(handler).text == "amine"


class TestBlocking:
    def test_a_handler_that_holds_up_the_reactor_when_it_is_resumed(
        self, monkeypatch: pytest.MonkeyPatch, blocking_log: Log
    ) -> None:
        async def handler(request: Request) -> str:
            await later()
            return "slow"

        monkeypatch.setattr(
            coroutine_runner, "monotonic", count().__next__
        )  # each call returns a time one second later
        assert response_of(handler).text == "slow"
        report = blocking_log.text
        assert "RW306 TestBlocking.test_a_handler_that_holds_up_the_reactor_when_it_is_resumed" in report
        assert "handler at tests/unit/calling/test_responding.py:" in report
        assert "blocked the reactor for 1.0 s. Await the work, or run it in a thread with deferToThread." in report

    def test_a_provider(self, monkeypatch: pytest.MonkeyPatch, blocking_log: Log) -> None:
        async def begin() -> AsyncIterator[int]:
            yield 1
            await later()

        async def handler(begun: Annotated[int, Depends(begin, scope="handler")]) -> str:
            await later()
            return "slow"

        monkeypatch.setattr(coroutine_runner, "monotonic", count().__next__)
        assert response_of(handler).text == "slow"
        report = blocking_log.text
        assert "test_a_provider.<locals>.handler at tests/unit/calling/test_responding.py:" in report
        assert ", or one of its providers or middleware, blocked the reactor" in report
        assert "dependency_cleanup" not in report

    def test_middleware(self, monkeypatch: pytest.MonkeyPatch, blocking_log: Log) -> None:
        async def handler(request: Request) -> str:
            await later()
            return "slow"

        async def through(request: Request, next: Next) -> Response:
            return await next(request)

        app = App(middleware=[through])
        app.get("/")(handler)
        monkeypatch.setattr(coroutine_runner, "monotonic", count().__next__)
        assert Client(app).get("/").text == "slow"
        assert "test_middleware.<locals>.handler at tests/unit/calling/test_responding.py:" in blocking_log.text
        assert "ropewalk/" not in blocking_log.text


class TestReuse:
    """A task whose coroutine never waited is reused for the next coroutine, unless something else refers to it."""

    def test_kept_tasks_are_left_alone(self) -> None:
        kept = []

        async def handler(request: Request) -> str:
            kept.append(asyncio.current_task())
            return ""

        app = App()
        app.get("/")(handler)
        client = Client(app)
        client.get("/")
        client.get("/")
        assert kept[0] is not kept[1]

    @pytest.mark.parametrize("outcome", ["well", "badly"])
    def test_done_callbacks_are_called(self, outcome: str) -> None:
        ended: list[Any] = []

        async def handler(request: Request) -> str:
            task: Any = asyncio.current_task()
            task.add_done_callback(ended.append)
            task = None
            if outcome == "badly":
                raise HTTPError(404)
            return outcome

        async def main() -> None:
            app = App()
            app.get("/")(handler)
            await AsyncClient(app, raise_errors=False).get("/")

        asyncio.run(main())
        assert [task.done() for task in ended] == [True]

    def test_nothing_of_a_request_is_kept(self) -> None:
        services: list[Service] = []

        async def handler(request: Request) -> str:
            services.append(request.service)
            return ""

        response_of(handler)
        kept: list[Any] = [part for task in services[0].coroutines.spare for part in (task.coroutine, task.context)]
        assert set(kept) == {None}


class TestGarbage:
    """A request is freed at its end, without a run of the garbage collector."""

    def alive(self, handler: Any, *, leave: bool, middleware: Any = ()) -> int:
        """How many requests are still alive after one request."""
        alive = 0

        class Counted(Request):
            __slots__ = ()

            def __new__(cls) -> Any:
                nonlocal alive
                alive += 1
                return super().__new__(cls)

            def __del__(self) -> None:
                nonlocal alive
                alive -= 1

        class Counting(Service):
            request = Counted

        class Sink:
            def write(self, data: bytes) -> None: ...

            def close(self) -> None: ...

            end_writing = abort = pause_reading = resume_reading = close

        async def main() -> int:
            app = App(middleware=middleware)
            app.get("/")(handler)
            loop = asyncio.get_running_loop()
            service = Counting(app, loop.call_later)
            unwatch = watch(service.engine, loop)
            pipe = service.engine.open_pipe(Sink())
            pipe.feed(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            if leave:
                pipe.lost()
            with suppress(TimeoutError):  # the caller compares what is left, if the request is never freed
                async with asyncio.timeout(30):
                    await until(lambda: not alive)
            left = alive
            unwatch()
            service.close()
            return left

        gc.disable()
        try:
            return asyncio.run(main())
        finally:
            gc.enable()

    @pytest.mark.parametrize("leave", [False, True])
    @pytest.mark.parametrize("kind", ["plain", "deferred", "coroutine", "asyncio", "generator", "error"])
    def test_no_cycle_is_left(self, kind: str, leave: bool) -> None:
        async def coroutine(request: Request) -> str:
            await request.body()
            return str(await later("x"))

        async def asyncios(request: Request) -> str:
            return await asyncio.sleep(0.005, "x")

        async def generator(request: Request) -> AsyncIterator[str]:
            yield "a"
            yield await asyncio.sleep(0.005, "b")

        async def error(request: Request) -> str:
            await later()
            raise HTTPError(404)

        handlers: dict[str, Any] = {
            "plain": lambda request: request.headers.get("host"),
            "deferred": lambda request: later("x"),
            "coroutine": coroutine,
            "asyncio": asyncios,
            "generator": generator,
            "error": error,
        }
        assert self.alive(handlers[kind], leave=leave) == 0

    @pytest.mark.parametrize("again", [False, True])
    def test_nor_by_an_error_inside_of_middleware(self, again: bool) -> None:
        async def middleware(request: Request, next: Any) -> Any:
            response = await next(request)
            if again:
                response.raise_error()
            return response

        async def handler(request: Request) -> str:
            raise HTTPError(404)

        assert self.alive(handler, leave=False, middleware=[middleware]) == 0


class TestDisconnect:
    def leave(self, handler: Any) -> None:
        """Send a request, wait until the handler has begun, disconnect, and let the handler end."""

        async def main() -> None:
            app = App()
            app.get("/")(handler)
            asking = asyncio.ensure_future(AsyncClient(app, raise_errors=False).get("/"))
            await run_turns()
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            await run_turns()

        asyncio.run(main())

    @pytest.mark.parametrize("make", [lambda: later(seconds=60), lambda: asyncio.sleep(60)])
    def test_a_coroutine_gets_cancelled_error(self, make: Any, log: Log) -> None:
        seen = []

        async def handler(request: Request) -> str:
            try:
                await make()
            except asyncio.CancelledError:
                seen.append("cancelled")
                raise
            return "never"

        self.leave(handler)
        assert seen == ["cancelled"]
        assert log == []

    def test_a_deferred_is_cancelled(self, log: Log) -> None:
        seen: list[str] = []

        def handler(request: Request) -> Deferred[str]:
            return Deferred(lambda _: seen.append("cancelled"))

        self.leave(handler)
        assert seen == ["cancelled"]
        assert log == []

    def test_an_async_generator_is_closed(self, log: Log) -> None:
        seen = []

        async def handler(request: Request) -> AsyncIterator[str]:
            try:
                yield "begun"
                await asyncio.sleep(60)
            finally:
                seen.append("closed")

        self.leave(handler)
        assert seen == ["closed"]
        assert log == []

    def test_a_handler_may_go_on(self, log: Log) -> None:
        seen = []

        async def handler(request: Request) -> str:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                seen.append(str(request.gone))
                await asyncio.sleep(0)
                seen.append("went on")
            return "never read"

        self.leave(handler)
        assert seen == ["True", "went on"]
        assert log == []

    def test_an_error_while_cleaning_up_is_logged(self, log: Log) -> None:
        async def handler(request: Request) -> None:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                raise KeyError("in the clean-up") from None

        self.leave(handler)
        assert "in the clean-up" in log.text

    def test_middleware_sees_it_too(self) -> None:
        seen = []

        async def middleware(request: Request, next: Any) -> Response:
            try:
                return await next(request)  # type: ignore[no-any-return]
            finally:
                seen.append("middleware")

        async def handler(request: Request) -> str:
            try:
                return await asyncio.sleep(60, "never")
            finally:
                seen.append("handler")

        async def main() -> None:
            app = App(middleware=[middleware])
            app.get("/")(handler)
            asking = asyncio.ensure_future(AsyncClient(app, raise_errors=False).get("/"))
            await run_turns()
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            await run_turns()

        asyncio.run(main())
        assert seen == ["handler", "middleware"]
