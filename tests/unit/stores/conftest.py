"""Fixtures that the tests of the stores share, such as Redis servers."""

from collections.abc import Iterator

import pytest
from tests.unit.stores.clocks import Clock
from tests.unit.stores.redis_process import RedisProcess, require_redis

from ropewalk.stores import RedisServer


@pytest.fixture(scope="package")
def running_redis() -> Iterator[RedisProcess]:
    """A redis-server that the tests share. Each test uses other keys."""
    require_redis()
    process = RedisProcess()
    process.start()
    yield process
    process.kill()


@pytest.fixture
def redis_process() -> Iterator[RedisProcess]:
    """A redis-server that one test may kill."""
    require_redis()
    process = RedisProcess()
    process.start()
    yield process
    process.kill()


@pytest.fixture
def server(running_redis: RedisProcess) -> Iterator[RedisServer]:
    """A server that the tests share, with a timeout for a busy machine."""
    server = RedisServer(running_redis.url, timeout=20)
    yield server
    server.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()
