"""While one request makes a response, others for the same key wait for it."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any

import pytest
from tests.unit.conftest import Log
from twisted.internet.defer import Deferred

from ropewalk import App, HTTPError, Request, Response
from ropewalk.caching import Cache, CacheOptions
from ropewalk.middleware import TimeoutOptions, timeout
from ropewalk.testing import AsyncClient, ClientResponse

Run = Callable[[Coroutine[Any, Any, Any]], Any]


class Slow:
    """A handler whose calls wait until the test ends them."""

    def __init__(
        self, seconds: float | None = 60, *, options: CacheOptions | None = None, around: Any = (), **rules: Any
    ) -> None:
        self.calls: list[Deferred[Any]] = []
        self.requests: list[Request] = []
        self.ended: list[BaseException | None] = []
        self.cache = Cache() if options is None else Cache(options)
        self.app = App(middleware=[*around, self.cache(seconds, **rules)])
        self.app.get("/")(self._handle)
        self.app.get("/other")(self._handle)

    async def _handle(self, request: Request) -> Any:
        self.calls.append(Deferred())
        self.requests.append(request)
        try:
            found = await self.calls[-1]
        except BaseException as error:
            self.ended.append(error)
            raise
        self.ended.append(None)
        return found

    async def called(self, times: int = 1) -> None:
        """Wait until the handler was called so often."""
        async with asyncio.timeout(10):
            while len(self.calls) < times:
                await asyncio.sleep(0)

    async def waiting(self, count: int) -> None:
        """Wait until so many requests wait, including the one that has called the handler."""
        async with asyncio.timeout(10):
            while sum(map(len, self.cache.flights.values())) != count:
                await asyncio.sleep(0)


def with_client(
    run: Run, slow: Slow, calls: Callable[[Callable[..., asyncio.Future[ClientResponse]]], Awaitable[None]]
) -> None:
    async def main() -> None:
        async with AsyncClient(slow.app, raise_errors=False) as client:

            def get(path: str = "/", **headers: str) -> asyncio.Future[ClientResponse]:
                return asyncio.ensure_future(
                    client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})
                )

            await calls(get)
        assert slow.cache.flights == {}

    run(main())


class TestOneFlight:
    def test_all_get_the_response(self, run: Run) -> None:
        slow = Slow()

        async def calls(get: Any) -> None:
            gets = [get() for _ in range(20)]
            await slow.waiting(20)
            slow.calls[0].callback("body")
            found = await asyncio.gather(*gets)
            assert {each.text for each in found} == {"body"}
            statuses = [each.headers["cache-status"] for each in found]
            assert statuses[0] == "Ropewalk; fwd=uri-miss; stored"
            assert all(each.endswith("; collapsed") for each in statuses[1:])

        with_client(run, slow, calls)
        assert len(slow.calls) == 1

    def test_other_urls_do_not_wait(self, run: Run) -> None:
        slow = Slow()

        async def calls(get: Any) -> None:
            one, other = get("/"), get("/other")
            await slow.called(2)
            slow.calls[1].callback("other")
            assert (await other).text == "other"
            slow.calls[0].callback("one")
            assert (await one).text == "one"

        with_client(run, slow, calls)

    def test_a_variant_that_another_request_does_not_want(self, run: Run) -> None:
        slow = Slow()

        async def calls(get: Any) -> None:
            gets = [get(accept_language=each) for each in ("de", "en", "de", "en")]
            await slow.waiting(4)
            slow.calls[0].callback(Response("de", headers={"vary": "Accept-Language"}))
            await slow.called(2)
            await slow.waiting(2)
            slow.calls[1].callback(Response("en", headers={"vary": "Accept-Language"}))
            assert [each.text for each in await asyncio.gather(*gets)] == ["de", "en", "de", "en"]

        with_client(run, slow, calls)
        assert len(slow.calls) == 2

    def test_a_conditional_request_waits(self, run: Run) -> None:
        slow = Slow()

        async def calls(get: Any) -> None:
            first = get()
            await slow.called()
            second = get(if_none_match='"1"')
            await slow.waiting(2)
            slow.calls[0].callback(Response("x", headers={"etag": '"1"'}))
            assert ((await first).status, (await second).status) == (200, 304)

        with_client(run, slow, calls)

    def test_credentials_do_not_wait_for_others(self, run: Run) -> None:
        slow = Slow()

        async def calls(get: Any) -> None:
            first, second = get(), get(authorization="ada")
            await slow.called(2)
            for number, each in enumerate(slow.calls):
                each.callback(str(number))
            assert ((await first).text, (await second).text) == ("0", "1")

        with_client(run, slow, calls)

    def test_the_number_of_waiting_requests_is_bounded(self, run: Run) -> None:
        slow = Slow(options=CacheOptions(most_waiting=3))

        async def calls(get: Any) -> None:
            gets = [get() for _ in range(3)]
            await slow.waiting(3)
            refused = await get()
            assert (refused.status, refused.headers["retry-after"]) == (503, "1")
            slow.calls[0].callback("x")
            assert {each.status for each in await asyncio.gather(*gets)} == {200}

        with_client(run, slow, calls)

    def test_a_request_after_a_purge_does_not_join(self, run: Run) -> None:
        slow = Slow(tags=["rooms"])

        async def calls(get: Any) -> None:
            before = get()
            await slow.called(1)
            await slow.cache.purge(tags=["rooms"])
            after = get()
            await slow.called(2)
            slow.calls[0].callback("old")
            slow.calls[1].callback("new")
            assert ((await before).text, (await after).text, (await get()).text) == ("old", "new", "new")

        with_client(run, slow, calls)
        assert len(slow.calls) == 2


class TestClientsThatLeave:
    def test_the_first(self, run: Run) -> None:
        slow = Slow()

        async def calls(get: Any) -> None:
            gets = [get() for _ in range(3)]
            await slow.waiting(3)
            gets[0].cancel()
            await slow.waiting(2)
            slow.calls[0].callback("body")
            assert [(await each).text for each in gets[1:]] == ["body"] * 2

        with_client(run, slow, calls)
        assert (len(slow.calls), slow.ended) == (1, [None])

    def test_the_first_whose_handler_then_raises(self, run: Run, log: Log) -> None:
        slow = Slow()

        async def calls(get: Any) -> None:
            gets = [get() for _ in range(3)]
            await slow.waiting(3)
            gets[0].cancel()
            await slow.waiting(2)
            slow.calls[0].errback(HTTPError(404))
            assert [(await each).status for each in gets[1:]] == [404] * 2

        with_client(run, slow, calls)
        assert (len(slow.calls), log) == (1, [])

    def test_another(self, run: Run) -> None:
        slow = Slow()

        async def calls(get: Any) -> None:
            gets = [get() for _ in range(3)]
            await slow.waiting(3)
            gets[1].cancel()
            await slow.waiting(2)
            slow.calls[0].callback("body")
            assert [(await each).text for each in (gets[0], gets[2])] == ["body"] * 2

        with_client(run, slow, calls)

    def test_all(self, run: Run, log: Log) -> None:
        slow = Slow()

        async def calls(get: Any) -> None:
            gets = [get() for _ in range(3)]
            await slow.waiting(3)
            for each in gets:
                each.cancel()
            async with asyncio.timeout(10):
                while not slow.ended:
                    await asyncio.sleep(0)
            assert slow.ended[0] is not None
            last = get()
            await slow.called(2)
            slow.calls[1].callback("new")
            assert (await last).text == "new"

        with_client(run, slow, calls)
        assert log == []

    def test_the_first_of_a_stream(self, run: Run) -> None:
        closed: list[str] = []

        def parts() -> Iterator[str]:
            try:
                yield "a"
                yield "b"
            finally:
                closed.append("closed")

        slow = Slow()

        async def calls(get: Any) -> None:
            first, second = get(), get()
            await slow.waiting(2)
            first.cancel()
            await slow.waiting(1)
            slow.calls[0].callback(parts())
            await slow.called(2)
            assert closed == ["closed"]
            slow.calls[1].callback(parts())
            assert (await second).text == "ab"

        with_client(run, slow, calls)

    def test_a_timeout_around_the_cache(self, run: Run, log: Log) -> None:
        slow = Slow(around=[timeout(TimeoutOptions(seconds=5))])

        async def main() -> None:
            async with AsyncClient(slow.app) as client:
                first = asyncio.ensure_future(client.get("/"))
                await slow.called()
                client.clock.advance(5)
                assert (await first).status == 503
                assert len(slow.ended) == 1
                second = asyncio.ensure_future(client.get("/"))
                await slow.called(2)
                slow.calls[1].callback("x")
                assert (await second).text == "x"

        run(main())
        assert [event["code"] for event in log] == ["RW308"]


class TestFailures:
    def test_the_next_tries(self, run: Run) -> None:
        slow = Slow()

        async def calls(get: Any) -> None:
            gets = [get() for _ in range(4)]
            await slow.waiting(4)
            slow.calls[0].errback(HTTPError(503))
            await slow.called(2)
            await slow.waiting(3)
            slow.calls[1].callback("good")
            found = await asyncio.gather(*gets)
            assert [each.status for each in found] == [503, 200, 200, 200]

        with_client(run, slow, calls)
        assert len(slow.calls) == 2

    def test_after_two_failures_the_others_are_refused(self, run: Run, log: Log) -> None:
        slow = Slow()

        async def calls(get: Any) -> None:
            gets = [get() for _ in range(5)]
            await slow.waiting(5)
            slow.calls[0].errback(ValueError("a bug"))
            await slow.called(2)
            await slow.waiting(4)
            slow.calls[1].errback(ValueError("a bug"))
            found = await asyncio.gather(*gets)
            assert [each.status for each in found] == [500, 500, 503, 503, 503]

        with_client(run, slow, calls)
        assert [event["code"] for event in log if "code" in event] == ["RW208"] * 2

    @pytest.mark.parametrize("fields", [{"cache-control": "private"}, {"vary": "*"}])
    def test_a_response_for_one_client_is_not_shared(self, fields: dict[str, str], run: Run) -> None:
        slow = Slow()

        async def calls(get: Any) -> None:
            gets = [get() for _ in range(3)]
            await slow.waiting(3)
            slow.calls[0].callback(Response("0", headers=fields))
            await slow.called(3)  # the others no longer wait for each other
            for number in (1, 2):
                slow.calls[number].callback(Response(str(number), headers=fields))
            assert [each.text for each in await asyncio.gather(*gets)] == ["0", "1", "2"]
            later = [get(), get()]
            await slow.called(5)
            for number in (3, 4):
                slow.calls[number].callback(Response(str(number)))
            assert [each.text for each in await asyncio.gather(*later)] == ["3", "4"]
            assert (await get()).text in ("3", "4")

        with_client(run, slow, calls)

    def test_a_stale_response_for_all_who_wait(self, run: Run) -> None:
        slow = Slow(stale_if_error=100)

        async def main() -> None:
            async with AsyncClient(slow.app) as client:
                first = asyncio.ensure_future(client.get("/"))
                await slow.called()
                slow.calls[0].callback("old")
                await first
                client.clock.advance(70)
                gets = [asyncio.ensure_future(client.get("/")) for _ in range(3)]
                await slow.waiting(3)
                slow.calls[1].errback(HTTPError(503))
                assert [each.text for each in await asyncio.gather(*gets)] == ["old"] * 3

        run(main())
        assert len(slow.calls) == 2


def test_clients_of_an_event_stream_do_not_wait(run: Run) -> None:
    slow = Slow()

    async def calls(get: Any) -> None:
        gets = [get(accept="text/event-stream") for _ in range(2)]
        await slow.called(2)
        for each in slow.calls:
            each.callback(Response(iter(["data: 1\n\n"]), content_type="text/event-stream"))
        assert [(await each).text for each in gets] == ["data: 1\n\n"] * 2

    with_client(run, slow, calls)


def test_without_a_time_requests_wait_only_if_the_handler_gives_one(run: Run) -> None:
    slow = Slow(None)

    async def calls(get: Any) -> None:
        unknown = [get(), get()]
        await slow.called(2)  # they do not wait: the response may be for one client, as in long polling
        for each in slow.calls:
            each.callback(Response("x", headers={"cache-control": "max-age=60"}))
        await asyncio.gather(*unknown)
        await slow.cache.purge(everything=True)
        known = [get(), get(), get()]
        await slow.waiting(3)
        slow.calls[2].callback(Response("y", headers={"cache-control": "max-age=60"}))
        assert [(await each).text for each in known] == ["y"] * 3

    with_client(run, slow, calls)
    assert len(slow.calls) == 3


def test_one_layer_twice_around_a_handler(run: Run) -> None:
    cache = Cache()
    layer = cache(60)
    app = App(middleware=[layer])
    app.get("/")(layer(lambda request: "x"))

    async def main() -> None:
        async with AsyncClient(app) as client:
            assert [(await client.get("/")).text for _ in range(2)] == ["x", "x"]

    run(main())


def test_two_layers_of_one_cache(run: Run) -> None:
    cache, calls = Cache(), []
    app = App(middleware=[cache(None)])

    @app.get("/")
    @cache(60)
    async def handler(request: Request) -> str:
        calls.append(request)
        await asyncio.sleep(0)
        return "x"

    async def main() -> None:
        async with AsyncClient(app) as client:
            found = await asyncio.gather(*(client.get("/") for _ in range(5)))
            assert {each.text for each in found} == {"x"}

    run(main())
    assert len(calls) == 1
