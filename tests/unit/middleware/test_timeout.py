"""A limit on the time until a response begins."""

import asyncio
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from math import inf, nan
from pathlib import Path
from threading import Event
from typing import Annotated, Any

import pytest
from tests.problems import problem
from tests.unit.conftest import Log
from tests.unit.turns import until
from twisted.internet.defer import CancelledError as DeferredCancelled
from twisted.internet.defer import Deferred
from twisted.logger import formatEvent

from ropewalk import NOT_DONE_YET, App, Depends, HTTPError, Request, Resource, Response, asgi, wsgi
from ropewalk.errors import HandlerError
from ropewalk.middleware import Next, TimeoutOptions, timeout
from ropewalk.testing import AsyncClient, ClientResponse

SOON = TimeoutOptions(seconds=0.01)


def serve(handler: Any, options: TimeoutOptions = SOON, **route: Any) -> App:
    app = App(middleware=[timeout(options)])
    app.get("/", **route)(handler)
    return app


def get(app: App) -> ClientResponse:
    async def ask() -> ClientResponse:
        async with AsyncClient(app) as client:
            return await client.get("/")

    return asyncio.run(ask())


class Cancelled:
    """Handlers that never end, and note how they are cancelled."""

    def __init__(self) -> None:
        self.by: list[type[BaseException]] = []

    def deferred(self, request: Request) -> "Deferred[str]":
        return Deferred(lambda _: self.by.append(DeferredCancelled))

    async def awaits_deferred(self, request: Request) -> str:
        try:
            return await Deferred[str]()
        except BaseException as error:
            self.by.append(type(error))
            raise

    async def awaits_future(self, request: Request) -> str:
        try:
            await asyncio.get_running_loop().create_future()
            return "late"
        except BaseException as error:
            self.by.append(type(error))
            raise

    async def stream(self, request: Request) -> AsyncIterator[str]:
        yield await self.awaits_deferred(request)


class TestOnAsyncio:
    @pytest.mark.parametrize("kind", ["deferred", "awaits_deferred", "awaits_future", "stream"])
    @pytest.mark.parametrize("status", [503, 504])
    def test_the_handler_is_cancelled(self, kind: str, status: Any, log: Log) -> None:
        cancelled = Cancelled()
        options = TimeoutOptions(seconds=0.01, status=status, retry_after=7)
        response = get(serve(getattr(cancelled, kind), options))
        assert (response.status, response.text) == (status, problem(status, "The response took too long."))
        assert response.headers["retry-after"] == "7"
        assert len(cancelled.by) == 1
        (warning,) = log
        here = r"tests/unit/middleware/test_timeout\.py:\d+"
        waits = rf"Cancelled\.{kind} at {here} waits{'' if kind == 'deferred' else f' at {here}'}\."
        assert re.fullmatch(
            rf"RW308 GET /: no response began within 0\.01 s\. {waits} Find out why .*", formatEvent(warning)
        )

    def test_the_log_names_the_line_of_a_provider(self, log: Log) -> None:
        async def session() -> AsyncIterator[int]:
            await asyncio.Event().wait()
            yield 1

        async def handler(session: Annotated[int, Depends(session)]) -> int:
            return session

        assert get(serve(handler)).status == 503
        assert log[0]["waits"].endswith(f"test_timeout.py:{session.__code__.co_firstlineno + 1}.")

    @pytest.mark.parametrize("kind", ["plain", "text"])
    def test_a_slow_body_is_no_warning(self, kind: str, log: Log, debug_log: Log) -> None:
        """If the time passes while the body arrives, no warning is logged, because clients that send slowly could fill
        the log."""

        async def text(request: Request) -> str:
            return await request.text()

        def plain(request: Request) -> str:
            return "late"

        app = App(middleware=[timeout(SOON)])
        app.post("/")({"plain": plain, "text": text}[kind])

        async def parts() -> AsyncIterator[bytes]:
            yield b"some"
            await until(lambda: debug_log)

        async def ask() -> ClientResponse:
            async with AsyncClient(app) as client:
                return await client.post("/", body=parts())

        assert asyncio.run(ask()).status == 503
        assert log.text == ""
        assert "RW308 POST /: no response began within 0.01 s. The client has not sent" in debug_log.text

    def test_one_route(self) -> None:
        app = App()
        app.get("/", middleware=[timeout(SOON)])(Cancelled().deferred)
        assert get(app).status == 503

    def test_an_error_handler_gets_it(self) -> None:
        app = serve(Cancelled().deferred)

        @app.error(503)
        def busy(request: Request, error: HTTPError) -> dict[str, int]:
            return {"busy": error.status}

        response = get(app)
        assert (response.status, response.json()) == (503, {"busy": 503})

    def test_middleware_around_it_goes_on_and_may_wait(self) -> None:
        async def outer(request: Request, next: Next) -> Response:
            response = await next(request)
            await asyncio.sleep(0)
            response.headers["x-cancelling"] = str(asyncio.current_task().cancelling())  # type: ignore[union-attr]
            return response

        app = App(middleware=[outer, timeout(SOON)])
        app.get("/")(Cancelled().awaits_future)
        response = get(app)
        assert (response.status, response.headers["x-cancelling"]) == (503, "0")

    def test_a_handler_may_clean_up_and_respond(self) -> None:
        async def handler(request: Request) -> str:
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                await asyncio.sleep(0)
            return "what there is"

        assert get(serve(handler)).text == "what there is"

    def test_mounted_applications(self) -> None:
        release = Event()

        async def asgi_application(scope: Any, receive: Any, send: Any) -> None:
            await asyncio.get_running_loop().create_future()

        def wsgi_application(environ: Any, start_response: Any) -> list[bytes]:
            release.wait(10)
            start_response("200 OK", [])
            return [b"late"]

        app = App(middleware=[timeout(SOON)])
        app.mount("/asgi", asgi(asgi_application))
        app.mount("/wsgi", wsgi(wsgi_application))

        async def ask() -> list[int]:
            client = AsyncClient(app)
            try:
                return [(await client.get(path)).status for path in ("/asgi", "/wsgi")]
            finally:
                release.set()

        assert asyncio.run(ask()) == [503, 503]

    def test_the_inner_of_two_counts(self) -> None:
        app = App(middleware=[timeout(TimeoutOptions(seconds=60, status=504))])
        app.get("/", middleware=[timeout(SOON)])(Cancelled().awaits_future)
        assert get(app).status == 503

    def test_the_outer_of_two_counts(self) -> None:
        app = App(middleware=[timeout(SOON)])
        app.get("/", middleware=[timeout(TimeoutOptions(seconds=60, status=504))])(Cancelled().awaits_future)
        assert get(app).status == 503


def test_a_response_that_has_begun_is_not_cut() -> None:
    async def handler(request: Request) -> AsyncIterator[str]:
        yield "begun "
        await asyncio.sleep(0.03)
        yield "and finished"

    assert get(serve(handler)).text == "begun and finished"


def test_a_resource_that_writes_by_itself_is_not_cut() -> None:
    class Writing(Resource):
        async def render_GET(self, request: Request) -> Any:
            request.write("begun ")
            await asyncio.sleep(0.03)
            request.write("and finished")
            request.finish()
            return NOT_DONE_YET

    app = App(middleware=[timeout(SOON)])
    app.mount("/", Writing())
    assert get(app).text == "begun and finished"


def test_without_asyncio() -> None:
    """On one of Twisted's own reactors, in a separate process, because a process can install only one reactor."""
    program = Path(__file__).with_name("timeout_on_twisted.py")
    done = subprocess.run(
        [sys.executable, "-W", "error", str(program)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "done\n")


def test_the_exception_of_a_handler_that_waited_is_its_own(log: Log) -> None:
    async def handler(request: Request) -> str:
        await asyncio.sleep(0)
        raise HTTPError(409)

    assert get(serve(handler, TimeoutOptions(seconds=60))).status == 409


@pytest.mark.parametrize(
    "options",
    [
        *({"seconds": 0}, {"seconds": -1}, {"seconds": inf}, {"seconds": nan}, {"seconds": "5"}, {"seconds": True}),
        *({"seconds": 1, "status": 500}, {"seconds": 1, "retry_after": -1}),
    ],
)
def test_wrong_options(options: dict[str, Any]) -> None:
    with pytest.raises(HandlerError, match="RW230 TimeoutOptions"):
        TimeoutOptions(**options)
