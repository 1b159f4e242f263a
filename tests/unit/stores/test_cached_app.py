"""Cached responses in a real Redis, which is killed."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.stores.redis_process import RedisProcess

from ropewalk import App, Response
from ropewalk.caching import Cache, CacheOptions
from ropewalk.stores import RedisResponses, RedisServer
from ropewalk.testing import AsyncClient

Run = Callable[[Coroutine[Any, Any, Any]], Any]


class Calls:
    """Counts the calls of handlers."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> int:
        self.count += 1
        return self.count


async def stored(cache: Cache) -> None:
    """Wait until the responses that were sent are stored."""
    async with asyncio.timeout(20):
        while cache.flights:
            await asyncio.sleep(0)


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture
def server(redis_process: RedisProcess) -> Iterator[RedisServer]:
    server = RedisServer(redis_process.url, timeout=20, retry_after=1000)
    yield server
    server.close()


def test_the_handler_responds_while_redis_is_gone(
    server: RedisServer, redis_process: RedisProcess, calls: Calls, log: Log, run: Run
) -> None:
    cache = Cache(CacheOptions(store=RedisResponses(server)))
    app = App(middleware=[cache(60)])
    app.get("/")(lambda request: str(calls()))

    async def main() -> None:
        async with AsyncClient(app) as client:
            assert [(await client.get("/")).text for _ in range(3)] == ["1"] * 3
            await stored(cache)
            redis_process.kill()
            assert [(await client.get("/")).text for _ in range(3)] == ["2", "3", "4"]

    run(main())
    assert [event["log_format"][:5] for event in log] == ["RW234"]


def test_two_apps_share_responses_in_redis(server: RedisServer, calls: Calls, run: Run) -> None:
    def make() -> tuple[App, Cache]:
        cache = Cache(CacheOptions(store=RedisResponses(server)))
        app = App(middleware=[cache(60, tags=["rooms"])])
        app.get("/")(lambda request: Response(f"\u00fc {calls()}", 200, {"vary": "Accept"}))
        return app, cache

    async def main() -> None:
        (one, cache_of_one), (two, cache) = make(), make()
        async with AsyncClient(one) as first, AsyncClient(two) as second:
            assert (await first.get("/")).text == "\u00fc 1"
            await stored(cache_of_one)
            found = await second.get("/")
            assert (found.text, found.headers["content-type"]) == ("\u00fc 1", "text/plain; charset=utf-8")
            assert (await second.get("/", headers={"if-none-match": found.headers["etag"]})).status == 304
            await cache.purge(tags=["rooms"])
            assert (await first.get("/")).text == "\u00fc 2"

    run(main())
