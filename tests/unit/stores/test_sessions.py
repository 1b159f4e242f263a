"""Sessions in memory, in SQLite and in Redis."""

import sqlite3
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tests.unit.stores.clocks import Clock
from tests.unit.stores.redis_process import RedisProcess

from ropewalk.errors import HandlerError
from ropewalk.stores import (
    MemorySessions,
    RedisServer,
    RedisSessions,
    SessionStore,
    SQLiteSessions,
    StoredSession,
    StoreUnavailable,
)
from ropewalk.stores.sessions import next_generation

Run = Callable[[Coroutine[Any, Any, Any]], Any]

ANONYMOUS = StoredSession({"a": b"1", "ü.": b'"\xc3\xbc"'}, None, 1000.25, 1001.5)
OF_ADA = StoredSession({"a": b"1"}, "ada:ü", 1000.25, 1001.5)


@pytest.fixture
def file(tmp_path: Path, clock: Clock) -> Iterator[SQLiteSessions]:
    store = SQLiteSessions(tmp_path / "sessions.db", timeout=20, clock=clock)
    yield store
    store.close()


@pytest.fixture(params=["memory", "file", "redis"])
def store(request: pytest.FixtureRequest, clock: Clock) -> SessionStore:
    """A store of each kind, without sessions."""
    if request.param == "memory":
        return MemorySessions(clock=clock)
    if request.param == "file":
        return request.getfixturevalue("file")  # type: ignore[no-any-return] # pytest returns Any
    return RedisSessions(request.getfixturevalue("server"), prefix=uuid4().hex)


class TestEveryStore:
    def test_it_keeps_all_of_a_session(self, store: SessionStore, run: Run) -> None:
        async def calls() -> None:
            assert await store.load("key") is None
            assert await store.create("key", ANONYMOUS, 60)
            assert await store.create("other", OF_ADA, 60)
            assert await store.load("key") == ANONYMOUS
            assert await store.load("other") == OF_ADA

        run(calls())

    def test_single_values_are_changed(self, store: SessionStore, run: Run) -> None:
        async def calls() -> None:
            await store.create("key", StoredSession({"a": b"1", "b": b"1", "c": b"1"}, "ada", 1, 1), 60)
            assert await store.update("key", {"b": b"2", "d": b"2"}, ["c", "e"], 5.5, 60)
            assert await store.load("key") == StoredSession({"a": b"1", "b": b"2", "d": b"2"}, "ada", 1, 5.5)
            assert await store.update("key", {}, (), 6, 60)
            assert (await store.load("key") or ANONYMOUS).touched == 6

        run(calls())

    def test_a_session_that_does_not_exist_is_not_updated(self, store: SessionStore, run: Run) -> None:
        async def calls() -> None:
            assert not await store.update("key", {"b": b"2"}, (), 5, 60)
            assert await store.load("key") is None

        run(calls())

    def test_deletion(self, store: SessionStore, run: Run) -> None:
        async def calls() -> None:
            await store.create("key", OF_ADA, 60)
            await store.delete("key")
            await store.delete("key")
            assert await store.load("key") is None

        run(calls())

    def test_replacement(self, store: SessionStore, run: Run) -> None:
        async def calls() -> None:
            await store.create("old", ANONYMOUS, 60)
            assert await store.create("new", OF_ADA, 60, replaced="old", required="old")
            assert await store.load("old") is None
            assert not await store.create("third", OF_ADA, 60, replaced="new", required="old")
            assert await store.load("new") == OF_ADA
            assert await store.load("third") is None

        run(calls())

    def test_the_end_of_all_sessions_of_a_user(self, store: SessionStore, run: Run) -> None:
        async def calls() -> None:
            for key in ("one", "two"):
                await store.create(key, OF_ADA, 60)
            await store.create("anonymous", ANONYMOUS, 60)
            await store.create("bob", StoredSession({}, "bob", 1, 1), 60)
            await store.end_sessions("ada:ü", 60)
            assert [await store.load(key) for key in ("one", "two")] == [None, None]
            assert not await store.update("one", {"a": b"2"}, (), 2, 60)
            assert not await store.create("again", OF_ADA, 60, replaced="one", required="one")
            assert await store.load("anonymous") is not None
            assert await store.load("bob") is not None
            for _ in range(2):
                await store.create("three", OF_ADA, 60)
                assert await store.load("three") == OF_ADA
                await store.end_sessions("ada:ü", 60)
                assert await store.load("three") is None

        run(calls())


class TestExpiry:
    @pytest.fixture(params=["memory", "file"])
    def timed(self, request: pytest.FixtureRequest, clock: Clock) -> SessionStore:
        if request.param == "memory":
            return MemorySessions(clock=clock)
        return request.getfixturevalue("file")  # type: ignore[no-any-return] # pytest returns Any

    def test_a_session_expires(self, timed: SessionStore, clock: Clock, run: Run) -> None:
        async def calls() -> None:
            await timed.create("key", OF_ADA, 60)
            clock.now += 59
            assert await timed.update("key", {}, (), 1, 60)
            clock.now += 59
            assert await timed.load("key") is not None
            clock.now += 1
            assert await timed.load("key") is None
            assert not await timed.update("key", {}, (), 1, 60)
            assert not await timed.create("new", OF_ADA, 60, required="key")

        run(calls())

    def test_a_generation_is_forgotten_when_no_session_is_left(
        self, file: SQLiteSessions, clock: Clock, run: Run
    ) -> None:
        async def calls() -> None:
            await file.create("first", OF_ADA, 60)
            await file.end_sessions("ada:ü", 60)
            await file.create("second", OF_ADA, 600)
            clock.now += 61
            assert await file.load("second") is not None
            await file.end_sessions("ada:ü", 600)
            assert await file.load("second") is None

        run(calls())

    def test_in_redis(self, server: RedisServer, run: Run) -> None:
        prefix = uuid4().hex
        store = RedisSessions(server, prefix=prefix)

        async def calls() -> None:
            await store.create("key", OF_ADA, 60)
            await store.end_sessions("ada:ü", 50)
            left = await server.call(lambda client: [client.pttl(name) for name in sorted(client.keys(f"{prefix}*"))])
            assert len(left) == 2
            assert all(0 < each <= 60_000 for each in left)

        run(calls())


class TestMemory:
    def test_anonymous_sessions_are_dropped_first(self, run: Run) -> None:
        store = MemorySessions(most_sessions=3)

        async def calls() -> None:
            await store.create("ada", OF_ADA, 60)
            for number in range(5):
                await store.create(str(number), ANONYMOUS, 60)
            assert len(store) == 3
            assert await store.load("ada") is not None
            await store.create("bob", OF_ADA, 60)
            await store.create("cid", OF_ADA, 60)
            await store.update("ada", {}, (), 1, 60)
            await store.create("dan", OF_ADA, 60)
            assert [await store.load(key) is None for key in ("ada", "bob", "cid", "dan")] == [
                False,
                True,
                False,
                False,
            ]
            store.clear()
            assert len(store) == 0

        run(calls())

    def test_expired_sessions_are_dropped(self, clock: Clock, run: Run) -> None:
        store = MemorySessions(clock=clock)

        async def calls() -> None:
            for number in range(4):
                await store.create(str(number), ANONYMOUS, 60)
            clock.now += 60
            await store.create("new", OF_ADA, 60)
            assert len(store) == 1

        run(calls())

    def test_the_end_of_a_users_sessions_does_not_look_at_others(self, run: Run) -> None:
        class Watched(dict[str, Any]):
            looked_at = 0

            def __iter__(self) -> Any:
                Watched.looked_at += 1
                return super().__iter__()

            def items(self) -> Any:
                Watched.looked_at += 1
                return super().items()

        store = MemorySessions()

        async def calls() -> None:
            for number in range(100):
                await store.create(str(number), StoredSession({}, f"user {number % 50}", 1, 1), 60)
            store._of_users = Watched(store._of_users)
            await store.end_sessions("user 7", 60)
            await store.end_sessions("unknown", 60)
            assert len(store) == 98
            assert [await store.load(key) for key in ("7", "57")] == [None, None]
            assert Watched.looked_at == 0

        run(calls())

    def test_no_key_of_a_session_is_kept_after_its_end(self, clock: Clock, run: Run) -> None:
        store = MemorySessions(most_sessions=3, clock=clock)

        async def calls() -> None:
            for number in range(5):  # the store has room for three, and drops the first two
                await store.create(str(number), StoredSession({}, f"user {number}", 1, 1), 60)
            await store.create("4", StoredSession({}, "another", 1, 1), 60)  # the key now belongs to another user
            await store.end_sessions("user 4", 60)
            assert await store.load("4") is not None
            await store.delete("2")
            await store.create("new", ANONYMOUS, 60, replaced="4")
            assert store._keys_of == {"user 3": {"3"}}
            clock.now += 60
            assert await store.load("3") is None
            assert store._keys_of == {}

        run(calls())

    @pytest.mark.parametrize("most", [0, True, "1"])
    def test_wrong_numbers(self, most: Any) -> None:
        with pytest.raises(HandlerError, match="RW235"):
            MemorySessions(most_sessions=most)


class TestFile:
    def test_it_survives_a_restart(self, tmp_path: Path, run: Run) -> None:
        async def write() -> None:
            store = SQLiteSessions(tmp_path / "s.db", timeout=20)
            await store.create("key", OF_ADA, 60)
            store.close()

        async def read() -> None:
            store = SQLiteSessions(tmp_path / "s.db", timeout=20)
            assert await store.load("key") == OF_ADA
            store.close()

        run(write())
        run(read())

    def test_expired_sessions_are_removed(self, file: SQLiteSessions, clock: Clock, tmp_path: Path, run: Run) -> None:
        async def calls() -> None:
            for number in range(5):
                await file.create(str(number), ANONYMOUS, 60)
            clock.now += 60
            await file.create("new", OF_ADA, 60)

        run(calls())
        database = sqlite3.connect(tmp_path / "sessions.db")
        assert database.execute("SELECT count(*) FROM sessions").fetchone() == (1,)
        database.close()

    def test_a_file_that_is_not_a_database(self, tmp_path: Path, run: Run) -> None:
        (tmp_path / "text").write_text("no database " * 1000, encoding="utf-8")
        store = SQLiteSessions(tmp_path / "text", timeout=20)

        async def calls() -> None:
            with pytest.raises(StoreUnavailable, match="RW234 SQLite at .* failed"):
                await store.load("key")
            store.close()

        run(calls())

    @pytest.mark.parametrize("path", ["", ":memory:"])
    def test_not_a_file(self, path: str) -> None:
        with pytest.raises(HandlerError, match="RW235 .*MemorySessions"):
            SQLiteSessions(path)


def test_a_redis_that_is_gone(redis_process: RedisProcess, run: Run) -> None:
    server = RedisServer(redis_process.url, timeout=20, retry_after=0.001)
    store = RedisSessions(server)

    async def calls() -> None:
        await store.create("key", OF_ADA, 60)
        redis_process.kill()
        with pytest.raises(StoreUnavailable):
            await store.load("key")
        redis_process.start()

    run(calls())
    server.close()


def test_generations_increase() -> None:
    assert next_generation(0, 1000.5) == 1_000_500_000
    assert next_generation(1_000_500_000, 1000.5) == 1_000_500_001
    assert next_generation(2_000_000_000, 1000.5) == 2_000_000_001
