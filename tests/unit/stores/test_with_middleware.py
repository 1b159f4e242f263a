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
from ropewalk.middleware import IdempotencyOptions, Limit, RateLimit, idempotency, rate_limit
from ropewalk.stores import RedisIdempotency, RedisRateLimits, RedisServer
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
    limit = RateLimit(Limit(2, 3600), store=RedisRateLimits(server), on_store_failure=policy)
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
    assert len(log) == 2  # it is not reachable, and it is again


def test_a_rate_limit_while_redis_does_not_respond(redis_process: RedisProcess, run: Run, log: Log) -> None:
    server = RedisServer(redis_process.url, timeout=0.05)
    app = App(middleware=[rate_limit(RateLimit(Limit(2, 3600), store=RedisRateLimits(server)))])
    app.get("/")(lambda request: "passed")

    async def calls() -> list[str]:
        async with AsyncClient(app) as client:
            return [each.text for each in await asyncio.gather(*(client.get("/") for _ in range(200)))]

    redis_process.pause()
    assert run(calls()) == ["passed"] * 200
    redis_process.resume()
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
