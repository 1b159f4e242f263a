"""Token buckets in memory and in Redis."""

import asyncio
from uuid import uuid4

import pytest
from redis import Redis
from tests.unit.stores.redis_process import RedisProcess

from ropewalk.errors import HandlerError
from ropewalk.stores import Bucket, MemoryRateLimits, RateLimitStore, RedisRateLimits, RedisServer, Taken

SLOW = 1e-6
"""A rate in tokens per second, which is so low that no token is added during a test."""


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(params=["memory", "redis"])
def store(request: pytest.FixtureRequest) -> RateLimitStore:
    """A store of each kind, with no keys."""
    if request.param == "memory":
        return MemoryRateLimits()
    return RedisRateLimits(request.getfixturevalue("server"), prefix=uuid4().hex)


def bucket(key: str, capacity: int = 2, rate: float = SLOW, limit: str = "limit") -> Bucket:
    return Bucket(limit, key, capacity, rate)


def take(store: RateLimitStore, *buckets: Bucket) -> Taken:
    async def call() -> Taken:
        return await store.take(buckets)

    return asyncio.run(call())


class TestEveryStore:
    def test_a_bucket_is_full_at_first_and_empty_at_last(self, store: RateLimitStore) -> None:
        found = [take(store, bucket("a")) for _ in range(3)]
        assert [each.allowed for each in found] == [True, True, False]
        assert [round(each.tokens[0], 2) for each in found] == [1, 0, 0]

    def test_keys_and_limits_have_their_own(self, store: RateLimitStore) -> None:
        for each in (bucket("a", 1), bucket("b", 1), bucket("a", 1, limit="other")):
            assert take(store, each).allowed
            assert not take(store, each).allowed

    def test_all_or_none(self, store: RateLimitStore) -> None:
        small, large = bucket("a", 1), bucket("a", 5, limit="large")
        assert take(store, small, large).allowed
        refused = take(store, small, large)
        assert (refused.allowed, [round(each, 2) for each in refused.tokens]) == (False, [0, 4])
        assert round(take(store, large).tokens[0], 2) == 3

    def test_tokens_are_added(self, store: RateLimitStore) -> None:
        for _ in range(10):
            assert take(store, bucket("a", 1, rate=1e7)).allowed

    def test_many_at_once(self, store: RateLimitStore) -> None:
        async def crowd() -> list[Taken]:
            return await asyncio.gather(*(store.take([bucket("a", 7)]) for _ in range(50)))

        assert sum(each.allowed for each in asyncio.run(crowd())) == 7


class TestRedis:
    def test_times_are_those_of_the_server(self, server: RedisServer, running_redis: RedisProcess) -> None:
        store = RedisRateLimits(server, prefix="times")
        take(store, bucket("a", 5, rate=0.1))
        with Redis.from_url(running_redis.url) as client:
            seconds, microseconds = client.time()
            assert 0 < float(client.get("times:limit:a") or 0) - seconds - microseconds / 1e6 <= 10
            assert 0 < client.pttl("times:limit:a") <= 10_000

    def test_a_clock_that_was_set_back_locks_no_client_out(
        self, server: RedisServer, running_redis: RedisProcess
    ) -> None:
        store = RedisRateLimits(server, prefix="back")
        with Redis.from_url(running_redis.url) as client:
            client.set("back:limit:a", "99999999999.0")
            assert take(store, bucket("a", 1, rate=1e-3)) == Taken(False, (0.0,))
            client.set("back:limit:a", "99999999999.0")
            assert take(store, bucket("a", 1, rate=1e-3)).tokens == (0.0,)

    def test_stores_of_two_processes_share_their_buckets(
        self, server: RedisServer, running_redis: RedisProcess
    ) -> None:
        other = RedisServer(running_redis.url, timeout=20)
        assert take(RedisRateLimits(server, prefix="shared"), bucket("a", 1)).allowed
        assert not take(RedisRateLimits(other, prefix="shared"), bucket("a", 1)).allowed
        other.close()


class TestMemory:
    def test_tokens_are_added_evenly(self) -> None:
        clock = Clock()
        store = MemoryRateLimits(clock=clock)
        one = bucket("a", 2, rate=0.5)
        assert [take(store, one).allowed for _ in range(3)] == [True, True, False]
        clock.now += 1
        assert take(store, one) == Taken(False, (0.5,))
        clock.now += 1
        assert take(store, one) == Taken(True, (0.0,))
        clock.now += 100
        assert take(store, one) == Taken(True, (1.0,))

    def test_cleared(self) -> None:
        store = MemoryRateLimits(most_keys=2, clock=Clock())
        for key in "abcd":  # two buckets are dropped, and their state is kept in cells
            assert take(store, bucket(key, 1, rate=0.1)).allowed
        store.clear()
        assert len(store) == 0
        assert [take(store, bucket(key, 1, rate=0.1)).allowed for key in "abcd"] == [True] * 4

    def test_full_buckets_are_forgotten(self) -> None:
        clock = Clock()
        store = MemoryRateLimits(clock=clock)
        for number in range(1000):
            take(store, bucket(str(number), 2, rate=1))
            clock.now += 1
        assert len(store) <= 2

    def test_the_number_of_keys_is_bounded(self) -> None:
        store = MemoryRateLimits(most_keys=10, clock=Clock())
        for number in range(1000):
            take(store, bucket(str(number), 100, rate=1))
        assert len(store) == 10
        assert len(store._order) == 10

    def test_other_keys_do_not_reset_a_limit(self) -> None:
        """A client that has used up its limit fills the store with other keys, and gains nothing."""
        clock = Clock()
        store = MemoryRateLimits(most_keys=10, clock=clock)
        while take(store, bucket("mine", 5, rate=1)).allowed:
            pass
        for number in range(200):
            take(store, bucket(f"other {number}", 5, rate=1))
        assert not take(store, bucket("mine", 5, rate=1)).allowed

    def test_not_even_if_their_buckets_last_longer(self) -> None:
        clock = Clock()
        store = MemoryRateLimits(most_keys=10, clock=clock)
        while take(store, bucket("mine", 5, rate=1)).allowed:
            pass
        for number in range(200):
            take(store, bucket(f"other {number}", 5, rate=0.001, limit="slow"))
        assert ("limit", "mine") not in store._full_at
        assert not take(store, bucket("mine", 5, rate=1)).allowed
        clock.now += 1
        assert take(store, bucket("mine", 5, rate=1)).allowed
        assert not take(store, bucket("mine", 5, rate=1)).allowed

    def test_few_new_clients_lose_anything_to_a_flood_of_keys(self) -> None:
        """A flood of 200 keys changes at most 200 of 4096 cells, so most new clients get all their tokens. The random
        seed of the hash decides which cells change.
        """
        store = MemoryRateLimits(most_keys=10, clock=Clock())
        for number in range(200):
            take(store, bucket(str(number), 5, rate=1))
        left = [take(store, bucket(f"new {number}", 5, rate=1)).tokens for number in range(200)]
        assert left.count((4.0,)) > 120
        assert len(store._dropped) <= 400

    def test_the_bucket_that_will_be_full_first_is_dropped(self) -> None:
        store = MemoryRateLimits(most_keys=2, clock=Clock())
        for key in ("emptier", "fuller", "emptier", "emptier", "fuller"):
            take(store, bucket(key, 5, rate=1))
        take(store, bucket("new", 5, rate=0.1))
        assert set(store._full_at) == {("limit", "emptier"), ("limit", "new")}

    def test_the_bound_is_checked(self) -> None:
        with pytest.raises(HandlerError, match="RW235"):
            MemoryRateLimits(most_keys=0)
