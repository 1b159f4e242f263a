"""Idempotency keys in memory, in SQLite and in Redis."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tests.unit.stores.redis_process import RedisProcess
from twisted.internet.defer import CancelledError

from ropewalk.errors import HandlerError
from ropewalk.stores import (
    IdempotencyStore,
    MemoryIdempotency,
    Record,
    RedisIdempotency,
    RedisServer,
    SQLiteIdempotency,
    StoreUnavailable,
    TooManyKeys,
)

Run = Callable[[Coroutine[Any, Any, Any]], Any]


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def file(tmp_path: Path) -> Iterator[SQLiteIdempotency]:
    """A store in a file."""
    store = SQLiteIdempotency(tmp_path / "keys.db", timeout=20)
    yield store
    store.close()


@pytest.fixture(params=["memory", "file", "redis"])
def store(request: pytest.FixtureRequest) -> IdempotencyStore:
    """A store of each kind, with no keys."""
    if request.param == "memory":
        return MemoryIdempotency()
    if request.param == "file":
        return request.getfixturevalue("file")  # type: ignore[no-any-return] # pytest returns Any
    return RedisIdempotency(request.getfixturevalue("server"), prefix=uuid4().hex)


class TestEveryStore:
    def test_a_key_is_claimed_once(self, store: IdempotencyStore, run: Run) -> None:
        async def calls() -> None:
            assert await store.claim("key", "print", "first", 60) is None
            assert await store.claim("key", "another", "second", 60) == Record("print", None)
            assert await store.claim("other", "another", "third", 60) is None

        run(calls())

    def test_a_response_is_kept(self, store: IdempotencyStore, run: Run) -> None:
        async def calls() -> None:
            await store.claim("key", "print", "first", 60)
            await store.save("key", "first", b"\0response\xff", 60)
            assert await store.claim("key", "print", "second", 60) == Record("print", b"\0response\xff")
            await store.save("key", "first", b"another", 60)
            await store.release("key", "first")
            assert await store.claim("key", "print", "second", 60) == Record("print", b"\0response\xff")

        run(calls())

    def test_an_empty_response_is_not_none(self, store: IdempotencyStore, run: Run) -> None:
        async def calls() -> None:
            await store.claim("key", "print", "first", 60)
            await store.save("key", "first", b"", 60)
            assert await store.claim("key", "print", "second", 60) == Record("print", b"")

        run(calls())

    def test_a_released_key_is_free(self, store: IdempotencyStore, run: Run) -> None:
        async def calls() -> None:
            await store.claim("key", "print", "first", 60)
            await store.release("key", "first")
            assert await store.claim("key", "print", "second", 60) is None

        run(calls())

    def test_only_its_owner_saves_and_releases(self, store: IdempotencyStore, run: Run) -> None:
        async def calls() -> None:
            await store.claim("key", "print", "first", 60)
            await store.release("key", "second")
            await store.save("key", "second", b"wrong", 60)
            await store.save("unknown", "second", b"wrong", 60)
            await store.release("unknown", "second")
            assert await store.claim("key", "print", "second", 60) == Record("print", None)

        run(calls())

    def test_one_of_many_claims_succeeds(self, store: IdempotencyStore, run: Run) -> None:
        async def crowd() -> list[Record | None]:
            return await asyncio.gather(*(store.claim("key", "print", str(number), 60) for number in range(50)))

        assert run(crowd()).count(None) == 1


class TestOwners:
    """The share of a memory store that one owner may use."""

    def test_keys(self, run: Run) -> None:
        store = MemoryIdempotency(most_keys=20, share=0.1)

        async def claim(key: str, owner: str) -> Record | None:
            return await store.claim(key, "print", key, 60, owner=owner)

        async def calls() -> None:
            assert [await claim(key, "ada") for key in ("a", "b")] == [None, None]
            with pytest.raises(TooManyKeys, match="RW234 2 idempotency keys of one client are kept already"):
                await claim("c", "ada")
            assert await claim("b", "ada") == Record("print", None)  # a repetition is not counted
            assert await claim("c", "bob") is None
            await store.release("a", "a")
            assert await claim("d", "ada") is None
            for number in range(17):  # without an owner, only the limit of the store counts
                assert await claim(str(number), "") is None
            with pytest.raises(StoreUnavailable, match="20 idempotency keys are kept"):
                await claim("e", "cid")

        run(calls())

    def test_keys_that_expire(self, run: Run) -> None:
        clock = Clock()
        store = MemoryIdempotency(most_keys=10, share=0.1, clock=clock)

        async def calls() -> None:
            for _ in range(3):
                assert await store.claim(str(clock.now), "print", "token", 60, owner="ada") is None
                await store.save(str(clock.now), "token", b"response", 60)
                clock.now += 60

        run(calls())
        assert len(store) == 1

    def test_responses(self, run: Run) -> None:
        store = MemoryIdempotency(most_bytes=100, share=0.2)

        async def keep(key: str, owner: str, size: int) -> None:
            await store.claim(key, "print", key, 60, owner=owner)
            await store.save(key, key, b"x" * size, 60)

        async def sizes(*keys: str) -> list[int]:
            return [len((await store.claim(key, "print", "", 60) or Record("", None)).response or b"") for key in keys]

        async def calls() -> None:
            await keep("b1", "bob", 10)
            for key in ("a1", "a2", "a3"):
                await keep(key, "ada", 10)
            assert await sizes("b1", "a1", "a2", "a3") == [10, 0, 10, 10]
            await keep("a4", "ada", 30)
            assert await sizes("b1", "a2", "a3", "a4") == [10, 0, 0, 0]

        run(calls())

    @pytest.mark.parametrize("share", [0, -1, 1.1, True, "1", float("nan")])
    def test_a_wrong_share(self, share: Any) -> None:
        with pytest.raises(HandlerError, match="RW235 share is"):
            MemoryIdempotency(share=share)


class TestExpiry:
    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture(params=["memory", "file"])
    def store(self, request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[IdempotencyStore]:
        if request.param == "memory":
            yield MemoryIdempotency(clock=clock)
        else:
            store = SQLiteIdempotency(tmp_path / "keys.db", timeout=20, clock=clock)
            yield store
            store.close()

    def test_a_claim_expires(self, store: IdempotencyStore, clock: Clock, run: Run) -> None:
        async def calls() -> None:
            await store.claim("key", "print", "first", 60)
            clock.now += 59
            assert await store.claim("key", "print", "second", 60) is not None
            clock.now += 1
            assert await store.claim("key", "print", "second", 60) is None
            await store.save("key", "first", b"too late", 60)
            assert await store.claim("key", "print", "third", 60) == Record("print", None)

        run(calls())

    def test_a_response_expires(self, store: IdempotencyStore, clock: Clock, run: Run) -> None:
        async def calls() -> None:
            await store.claim("key", "print", "first", 60)
            await store.save("key", "first", b"response", 3600)
            clock.now += 3599
            assert await store.claim("key", "print", "second", 60) == Record("print", b"response")
            clock.now += 1
            assert await store.claim("key", "print", "second", 60) is None

        run(calls())

    def test_keys_in_redis_expire_too(self, running_redis: RedisProcess, server: RedisServer, run: Run) -> None:
        from redis import Redis

        store = RedisIdempotency(server, prefix="expiry")

        async def calls() -> None:
            with Redis.from_url(running_redis.url) as client:
                await store.claim("key", "print", "first", 60)
                assert 50_000 < client.pttl("expiry:key") <= 60_000
                await store.save("key", "first", b"response", 3600)
                assert 3_590_000 < client.pttl("expiry:key") <= 3_600_000

        run(calls())


class TestMemory:
    def test_the_oldest_responses_are_dropped_and_their_keys_kept(self, run: Run) -> None:
        store = MemoryIdempotency(most_bytes=100, clock=Clock())

        async def calls() -> list[Record | None]:
            for key in "abc":
                await store.claim(key, "print", key, 60)
                await store.save(key, key, b"r" * 40, 60)
            return [await store.claim(key, "print", "again", 60) for key in "abc"]

        assert [record.response for record in run(calls()) if record] == [b"", b"r" * 40, b"r" * 40]

    def test_the_number_of_keys_is_bounded(self, run: Run) -> None:
        clock = Clock()
        store = MemoryIdempotency(most_keys=2, clock=clock)

        async def calls() -> None:
            await store.claim("a", "print", "a", 60)
            await store.claim("b", "print", "b", 60)
            with pytest.raises(StoreUnavailable, match="RW234"):
                await store.claim("c", "print", "c", 60)
            clock.now += 60
            assert await store.claim("c", "print", "c", 60) is None

        run(calls())
        assert len(store) == 1

    def test_cleared(self, run: Run) -> None:
        store = MemoryIdempotency(most_bytes=100, clock=Clock())

        async def calls() -> list[Record | None]:
            for key in "ab":
                await store.claim(key, "print", key, 60, owner="ada")
                await store.save(key, key, b"r" * 10, 60)
            store.clear()
            return [await store.claim(key, "print", key, 60, owner="ada") for key in "ab"]

        assert run(calls()) == [None, None]
        assert len(store) == 2

    def test_nothing_is_left_of_expired_keys(self, run: Run) -> None:
        clock = Clock()
        store = MemoryIdempotency(clock=clock)

        async def calls() -> None:
            for key in map(str, range(100)):
                await store.claim(key, "print", key, 60)
                await store.save(key, key, b"response", 60)
                clock.now += 61

        run(calls())
        assert (len(store._kept), len(store._saved), store._bytes, len(store._expiry)) == (1, 1, 8, 2)

    def test_released_keys_leave_nothing(self, run: Run) -> None:
        store = MemoryIdempotency(clock=Clock())

        async def calls() -> None:
            await store.claim("kept", "print", "kept", 60)
            for _ in range(10_000):
                await store.claim("key", "print", "key", 60)
                await store.release("key", "key")

        run(calls())
        assert len(store) == 1
        assert len(store._expiry) < 100


class TestSQLite:
    def test_keys_survive_a_restart(self, tmp_path: Path, run: Run) -> None:
        first, second = (SQLiteIdempotency(tmp_path / "keys.db", timeout=20) for _ in range(2))

        async def calls() -> None:
            await first.claim("key", "print", "first", 60)
            await first.save("key", "first", b"response", 60)
            first.close()
            assert await second.claim("key", "print", "second", 60) == Record("print", b"response")
            second.close()

        run(calls())

    def test_it_never_runs_on_the_thread_of_the_caller(self, tmp_path: Path, run: Run) -> None:
        threads: set[int] = set()

        def clock() -> float:
            threads.add(threading.get_ident())
            return 1000.0

        store = SQLiteIdempotency(tmp_path / "keys.db", timeout=20, clock=clock)
        run(store.claim("key", "print", "first", 60))
        store.close()
        assert len(threads) == 1
        assert threading.get_ident() not in threads

    def test_a_file_that_cannot_be_opened(self, tmp_path: Path, run: Run) -> None:
        store = SQLiteIdempotency(tmp_path / "missing" / "keys.db", timeout=20)
        with pytest.raises(StoreUnavailable, match="RW234 SQLite at .*keys.db failed: unable to open"):
            run(store.claim("key", "print", "first", 60))

    def test_a_locked_file(self, tmp_path: Path, run: Run) -> None:
        path = tmp_path / "keys.db"
        first, store = SQLiteIdempotency(path, timeout=20), SQLiteIdempotency(path, timeout=0.05)
        run(first.claim("key", "print", "first", 60))
        first.close()
        with sqlite3.connect(path) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailable, match="RW234"):
                run(store.claim("other", "print", "first", 60))
        other.close()
        store.close()

    def test_a_full_disk(self, tmp_path: Path, run: Run) -> None:
        """The error names the cause. Afterwards the store works: it does not try to roll back, because SQLite has done
        so itself.
        """
        store = SQLiteIdempotency(tmp_path / "keys.db", timeout=20)
        run(store.claim("key", "print", "first", 60))
        assert store._file._database is not None
        store._file._database.execute("PRAGMA max_page_count = 1")  # the file must not grow
        with pytest.raises(StoreUnavailable, match="RW234 .* failed: database or disk is full"):
            run(store.save("key", "first", b"x" * 100_000, 60))
        run(store.save("key", "first", b"response", 60))
        assert run(store.claim("key", "print", "second", 60)) == Record("print", b"response")
        store.close()

    def test_a_claim_of_a_caller_that_gave_up_is_undone(self, tmp_path: Path, run: Run) -> None:
        entered, leave = threading.Event(), threading.Event()

        def clock() -> float:
            entered.set()
            assert leave.wait(20)
            return 1000.0

        store = SQLiteIdempotency(tmp_path / "keys.db", timeout=20, clock=clock)

        async def calls() -> None:
            waiting = store._file._workers
            claim = asyncio.ensure_future(store.claim("key", "print", "first", 60))
            while not entered.is_set():
                await asyncio.sleep(0)
            claim.cancel()
            with pytest.raises((asyncio.CancelledError, CancelledError)):
                await claim
            leave.set()
            while waiting._running:
                await asyncio.sleep(0)
            assert await store.claim("key", "print", "second", 60) is None

        run(calls())
        store.close()

    @pytest.mark.parametrize("path", ["", ":memory:"])
    def test_memory_is_not_a_file(self, path: str) -> None:
        with pytest.raises(HandlerError, match="RW235"):
            SQLiteIdempotency(path)
