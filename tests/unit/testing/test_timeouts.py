"""Handlers and hooks that take longer than the client's timeout."""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Any

import pytest
from tests.unit.conftest import Log
from tests.unit.testing.reactors import make_app
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from ropewalk import App, ASGIOptions, Depends, Request, Response, asgi, wsgi
from ropewalk.asgi import Receive, Scope, Send
from ropewalk.middleware import TimeoutOptions, timeout
from ropewalk.testing import AsyncClient, Client, ClientTimeout, StreamedResponse, idle_reactor, thread_pools

Next = Callable[[Request], Awaitable[Response]]

SHORT = 0.01


async def passing(request: Request, next: Next) -> Response:
    return await next(request)


def make() -> App:
    app = App()

    @app.get("/deferred")
    def deferred(request: Request) -> Any:
        return Deferred()

    @app.get("/coroutine")
    async def coroutine(request: Request) -> Any:
        return await inner()

    async def inner() -> Any:
        return await Deferred()

    @app.get("/asyncio")
    async def asyncios(request: Request) -> Any:
        await asyncio.get_running_loop().create_future()

    @app.get("/stream")
    async def stream(request: Request) -> AsyncIterator[bytes]:
        yield b"first"
        await Deferred()

    @app.get("/endless")
    async def endless(request: Request) -> AsyncIterator[bytes]:
        while True:
            yield b"again"
            await asyncio.sleep(0)

    @app.get("/quick")
    def quick(request: Request) -> str:
        return "quick"

    return app


class TestMessages:
    """The message names the request, the handler, and the line that waits."""

    @pytest.mark.parametrize(
        ("path", "waits"),
        [
            ("/deferred", r"deferred at {here}\d+ waits for <Deferred at \S+>\."),
            ("/coroutine", r"coroutine at {here}\d+ waits at {here}\d+ for <Deferred at \S+>\."),
            ("/asyncio", r"asyncios at {here}\d+ waits at {here}\d+ for <Future pending .*>\."),
            ("/stream", r"stream at {here}\d+ waits"),
        ],
    )
    def test_of_a_handler(self, path: str, waits: str) -> None:
        here = r"tests/unit/testing/test_timeouts\.py:"
        said = rf"RW222 GET {path}: no complete response within 0\.01 s\. make\.<locals>\.{waits.format(here=here)}"
        with pytest.raises(ClientTimeout, match=said):
            Client(make()).get(path, timeout=SHORT)

    def test_the_line_of_the_innermost_wait(self) -> None:
        with pytest.raises(ClientTimeout) as raised:
            Client(make()).get("/coroutine", timeout=SHORT)
        lines = [part.split(":")[1].split()[0] for part in raised.value.message.split("test_timeouts.py")[1:]]
        handler, waits = map(int, lines)
        assert waits == handler + 5  # the line in `inner`

    def test_through_a_middleware(self) -> None:
        app = make()

        @app.middleware
        async def around(request: Request, next: Next) -> Response:
            return await next(request)

        with pytest.raises(ClientTimeout, match=r"make\.<locals>\.coroutine at .* waits at tests/unit/testing"):
            Client(app).get("/coroutine", timeout=SHORT)

    @pytest.mark.parametrize(
        "around", [[], [timeout(TimeoutOptions(seconds=60))]], ids=["", "in the middleware timeout"]
    )
    @pytest.mark.parametrize("kind", ["coroutine", "generator", "end of a generator", "stream"])
    def test_of_a_provider_or_a_stream(self, kind: str, around: list[Any]) -> None:
        async def wait() -> None:
            await asyncio.Event().wait()

        async def provide() -> int:
            await wait()
            return 1

        async def begin() -> AsyncIterator[int]:
            await wait()
            yield 1

        async def end() -> AsyncIterator[int]:
            yield 1
            await wait()

        def handler(value: Annotated[int, Depends(begin if kind == "generator" else provide)]) -> int:
            return value

        def ending(value: Annotated[int, Depends(end, scope="handler")]) -> int:
            return value

        app = App(middleware=around)
        app.get("/")(begin if kind == "stream" else ending if kind == "end of a generator" else handler)
        line = wait.__code__.co_firstlineno + 1
        with pytest.raises(ClientTimeout, match=rf"waits at tests/unit/testing/test_timeouts\.py:{line} for <Future"):
            Client(app).get("/", timeout=SHORT)

    @pytest.mark.parametrize("around", [[], [passing]], ids=["", "in a middleware"])
    @pytest.mark.parametrize("begun", [False, True])
    def test_of_an_asgi_application(self, begun: bool, around: list[Any]) -> None:
        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            if begun:
                await send({"type": "http.response.start", "status": 200, "headers": []})
                await send({"type": "http.response.body", "body": b"some", "more_body": True})
            await asyncio.Event().wait()

        app = App(middleware=around)
        app.mount("/", asgi(application, ASGIOptions(lifespan="off")))
        said = r"GET /a \(route /\{{\.\.\.\}}\): no .*\.application at {here}\d+ waits at {here}\d+ for <Future pending"
        with pytest.raises(ClientTimeout, match=said.format(here=r"tests/unit/testing/test_timeouts\.py:")):
            Client(app).get("/a", timeout=SHORT)

    def test_of_a_route_with_parameters(self) -> None:
        app = App()
        app.get("/users/{id}")(lambda request, id: Deferred())
        with pytest.raises(ClientTimeout, match=r"GET /users/7\?a=b \(route /users/\{id\}\): no complete response"):
            Client(app).get("/users/7?a=b", timeout=SHORT)

    def test_of_timers_after_an_advance(self) -> None:
        client = Client(make())
        client.advance(61)
        with pytest.raises(ClientTimeout, match=r"was advanced by 61 s, which timers of the reactor do not follow"):
            client.get("/deferred", timeout=SHORT)

    def test_of_another_request_of_the_same_application(self) -> None:
        """The message for one request never names a line of another."""

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["path"] != "/waits":
                await send({"type": "http.response.start", "status": 200, "headers": []})
                await send({"type": "http.response.body", "body": b"whole"})
            await asyncio.Event().wait()

        async def main() -> None:
            client = AsyncClient(asgi(application, ASGIOptions(lifespan="off")))
            assert (await client.get("/")).text == "whole"
            with pytest.raises(
                ClientTimeout, match=r"GET /waits \(route /\{\.\.\.\}\): no .*\.application at \S+ waits at"
            ):
                await client.get("/waits", timeout=SHORT)

        asyncio.run(main())

    def test_of_a_wsgi_application(self) -> None:
        going = threading.Event()

        def application(environ: Any, start_response: Any) -> list[bytes]:
            going.wait()
            start_response("200 OK", [])
            return [b"late"]

        with pytest.raises(ClientTimeout, match=r"\.application at \S+ runs on a thread, or waits for one\."):
            Client(wsgi(application)).get("/", timeout=SHORT)
        going.set()

    def test_the_remedy(self) -> None:
        with pytest.raises(ClientTimeout, match=r"another timeout: `timeout=` takes seconds, or None for no limit\.$"):
            Client(make()).get("/deferred", timeout=SHORT)

    def test_the_remedy_where_the_reactor_runs_in_another_thread(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Running:
            running = True

            def callLater(self) -> None: ...

        monkeypatch.setitem(sys.modules, "twisted.internet.reactor", Running())
        monkeypatch.setattr(idle_reactor, "isInIOThread", lambda: False)
        with pytest.raises(
            ClientTimeout, match=r"The reactor runs in another thread\. Let it run the test, with AsyncClient\.$"
        ):
            Client(make()).get("/deferred", timeout=SHORT)


class TestTime:
    def test_of_the_client_and_of_the_request(self) -> None:
        client = Client(make(), timeout=SHORT)
        with pytest.raises(TimeoutError):
            client.get("/deferred")
        assert client.get("/quick", timeout=None).text == "quick"
        with pytest.raises(TimeoutError):
            client.get("/deferred")  # the client's own timeout is unchanged

    def test_the_client_may_be_used_again(self, log: Log) -> None:
        client = Client(make())
        for path in ("/coroutine", "/deferred", "/asyncio", "/stream"):
            with pytest.raises(ClientTimeout):
                client.get(path, timeout=SHORT)
            assert client.get("/quick").text == "quick"
        assert "RW2" not in log.text

    @pytest.mark.parametrize("timeout", [0, -1, "5", float("nan")])
    def test_what_is_none(self, timeout: Any) -> None:
        with pytest.raises(ValueError, match="A timeout must be a number of seconds greater than 0, or None, not "):
            Client(make(), timeout=timeout)
        with pytest.raises(ValueError, match="A timeout must be a number of seconds greater than 0"):
            Client(make()).get("/quick", timeout=timeout)

    def test_it_is_for_the_whole_response(self) -> None:
        with pytest.raises(ClientTimeout, match=r"RW222 GET /endless: no complete response within"):
            Client(make()).get("/endless", timeout=SHORT)

    def test_of_a_stream_it_is_for_each_part(self) -> None:
        async def main() -> None:
            async with await AsyncClient(make(), timeout=SHORT).stream("GET", "/stream") as response:
                assert isinstance(response, StreamedResponse)
                await asyncio.sleep(2 * SHORT)  # the time between two reads is not counted
                assert await anext(aiter(response)) == b"first"
                with pytest.raises(ClientTimeout):
                    await anext(aiter(response))

        asyncio.run(main())

    def test_a_thread_that_goes_on_does_not_hold_up_the_client(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(thread_pools, "END_TIMEOUT", SHORT)
        end = threading.Event()
        app = make_app([])

        @app.get("/busy")
        async def busy(request: Request) -> Any:
            return await deferToThread(end.wait)

        client = Client(app)
        with pytest.raises(ClientTimeout, match=r"busy at .* for <Deferred"):
            client.get("/busy", timeout=SHORT)
        assert client.get("/in_a_thread").text == "well"
        end.set()

    def test_nothing_is_left_in_the_loop(self) -> None:
        async def main() -> None:
            client = AsyncClient(make())
            await client.get("/quick")
            with pytest.raises(ClientTimeout):
                await client.get("/deferred", timeout=SHORT)
            loop: Any = asyncio.get_running_loop()
            assert [handle for handle in loop._scheduled if not handle.cancelled()] == []

        asyncio.run(main())


class TestHooks:
    @pytest.mark.parametrize("kind", ["start", "stop"])
    @pytest.mark.parametrize("wait", [Deferred, lambda: asyncio.sleep(60)])
    def test_they_are_cancelled(self, wait: Callable[[], Any], kind: str) -> None:
        seen: list[str] = []

        async def hook() -> None:
            try:
                await wait()
            finally:
                seen.append("cancelled")

        app = make()
        (app.on_start if kind == "start" else app.on_stop)(hook)
        said = (
            rf"RW222 A {kind} hook has not ended within 0.01 s\. It waited at tests/unit/testing/test_timeouts\.py:\d+"
        )
        with pytest.raises(ClientTimeout, match=said), Client(app, timeout=SHORT):
            pass
        assert seen == ["cancelled"]

    def test_a_timeout_of_their_own_is_theirs(self) -> None:
        def hook() -> None:
            raise TimeoutError("its own")

        app = make()
        app.on_start(hook)
        with pytest.raises(TimeoutError, match="its own"), Client(app):
            pass

    def test_they_may_await_deferreds(self) -> None:
        hooks: list[str] = []
        with Client(make_app(hooks)) as client:
            assert hooks == ["well", "well"]
            assert client.get("/both").text == "well"
        assert hooks == ["well"] * 4


class TestClosing:
    def test_twice_and_in_with(self) -> None:
        client = Client(make())
        with client:
            assert client.get("/quick").text == "quick"
            client.close()
            assert client.get("/quick").text == "quick"
        client.close()
        client.close()
        assert client.get("/quick").text == "quick"
        client.close()

    def test_what_still_runs_is_cancelled(self) -> None:
        seen: list[str] = []
        app = App()

        @app.get("/")
        async def handler(request: Request) -> str:
            tasks.append(asyncio.create_task(work()))
            await asyncio.sleep(0)
            return ""

        async def work() -> None:
            try:
                await asyncio.sleep(60)
            finally:
                seen.append("cancelled")

        tasks: list[Any] = []
        with Client(app) as client:
            client.get("/")
        if tasks[0].get_loop().is_closed():  # otherwise the loop belongs to the reactor
            assert seen == ["cancelled"]

    def test_threads_end(self) -> None:
        before = set(threading.enumerate())
        with Client(make_app([])) as client:
            assert client.get("/in_a_thread").text == "well"
        assert [each for each in set(threading.enumerate()) - before if "twisted" in each.name] == []


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
async def test_under_the_plugin_of_anyio() -> None:
    async with AsyncClient(make_app([])) as client:
        assert (await client.get("/both")).text == "well"
