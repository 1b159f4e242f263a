"""`RedisServer` while its Redis is killed, is started again, or does not respond."""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.stores.clocks import Clock
from tests.unit.stores.redis_process import RedisProcess

from ropewalk.errors import HandlerError
from ropewalk.stores import (
    Bucket,
    RedisIdempotency,
    RedisRateLimits,
    RedisServer,
    RedisSessions,
    StoreUnavailable,
    Taken,
)

Run = Callable[[Coroutine[Any, Any, Any]], Any]

BUCKET = Bucket("limit", "key", 2, 1e-6)


@pytest.fixture
def server(redis_process: RedisProcess, clock: Clock) -> Iterator[RedisServer]:
    server = RedisServer(redis_process.url, timeout=20, clock=clock)
    yield server
    server.close()


def test_a_server_that_is_killed_and_started_again(
    server: RedisServer, redis_process: RedisProcess, clock: Clock, run: Run, log: Log
) -> None:
    store = RedisRateLimits(server)

    async def calls() -> None:
        assert (await store.take([BUCKET])).allowed
        redis_process.kill()
        with pytest.raises(StoreUnavailable, match=f"RW234 Redis at 127.0.0.1:{redis_process.port} failed: "):
            await store.take([BUCKET])
        with pytest.raises(StoreUnavailable, match="was not reachable a moment ago"):
            await store.take([BUCKET])
        redis_process.start()
        with pytest.raises(StoreUnavailable, match="was not reachable a moment ago"):
            await store.take([BUCKET])
        clock.now += 1
        assert await store.take([BUCKET]) == Taken(True, (1.0,))  # the script has to be loaded again
        assert await store.take([BUCKET]) == Taken(True, (0.0,))

    run(calls())
    assert [event.get("log_level").name for event in log] == ["error", "info"]  # type: ignore[union-attr]
    assert "RW234 Redis at 127.0.0.1:" in log.text
    assert ".." not in log.text
    assert "is reachable again" in log.text


def test_one_call_at_a_time_tries_a_server_that_is_gone(
    server: RedisServer, redis_process: RedisProcess, clock: Clock, run: Run, log: Log
) -> None:
    tries: list[int] = []

    def try_it(client: Any) -> Any:
        tries.append(1)
        return client.ping()

    async def call() -> None:
        with pytest.raises(StoreUnavailable):
            await server.call(try_it)

    async def calls() -> None:
        redis_process.kill()
        await call()
        for _ in range(5):
            clock.now += 1
            await asyncio.gather(*(call() for _ in range(20)))

    run(calls())
    assert len(tries) == 6
    assert len(log) == 1


def test_a_server_that_does_not_respond(redis_process: RedisProcess, run: Run, log: Log) -> None:
    server = RedisServer(redis_process.url, timeout=0.05, threads=2, waiting=3, retry_after=0)
    redis_process.pause()

    async def calls() -> list[Any]:
        return await asyncio.gather(
            *(server.call(lambda client: client.ping()) for _ in range(20)), return_exceptions=True
        )

    errors = run(calls())
    redis_process.resume()
    assert {type(error) for error in errors} == {StoreUnavailable}
    # refused at once, because the queue is full
    assert sum("calls wait for it" in str(error) for error in errors) == 15
    server.close()


def test_idempotency_keys_after_a_restart(redis_process: RedisProcess, server: RedisServer, run: Run) -> None:
    store = RedisIdempotency(server)

    async def calls() -> None:
        assert await store.claim("key", "print", "first", 60) is None
        redis_process.kill()
        redis_process.start()
        assert await store.claim("key", "print", "second", 60) is None

    run(calls())


@pytest.mark.parametrize("url", ["http://127.0.0.1", "redis://127.0.0.1:port", ""])
def test_a_wrong_url(url: str) -> None:
    with pytest.raises(HandlerError, match="RW235 The URL of a RedisServer is wrong: .*Give one such as"):
        RedisServer(url)


@pytest.mark.parametrize("store", [RedisIdempotency, RedisRateLimits, RedisSessions])
def test_a_url_in_place_of_a_server(store: Any) -> None:
    name = store.__name__
    with pytest.raises(HandlerError, match=f"RW235 The server of {name} is of type str, not RedisServer") as raised:
        store("redis://:secret@127.0.0.1")
    assert f"Write {name}(RedisServer(...))" in str(raised.value)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("options", [{"timeout": 0}, {"threads": 0}, {"waiting": -1}])
def test_wrong_numbers(options: Any) -> None:
    with pytest.raises(HandlerError, match="RW235"):
        RedisServer("redis://127.0.0.1", **options)


def test_a_password_is_not_in_messages() -> None:
    assert RedisServer("redis://user:secret@localhost:7000/1").name == "Redis at localhost:7000"


def test_redis_py_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(
        HandlerError, match=r"RW237 RedisServer needs redis-py.*pip install '/path/to/ropewalk\[redis\]'"
    ):
        RedisServer("redis://127.0.0.1")
