"""The middlewares with real stores: on every kind of reactor, and while Redis is killed and started again."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.stores.clocks import Clock
from tests.unit.stores.redis_process import RedisProcess
from twisted.internet.defer import Deferred

from ropewalk import App, Request
from ropewalk.middleware import IdempotencyOptions, RateLimit, RateLimitOptions, idempotency, rate_limit
from ropewalk.stores import RedisIdempotency, RedisRateLimits, RedisServer, StoreUnavailable
from ropewalk.testing import AsyncClient

Run = Callable[[Coroutine[Any, Any, Any]], Any]

PROGRAM = Path(__file__).with_name("reactors.py")


@pytest.fixture
def server(redis_process: RedisProcess, clock: Clock) -> Iterator[RedisServer]:
    server = RedisServer(redis_process.url, timeout=20, clock=clock)
    yield server
    server.close()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["epoll", "select", "asyncio"])
def test_on_a_reactor(kind: str, running_redis: RedisProcess, tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", str(PROGRAM), kind, running_redis.url, str(tmp_path / "keys.db")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.strip() == str([(200, "call 1"), (200, "call 1"), (200, "call 1"), (429, "")]), done.stderr
    assert done.returncode == 0


@pytest.mark.parametrize(("policy", "status"), [("open", 200), ("closed", 503)])
def test_a_rate_limit_while_redis_is_killed(
    policy: Any, status: int, server: RedisServer, redis_process: RedisProcess, clock: Clock, run: Run, log: Log
) -> None:
    limit = RateLimitOptions(limits=RateLimit(2, 3600), store=RedisRateLimits(server), on_store_failure=policy)
    app = App(middleware=[rate_limit(limit)])
    app.get("/")(lambda request: "")

    async def calls() -> None:
        async with AsyncClient(app) as client:

            async def statuses(times: int) -> list[int]:
                return [(await client.get("/")).status for _ in range(times)]

            assert await statuses(3) == [200, 200, 429]
            redis_process.kill()
            assert await statuses(5) == [status] * 5
            redis_process.start()
            clock.now += 1
            assert await statuses(3) == [200, 200, 429]

    run(calls())
    assert len(log) == 2  # Redis is not reachable, and later it is reachable again


POLICIES: Any = pytest.mark.parametrize(("policy", "status"), [("open", 200), ("closed", 503)])


@POLICIES
@pytest.mark.parametrize("then", ["it runs again", "it is killed"])
def test_a_rate_limit_while_redis_does_not_respond(
    policy: Any, status: int, then: str, redis_process: RedisProcess, clock: Clock, run: Run, log: Log
) -> None:
    """Redis stops responding, or ends, while requests wait for it. They pass or get 503, as `on_store_failure` says."""
    server = RedisServer(redis_process.url, timeout=0.05 if then == "it runs again" else 20, clock=clock)
    limit = RateLimitOptions(limits=RateLimit(2, 3600), store=RedisRateLimits(server), on_store_failure=policy)
    app = App(middleware=[rate_limit(limit)])
    app.get("/")(lambda request: "passed")

    async def calls() -> None:
        async with AsyncClient(app) as client:
            redis_process.pause()
            running = [asyncio.ensure_future(client.get("/")) for _ in range(100)]
            if then == "it is killed":
                await asyncio.sleep(0)
                redis_process.kill()
            assert [each.status for each in await asyncio.gather(*running)] == [status] * 100
            if then == "it is killed":
                redis_process.start()
            else:
                redis_process.resume()
                await recovered(server, clock)
            clock.now += 1
            if then == "it is killed":
                assert [(await client.get("/")).status for _ in range(3)] == [200, 200, 429]

    run(calls())
    server.close()


async def recovered(server: RedisServer, clock: Clock) -> None:
    """Wait until the server responds within the timeout."""
    while True:
        clock.now += 1
        try:
            await server.call(lambda client: client.ping())
        except StoreUnavailable:
            continue
        return


@POLICIES
@pytest.mark.parametrize("failure", ["stalls", "is killed"])
def test_an_idempotency_key_while_redis_fails(
    failure: str, policy: Any, status: int, redis_process: RedisProcess, clock: Clock, run: Run, log: Log
) -> None:
    """Redis stops responding, or ends, while claims wait for it. No request is processed twice: a claim that Redis
    processes later is released, or is lost with Redis.
    """
    server = RedisServer(redis_process.url, timeout=0.05 if failure == "stalls" else 20, clock=clock)
    options = IdempotencyOptions(store=RedisIdempotency(server), on_store_failure=policy)
    app = App(middleware=[idempotency(options)])
    calls: list[str] = []

    @app.post("/")
    def handler(request: Request) -> str:
        calls.append(request.headers["idempotency-key"])
        return calls[-1]

    async def main() -> None:
        async with AsyncClient(app) as client:

            async def post(key: str) -> Any:
                return await client.post("/", headers={"idempotency-key": key})

            redis_process.pause()
            running = [asyncio.ensure_future(post(f"key-{number}")) for number in range(20)]
            if failure == "is killed":
                await asyncio.sleep(0)
                redis_process.kill()
            assert [each.status for each in await asyncio.gather(*running)] == [status] * 20
            assert len(calls) == (20 if policy == "open" else 0)
            calls.clear()
            if failure == "is killed":
                redis_process.start()
            else:
                redis_process.resume()
                await recovered(server, clock)
            clock.now += 1
            if failure == "is killed":
                assert [(await post("again")).text for _ in range(2)] == ["again", "again"]
                assert calls == ["again"]

    run(main())
    server.close()


def test_idempotency_keys_while_redis_is_killed(
    server: RedisServer, redis_process: RedisProcess, clock: Clock, run: Run, log: Log
) -> None:
    """The response of a running request is sent. Further requests are refused until Redis is back."""
    waits: list[Deferred[str]] = []

    def wait(request: Request) -> Deferred[str]:
        waits.append(Deferred())
        return waits[-1]

    app = App(middleware=[idempotency(IdempotencyOptions(store=RedisIdempotency(server)))])
    app.post("/")(wait)

    async def calls() -> None:
        async with AsyncClient(app) as client:

            async def post(key: str) -> Any:
                return await client.post("/", headers={"idempotency-key": key})

            running = asyncio.ensure_future(post("a"))
            while not waits:
                await asyncio.sleep(0)
            redis_process.kill()
            waits[0].callback("done")
            assert (await running).text == "done"
            assert [(await post(key)).status for key in "ab"] == [503, 503]
            redis_process.start()
            clock.now += 1
            again = asyncio.ensure_future(post("a"))  # Redis has kept nothing, so the request is processed again
            while len(waits) < 2:
                await asyncio.sleep(0)
            waits[1].callback("done again")
            assert (await again).text == "done again"
            assert (await post("a")).headers["idempotent-replayed"] == "true"

    run(calls())
    assert "was not kept" in log.text
    assert len(waits) == 2
