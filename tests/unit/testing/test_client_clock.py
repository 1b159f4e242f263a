"""The clock of the client: what `advance` moves, and what it does not."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock, deferLater

from ropewalk import App, Request, Response, clocks
from ropewalk.auth import BearerJWT, BearerJWTOptions, authenticate
from ropewalk.middleware import (
    IdempotencyOptions,
    RateLimit,
    RateLimitOptions,
    TimeoutOptions,
    idempotency,
    rate_limit,
    timeout,
)
from ropewalk.stores import MemoryIdempotency, SQLiteIdempotency
from ropewalk.testing import AsyncClient, Client, ClientClock

Run = Callable[[Coroutine[Any, Any, Any]], Any]

SECRET = "a secret of 32 bytes for the tests!"
SOURCES: Any = pytest.mark.parametrize("source", [None, Clock], ids=["the time of the system", "a Clock"])


def make(*middleware: Any) -> App:
    app = App(middleware=middleware)

    @app.route("/", methods=["GET", "POST"])
    async def hello(request: Request) -> str:
        return "hello"

    return app


@SOURCES
class TestStores:
    def test_a_rate_limit(self, source: Any) -> None:
        client = Client(make(rate_limit(RateLimitOptions(limits=RateLimit(1, 60)))), clock=source and source())
        assert [client.get("/").status for _ in range(2)] == [200, 429]
        client.advance(30)
        assert client.get("/").status == 429
        client.advance(31)
        assert [client.get("/").status for _ in range(2)] == [200, 429]

    @pytest.mark.parametrize("kind", ["memory", "file"])
    def test_an_idempotency_key(self, kind: str, source: Any, tmp_path: Path) -> None:
        store: Any = MemoryIdempotency() if kind == "memory" else SQLiteIdempotency(tmp_path / "keys.db", timeout=20)
        app = make(idempotency(IdempotencyOptions(store=store, expires=60)))
        client = Client(app, clock=source and source())

        def replayed() -> bool:
            return "idempotent-replayed" in client.post("/", headers={"idempotency-key": "a"}).headers

        assert [replayed(), replayed()] == [False, True]
        client.advance(61)
        assert [replayed(), replayed()] == [False, True]
        if kind == "file":
            store.close()


class TestTokens:
    def test_one_that_expires(self) -> None:
        key = OctKey.import_key(SECRET)
        token = jwt.encode({"alg": "HS256"}, {"sub": "ada", "exp": int(time.time()) + 3600}, key)
        scheme = BearerJWT(BearerJWTOptions(keys=SECRET, algorithms=("HS256",), issuer=None, audience=None))
        client = Client(make(authenticate(scheme)))
        client.login(token=token)
        assert client.get("/").status == 200
        client.advance(3000)
        assert client.get("/").status == 200
        client.advance(3000)
        assert client.get("/").status == 401
        assert Client(client.app, headers=client.headers.lines()).get("/").status == 200  # another clock
        assert Client(client.app, headers=client.headers.lines(), clock=client.clock).get("/").status == 401


class TestCookies:
    def test_one_that_expires(self) -> None:
        app = App()

        @app.get("/")
        def handler(request: Request) -> Response:
            response = Response(request.cookies.get("a", ""))
            if not request.cookies:
                response.set_cookie("a", "1", max_age=60)
            return response

        client = Client(app)
        assert [client.get("/").text for _ in range(2)] == ["", "1"]
        client.advance(61)
        assert client.get("/").text == ""


@SOURCES
class TestTimeouts:
    """The middleware `timeout` follows the clock, under asyncio and under a reactor alike."""

    def test_it_ends_a_handler(self, source: Any, run: Run) -> None:
        app = App(middleware=[timeout(TimeoutOptions(seconds=3600))])
        began: list[str] = []

        @app.get("/")
        async def handler(request: Request) -> str:
            began.append("began")
            await Deferred()
            return "never"

        async def main() -> None:
            async with AsyncClient(app, clock=source and source()) as client:
                running = asyncio.ensure_future(client.get("/"))
                while not began:
                    await asyncio.sleep(0)
                client.advance(3599)
                for _ in range(5):
                    await asyncio.sleep(0)
                assert not running.done()
                client.advance(2)
                assert (await running).status == 503

        run(main())

    def test_a_handler_that_ends_in_time(self, source: Any, run: Run) -> None:
        app = App(middleware=[timeout(TimeoutOptions(seconds=3600))])
        waits: list[Deferred[str]] = []

        @app.get("/")
        async def handler(request: Request) -> str:
            waits.append(Deferred())
            return await waits[-1]

        async def main() -> None:
            async with AsyncClient(app, clock=source and source()) as client:
                running = asyncio.ensure_future(client.get("/"))
                while not waits:
                    await asyncio.sleep(0)
                waits[0].callback("in time")
                assert (await running).text == "in time"
                client.advance(7200)

        run(main())

    def test_a_handler_may_advance_it(self, source: Any) -> None:
        app = App(middleware=[timeout(TimeoutOptions(seconds=3600))])

        @app.get("/")
        async def handler(request: Request) -> str:
            asyncio.get_running_loop().call_soon(client.advance, 3601)
            await Deferred()
            return "never"

        client = Client(app, clock=source and source())
        assert client.get("/").status == 503


class TestCode:
    def test_that_reads_the_time(self) -> None:
        app = App()
        app.get("/")(lambda request: [clocks.monotonic(), clocks.unix_time()])
        client = Client(app, clock=Clock())
        first = client.get("/").json()
        client.advance(100)
        assert client.get("/").json() == pytest.approx([each + 100 for each in first])
        assert clocks.monotonic() < first[0] + 50  # outside of requests, time is real

    def test_hooks(self) -> None:
        app, read = App(), []
        for hook in (app.on_start, app.on_stopping, app.on_stop):
            hook(lambda: read.append(clocks.monotonic()))
        clock = Clock()
        with Client(app, clock=clock) as client:
            client.advance(100)
        first, stopping, stop = read
        assert (stopping - first, stop - first) == pytest.approx((100, 100))

    def test_a_clock_of_twisted_is_for_the_program_too(self, run: Run) -> None:
        app, clock = App(), Clock()

        @app.get("/")
        async def handler(request: Request) -> str:
            return await deferLater(clock, 60, str, "later")

        async def main() -> None:
            async with AsyncClient(app, clock=clock) as client:
                running = asyncio.ensure_future(client.get("/"))
                while not clock.getDelayedCalls():
                    await asyncio.sleep(0)
                client.advance(60)
                assert (await running).text == "later"

        run(main())


class TestMistakes:
    @pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), True, "61", None])
    def test_of_advance(self, seconds: Any) -> None:
        with pytest.raises(ValueError, match="A clock can be advanced by 0 or more seconds, not by"):
            Client(make()).advance(seconds)

    def test_of_the_clock(self) -> None:
        with pytest.raises(TypeError, match=r"clock is 61, of type int\. Give a twisted\.internet\.task\.Clock"):
            Client(make(), clock=61)

    def test_a_source_that_cannot_be_advanced(self) -> None:
        class Source:
            def seconds(self) -> float:
                return 0.0

            def callLater(self, *arguments: Any) -> None: ...

        with pytest.raises(TypeError, match="Source has no `advance`"):
            Client(make(), clock=Source()).advance(1)

    def test_representation(self) -> None:
        clock = ClientClock()
        clock.advance(61)
        assert (repr(clock), clock.advanced) == ("<ClientClock, advanced by 61 s>", 61)
