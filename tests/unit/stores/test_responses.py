"""Cached responses in memory and in Redis."""

from collections.abc import Callable, Coroutine, Iterator
from typing import Any
from uuid import uuid4

import pytest
from tests.unit.stores.clocks import Clock
from tests.unit.stores.redis_process import RedisProcess

from ropewalk.errors import HandlerError
from ropewalk.stores import (
    Found,
    MemoryResponses,
    RedisResponses,
    RedisServer,
    ResponseStore,
    StoredResponse,
    StoreUnavailable,
)
from ropewalk.stores import memory_responses as memory

Run = Callable[[Coroutine[Any, Any, Any]], Any]


def response(body: bytes = b"body", *labels: str, until: float = 1060.0) -> StoredResponse:
    fields = (("content-type", "text/plain"), ("x-name", "\u00fc"))
    return StoredResponse(200, fields, body, 1000.5, until, 0.0, 0.0, labels=labels)


def in_language(language: str) -> Callable[[tuple[str, ...]], str]:
    """The variant of a request with an Accept-Language."""
    return lambda vary: " ".join(f"{name}={language}" for name in vary)


plain = in_language("")


@pytest.fixture(params=["memory", "redis"])
def store(request: pytest.FixtureRequest, clock: Clock) -> ResponseStore:
    """A store of each kind, without responses."""
    if request.param == "memory":
        return MemoryResponses(clock=clock, most_variants=2)
    return RedisResponses(request.getfixturevalue("server"), prefix=uuid4().hex, clock=clock, most_variants=2)


@pytest.fixture
def memory_store(clock: Clock) -> MemoryResponses:
    return MemoryResponses(clock=clock)


async def body_of(store: ResponseStore, key: str, variant: Callable[[tuple[str, ...]], str] = plain) -> bytes | None:
    found = (await store.find(key, variant)).response
    return None if found is None else found.body


class TestEveryStore:
    def test_it_keeps_all_of_a_response(self, store: ResponseStore, run: Run) -> None:
        async def calls() -> None:
            kept = StoredResponse(
                404, (("a", "1"), ("a", "\u00fc")), b"\0\xff", 1.5, 1060.25, 1070.5, 1080.75, True, ("x",)
            )
            assert await store.find("key", plain) == Found(None, (), 0)
            await store.save("key", (), "", kept, 0)
            found, vary, since = await store.find("key", plain)
            assert found is not None
            assert (vary, since) == ((), 0)
            assert (found.status, found.fields, found.body) == (kept.status, kept.fields, kept.body)
            assert (found.made, found.fresh_until, found.revalidate_until) == (1.5, 1060.25, 1070.5)
            assert (found.error_until, found.shared, found.usable_until) == (1080.75, True, 1080.75)
            assert await body_of(store, "other") is None

        run(calls())

    def test_a_later_response_replaces_it(self, store: ResponseStore, run: Run) -> None:
        async def calls() -> None:
            await store.save("key", (), "", response(b"1"), 0)
            await store.save("key", (), "", response(b"2"), 0)
            assert await body_of(store, "key") == b"2"

        run(calls())

    def test_it_is_not_found_after_its_last_use(self, store: ResponseStore, clock: Clock, run: Run) -> None:
        async def calls() -> None:
            await store.save("key", (), "", response(until=1060.0), 0)
            clock.now = 1059.9
            assert await body_of(store, "key") == b"body"
            clock.now = 1060.0
            assert await body_of(store, "key") is None
            await store.save("old", (), "", response(until=1060.0), 0)
            assert await body_of(store, "old") is None

        run(calls())

    def test_variants(self, store: ResponseStore, run: Run) -> None:
        async def calls() -> None:
            vary = ("accept-language",)
            for language in ("de", "en"):
                body = language.encode()
                await store.save("key", vary, in_language(language)(vary), response(body), 0)
            for language in ("de", "en"):
                assert await body_of(store, "key", in_language(language)) == language.encode()
            assert await store.find("key", in_language("fr")) == Found(None, vary, 0)

        run(calls())

    def test_variants_by_other_fields_replace_all(self, store: ResponseStore, run: Run) -> None:
        async def calls() -> None:
            await store.save("key", (), "", response(b"without"), 0)
            vary = ("accept-language", "x-kind")
            await store.save("key", vary, in_language("de")(vary), response(b"with"), 0)
            assert await body_of(store, "key", in_language("de")) == b"with"
            found = await store.find("key", in_language("en"))
            assert (found.response, found.vary) == (None, vary)

        run(calls())

    def test_the_number_of_variants_is_bounded(self, store: ResponseStore, run: Run) -> None:
        async def calls() -> None:
            vary = ("user-agent",)
            for number in range(10):
                name = in_language(str(number))
                await store.save("key", vary, name(vary), response(b"%d" % number), 0)
            kept = [await body_of(store, "key", in_language(str(number))) for number in range(10)]
            assert kept[-1] == b"9"
            assert 1 <= len([each for each in kept if each is not None]) <= 2

        run(calls())

    def test_purge_by_label(self, store: ResponseStore, run: Run) -> None:
        async def calls() -> None:
            await store.save("a", (), "", response(b"a", "rooms", "room-1"), 0)
            await store.save("b", (), "", response(b"b", "rooms", "room-2"), 0)
            await store.save("c", (), "", response(b"c"), 0)
            await store.purge(["room-1", "nothing"])
            assert [await body_of(store, each) for each in "abc"] == [None, b"b", b"c"]
            await store.purge(["rooms"])
            assert [await body_of(store, each) for each in "abc"] == [None, None, b"c"]

        run(calls())

    def test_a_response_from_before_a_purge_is_not_stored(self, store: ResponseStore, run: Run) -> None:
        async def calls() -> None:
            before = (await store.find("a", plain)).since
            await store.purge(["rooms"])
            await store.save("a", (), "", response(b"old", "rooms"), before)
            assert await body_of(store, "a") is None
            await store.save("b", (), "", response(b"b", "guests"), before)
            assert await body_of(store, "b") == b"b"  # the purge does not concern it
            after = (await store.find("a", plain)).since
            assert after > before
            await store.save("a", (), "", response(b"new", "rooms"), after)
            assert await body_of(store, "a") == b"new"

        run(calls())

    def test_two_purges_at_the_same_moment_are_two(self, store: ResponseStore, run: Run) -> None:
        async def calls() -> None:
            await store.purge(["rooms"])
            between = (await store.find("a", plain)).since
            await store.purge(["rooms"])
            await store.save("a", (), "", response(b"old", "rooms"), between)
            assert await body_of(store, "a") is None

        run(calls())

    def test_labels_and_keys_of_any_text(self, store: ResponseStore, run: Run) -> None:
        async def calls() -> None:
            odd = 'a\n"b\\\0 \udce4' + "x" * 10_000
            await store.save(odd, (), "", response(b"odd", odd), 0)
            assert await body_of(store, odd) == b"odd"
            await store.purge([odd])
            assert await body_of(store, odd) is None

        run(calls())


class TestMemory:
    def test_the_least_recently_sent_response_is_dropped(self, clock: Clock, run: Run) -> None:
        async def calls() -> None:
            store = MemoryResponses(clock=clock, most_bytes=3 * (1000 + memory.ENTRY_COST) + 300)
            for key in "abc":
                await store.save(key, (), "", response(b"x" * 1000, "label"), 0)
            assert await body_of(store, "a") is not None
            await store.save("d", (), "", response(b"x" * 1000, "label"), 0)
            assert [key for key in "abcd" if await body_of(store, key) is not None] == ["a", "c", "d"]
            assert len(store) == 3
            await store.purge(["label"])
            assert (len(store), store.size) == (0, 0)

        run(calls())

    def test_the_only_variant_counts_as_sent(self, clock: Clock, run: Run) -> None:
        async def calls() -> None:
            store = MemoryResponses(clock=clock, most_bytes=2 * (1000 + memory.ENTRY_COST) + 200)
            await store.save("a", (), "", response(b"x" * 1000), 0)
            await store.save("b", (), "", response(b"x" * 1000), 0)
            assert store.only_variant("a") is not None
            await store.save("c", (), "", response(b"x" * 1000), 0)
            assert (store.only_variant("a") is None, store.only_variant("b") is None) == (False, True)
            await store.save("v", ("x",), "x=", response(), 0)
            assert store.only_variant("v") is None

        run(calls())

    def test_a_response_larger_than_the_store_is_not_kept(self, clock: Clock, run: Run) -> None:
        async def calls() -> None:
            store = MemoryResponses(clock=clock, most_bytes=2000)
            await store.save("small", (), "", response(b"x" * 10), 0)
            await store.save("large", (), "", response(b"x" * 2000), 0)
            assert (await body_of(store, "small"), await body_of(store, "large")) == (b"x" * 10, None)

        run(calls())

    def test_purges_that_are_forgotten_concern_every_response(
        self, memory_store: MemoryResponses, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(memory, "MOST_PURGES", 2)

        async def calls() -> None:
            await memory_store.purge(["a", "b", "c"])
            await memory_store.save("key", (), "", response(b"old", "a"), 0)
            assert await body_of(memory_store, "key") is None
            await memory_store.save("key", (), "", response(b"new", "a"), 1)
            assert await body_of(memory_store, "key") == b"new"

        run(calls())

    def test_clear(self, memory_store: MemoryResponses, run: Run) -> None:
        async def calls() -> None:
            await memory_store.save("key", (), "", response(b"1", "label"), 0)
            memory_store.clear()
            assert (len(memory_store), memory_store.size) == (0, 0)
            await memory_store.save("key", (), "", response(b"old"), 0)  # it was being made at the time
            assert await body_of(memory_store, "key") is None

        run(calls())

    @pytest.mark.parametrize("options", [{"most_bytes": -1}, {"most_bytes": "1"}, {"most_variants": 0}])
    def test_wrong_settings(self, options: Any) -> None:
        with pytest.raises(HandlerError, match="RW235"):
            MemoryResponses(**options)


class TestRedis:
    @pytest.fixture
    def killable(self, redis_process: RedisProcess) -> Iterator[RedisServer]:
        server = RedisServer(redis_process.url, timeout=20)
        yield server
        server.close()

    def test_responses_expire_in_redis(self, server: RedisServer, clock: Clock, run: Run) -> None:
        prefix = uuid4().hex

        async def calls() -> None:
            store = RedisResponses(server, prefix=prefix, clock=clock, longest=30)
            await store.save(
                "a",
                (),
                "",
                response(
                    until=clock.now + 10,
                ),
                0,
            )
            await store.save("b", (), "", response(until=clock.now + 1000), 0)
            names = await server.call(lambda client: client.keys(f"{prefix}:*"))
            lifetimes = sorted([await server.call(lambda client, name=name: client.pttl(name)) for name in names])  # type: ignore[misc] # a default of a lambda
            assert 5_000 < lifetimes[0] <= 10_000 < 25_000 < lifetimes[1] <= 30_000

        run(calls())

    def test_two_processes_share_responses_and_purges(self, server: RedisServer, clock: Clock, run: Run) -> None:
        prefix = uuid4().hex

        async def calls() -> None:
            one, two = (RedisResponses(server, prefix=prefix, clock=clock) for _ in range(2))
            await one.save("a", (), "", response(b"a", "rooms"), 0)
            assert await body_of(two, "a") == b"a"
            await two.purge(["rooms"])
            assert await body_of(one, "a") is None

        run(calls())

    def test_the_form_of_another_version_is_no_response(self, server: RedisServer, clock: Clock, run: Run) -> None:
        store = RedisResponses(server, prefix=uuid4().hex, clock=clock)

        async def calls() -> None:
            await store.save("a", (), "", response(), 0)
            name = (await server.call(lambda client: client.keys(f"{store._prefix}:*")))[0]
            await server.call(lambda client: client.hset(name, "response:", b"\x93\x01\x02\x03"))
            assert await body_of(store, "a") is None

        run(calls())

    def test_a_restart_without_data_does_not_bring_back_purged_responses(
        self, killable: RedisServer, redis_process: RedisProcess, clock: Clock, run: Run
    ) -> None:
        async def calls() -> None:
            store = RedisResponses(killable, clock=clock)
            await store.purge(["rooms"])
            since = (await store.find("a", plain)).since
            await killable.call(lambda client: client.flushall())
            clock.now += 1
            await store.purge(["rooms"])
            await store.save("a", (), "", response(b"old", "rooms"), since)
            assert await body_of(store, "a") is None
            redis_process.kill()
            with pytest.raises(StoreUnavailable, match="RW234"):
                await store.find("a", plain)

        run(calls())

    @pytest.mark.parametrize("options", [{"longest": 0}, {"longest": "1"}, {"most_variants": 0}])
    def test_wrong_settings(self, server: RedisServer, options: Any) -> None:
        with pytest.raises(HandlerError, match="RW235"):
            RedisResponses(server, **options)
