"""Providers that live as long as the app."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

import pytest
from tests.unit.conftest import Log
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from ropewalk import App, Depends, Request, Resource
from ropewalk.errors import HandlerError
from ropewalk.testing import AsyncClient, Client

Text = Annotated[str, Depends()]


@pytest.fixture
def events() -> list[str]:
    return []


@pytest.fixture
def app(events: list[str]) -> App:
    """An app with a pool, a cache that needs it, and a setting."""

    async def pool(setting: Text) -> AsyncIterator[str]:
        await asyncio.sleep(0)
        events.append(f"pool {setting}")
        yield "pool"
        await asyncio.sleep(0)
        events.append("pool closed")

    def cache(pool: Text) -> Iterator[str]:
        events.append("cache")
        yield f"{pool}, cache"
        events.append("cache closed")

    def setting() -> Deferred[str]:
        return succeed("set")

    app = App()
    app.on_start(lambda: events.append("start hook"))
    app.on_stop(lambda: events.append("stop hook"))
    app.provide("cache", cache, scope="app")
    app.provide("pool", pool, scope="app")
    app.provide("setting", setting, scope="app")

    def session(cache: Text) -> Iterator[str]:
        events.append("session")
        yield f"{cache}, session"

    @app.get("/")
    def handler(session: Annotated[str, Depends(session)], pool: Text) -> str:
        return f"{session}, {pool}"

    return app


class TestLife:
    def test_they_are_opened_at_start_and_closed_at_stop(self, app: App, events: list[str]) -> None:
        with Client(app) as client:
            assert events == ["start hook", "pool set", "cache"]
            assert client.get("/").text == "pool, cache, session, pool"
            assert client.get("/").text == "pool, cache, session, pool"
        assert events == [
            *("start hook", "pool set", "cache", "session", "session"),
            *("cache closed", "pool closed", "stop hook"),
        ]
        events.clear()
        with Client(app) as client:
            assert client.get("/").text == "pool, cache, session, pool"
        assert events[1:3] == ["pool set", "cache"]

    def test_an_app_that_was_not_started(self, app: App, log: Log) -> None:
        assert Client(app, raise_errors=False).get("/").status == 500
        assert "RW218" in log.text
        assert "is not open: it opens when the app starts" in log.text

    def test_those_of_mounted_apps(self, events: list[str]) -> None:
        def opened() -> Iterator[str]:
            events.append("open")
            yield "value"
            events.append("closed")

        inner, app = App(), App()
        inner.provide("value", opened, scope="app")
        app.mount("/a", inner)

        @inner.get("/")
        async def handler(value: Text, same: Annotated[str, Depends(opened, scope="app")]) -> str:
            return value + same

        with Client(app) as client:
            assert client.get("/a/").text == "valuevalue"
        assert events == ["open", "closed"]

    def test_one_that_only_a_route_names(self, events: list[str]) -> None:
        def opened() -> Iterator[str]:
            events.append("open")
            yield "value"

        app = App()

        @app.get("/", provide={"value": Depends(opened, scope="app")})
        def handler(value: Text) -> str:
            return value

        with Client(app) as client:
            assert events == ["open"]
            assert client.get("/").text == "value"

    def test_one_that_only_render_names(self, events: list[str]) -> None:
        def pool() -> Iterator[str]:
            events.append("pool")
            yield "pool"

        class Pools(Resource):
            isLeaf = True

            def render(self, pool: Annotated[str, Depends(pool, scope="app")]) -> str:  # type: ignore[override] # typed
                return pool

        app = App()
        app.mount("/", Pools())
        with Client(app) as client:
            assert events == ["pool"]
            assert client.get("/").text == "pool"

    def test_one_that_fails_closes_the_others(self, app: App, events: list[str]) -> None:
        async def failing(cache: Text) -> None:
            raise LookupError("no database")

        app.provide("last", failing, scope="app")
        with pytest.raises(LookupError, match="no database"):
            Client(app).__enter__()
        assert events[-3:] == ["cache closed", "pool closed", "stop hook"]
        assert app.dependencies.opened == {}

    def test_a_failure_at_stop_is_logged_and_keeps_no_other(self, app: App, events: list[str], log: Log) -> None:
        async def failing(cache: Text) -> AsyncIterator[str]:
            yield "last"
            raise LookupError("not closed")

        def twice() -> Iterator[None]:
            yield
            yield

        app.provide("last", failing, scope="app")
        app.provide("twice", twice, scope="app")
        with Client(app):
            pass
        assert events[-3:] == ["cache closed", "pool closed", "stop hook"]
        assert "failing at" in log.text
        assert "twice at" in log.text

    def test_a_reactor_that_is_not_asyncios(self, reactor: Clock, events: list[str]) -> None:
        class Reactor(Clock):
            """A clock with the functions of a reactor that a server needs."""

            def addSystemEventTrigger(self, *_: Any) -> None: ...

            def removeSystemEventTrigger(self, *_: Any) -> None: ...

            def callWhenRunning(self, call: Any, *args: Any) -> None:
                call(*args)

            def callFromThread(self, call: Any, *args: Any) -> None:
                call(*args)

            def addReader(self, _: Any) -> None: ...

            def removeReader(self, _: Any) -> None: ...

        waiting: list[Deferred[str]] = [Deferred(), Deferred()]

        async def opened() -> AsyncIterator[str]:
            events.append(await waiting[0])
            yield "value"
            events.append(await waiting[1])

        app = App()
        app.provide("value", opened, scope="app")
        port = app.listen(Reactor(), "tcp:0:interface=127.0.0.1")
        waiting[0].callback("open")
        assert events == ["open"]
        port.stopListening().addCallback(lambda _: events.append("stopped"))
        assert events == ["open"]
        waiting[1].callback("closed")
        assert events == ["open", "closed", "stopped"]


class TestOverride:
    def test_what_replaces_one_at_the_start_is_opened_in_its_place(self, app: App, events: list[str]) -> None:
        def memory() -> Iterator[str]:
            events.append("memory")
            yield "memory"
            events.append("memory closed")

        with app.override("pool", memory), Client(app) as client:
            assert client.get("/").text == "memory, cache, session, memory"
        assert events == ["start hook", "memory", "cache", "session", "cache closed", "memory closed", "stop hook"]

    def test_what_replaces_an_open_one_is_called_for_each_request(self, app: App) -> None:
        with Client(app) as client:
            with app.override("pool", lambda: "memory"):
                assert client.get("/").text == "pool, cache, session, memory"
            assert client.get("/").text == "pool, cache, session, pool"


class TestMistakes:
    def test_one_that_needs_a_request(self) -> None:
        def needs(request: Request) -> None: ...

        def reads(page: int) -> None: ...

        def needs_session(pool: Annotated[None, Depends(reads)]) -> None: ...

        for provider in (needs, reads, needs_session):
            app = App()
            app.provide("value", provider, scope="app")

            @app.get("/")
            def handler(value: Text) -> None: ...

            with pytest.raises(HandlerError, match=rf"{provider.__name__} at .* lives as long as the app") as error:
                Client(app).__enter__()
            assert error.value.code == "RW218"

    def test_a_circle(self) -> None:
        def first(second: Text) -> None: ...

        def second(first: Text) -> None: ...

        app = App()
        app.provide("first", first, scope="app")
        app.provide("second", second, scope="app")
        with pytest.raises(HandlerError, match="first at .* needs .*second at") as error:
            Client(app).__enter__()
        assert error.value.code == "RW217"

    def test_the_start_of_a_server_fails(self, log: Log) -> None:
        async def main() -> None:
            app = App()

            @app.get("/")
            def handler(value: Text) -> None: ...

            async with AsyncClient(app):
                pass

        with pytest.raises(HandlerError, match="Nothing provides 'value'"):
            asyncio.run(main())
