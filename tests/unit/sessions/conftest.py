"""Stores and options for sessions of each kind."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tests.unit.stores.redis_process import RedisProcess, require_redis

from ropewalk.sessions import SessionsOptions
from ropewalk.stores import MemorySessions, RedisServer, RedisSessions, SQLiteSessions

SECRET = "s" * 32

KINDS = ("cookie", "memory", "sqlite", "redis")


@pytest.fixture(scope="package")
def running_redis() -> Iterator[RedisProcess]:
    """A redis-server that the tests share. Each test uses other keys."""
    require_redis()
    process = RedisProcess()
    process.start()
    yield process
    process.kill()


@pytest.fixture
def redis_server(running_redis: RedisProcess) -> Iterator[RedisServer]:
    """The server, with a timeout for a busy machine."""
    server = RedisServer(running_redis.url, timeout=20)
    yield server
    server.close()


@pytest.fixture
def sqlite_sessions(tmp_path: Path) -> Iterator[SQLiteSessions]:
    """Sessions in a file."""
    store = SQLiteSessions(tmp_path / "sessions.db", timeout=20)
    yield store
    store.close()


def options_of(kind: str, request: pytest.FixtureRequest, **more: Any) -> SessionsOptions:
    """The options for sessions of a kind."""
    if kind == "cookie":
        return SessionsOptions(secret=SECRET, **more)
    return SessionsOptions(store=store_of(kind, request), **more)


def store_of(kind: str, request: pytest.FixtureRequest) -> Any:
    """A new store of a kind."""
    if kind == "memory":
        return MemorySessions()
    if kind == "sqlite":
        return request.getfixturevalue("sqlite_sessions")
    return RedisSessions(request.getfixturevalue("redis_server"), prefix=uuid4().hex)
