"""Stores that cannot be used, and sessions that are loaded late."""

from collections.abc import Collection, Mapping
from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.sessions.apps import browser, site
from tests.unit.sessions.conftest import store_of
from tests.unit.stores.redis_process import RedisProcess, require_redis

from ropewalk import App, Request
from ropewalk.auth import authenticate, requires
from ropewalk.errors import HandlerError
from ropewalk.sessions import SessionAuth, SessionsOptions, login, sessions
from ropewalk.stores import MemorySessions, RedisServer, RedisSessions, StoredSession, StoreUnavailable
from ropewalk.testing import Client


class Unreliable(MemorySessions):
    """A store whose methods fail while their names are in `broken`. It counts the calls of `load`."""

    def __init__(self, *, immediate: bool) -> None:
        super().__init__()
        self.immediate = immediate  # type: ignore[misc] # also for a store that has to be awaited
        self.broken: Collection[str] = ()
        self.loads = 0

    def _check(self, step: str) -> None:
        if step in self.broken:
            raise StoreUnavailable("It is gone.")

    async def load(self, key: str) -> StoredSession | None:
        self.loads += 1
        self._check("load")
        return await super().load(key)

    async def create(self, key: str, session: StoredSession, seconds: float, **more: Any) -> bool:
        self._check("create")
        return await super().create(key, session, seconds, **more)

    async def update(
        self, key: str, changed: Mapping[str, bytes], removed: Collection[str], touched: float, seconds: float
    ) -> bool:
        self._check("update")
        return await super().update(key, changed, removed, touched, seconds)

    async def delete(self, key: str) -> None:
        self._check("delete")
        await super().delete(key)


@pytest.fixture(params=[True, False], ids=["immediate", "awaited"])
def store(request: pytest.FixtureRequest) -> Unreliable:
    return Unreliable(immediate=request.param)


def client_of(store: Unreliable, **more: Any) -> Client:
    client = browser(site(SessionsOptions(store=store, **more)))
    client.post("/login/7")
    client.post("/set/a/1")
    return client


class TestClosed:
    def test_reading(self, store: Unreliable) -> None:
        client = client_of(store)
        store.broken = ["load"]
        response = client.get("/")
        assert (response.status, response.headers["retry-after"]) == (503, "1")
        assert client.get("/unread").status == 200
        for path in ("/set/a/2", "/login/8", "/logout", "/rotate"):
            assert client.post(path).status == 503
        store.broken = ()
        assert client.get("/").json() == {"values": {"a": "1"}, "user": "7"}

    @pytest.mark.parametrize(("step", "path"), [("update", "/set/a/2"), ("create", "/login/8"), ("delete", "/logout")])
    def test_saving(self, store: Unreliable, step: str, path: str) -> None:
        client = client_of(store)
        store.broken = [step]
        response = client.post(path)
        assert response.status == 503
        assert "set-cookie" not in response.headers
        store.broken = ()
        assert client.get("/").json() == {"values": {"a": "1"}, "user": "7"}


class TestOpen:
    def test_reading(self, store: Unreliable) -> None:
        client = client_of(store, on_store_failure="open")
        store.broken = ["load"]
        assert client.get("/").json() == {"values": {}, "user": None}
        response = client.post("/set/a/2")
        assert response.status == 200 or not store.immediate
        assert "set-cookie" not in response.headers
        assert client.post("/login/8").status == 503
        assert client.post("/logout").status == 503
        store.broken = ()
        assert client.get("/").json() == {"values": {"a": "1"}, "user": "7"}

    def test_saving(self, store: Unreliable, log: Log) -> None:
        client = client_of(store, on_store_failure="open")
        store.broken = ["update", "create"]
        assert client.post("/set/a/2").status == 200
        assert "RW234 A session was not saved" in log.text
        assert client.post("/login/8").status == 503
        store.broken = ()
        assert client.get("/").json() == {"values": {"a": "1"}, "user": "7"}


class TestLaziness:
    def test_an_unread_session_is_not_loaded(self) -> None:
        store = Unreliable(immediate=True)
        client = client_of(store)
        store.loads = 0
        client.get("/unread")
        assert store.loads == 0
        client.get("/")
        assert store.loads == 1

    def test_a_client_without_a_cookie_costs_nothing(self, store: Unreliable) -> None:
        browser(site(SessionsOptions(store=store))).get("/")
        assert store.loads == 0

    def test_impossible_ids_are_not_looked_up(self, store: Unreliable) -> None:
        client = browser(site(SessionsOptions(store=store)))
        client.get("/", headers={"cookie": f"__Host-session={'x' * 65}"})
        client.get("/", headers={"cookie": "__Host-session="})
        assert store.loads == 0

    def test_without_preload(self) -> None:
        store = Unreliable(immediate=False)
        app = App(middleware=[sessions(SessionsOptions(store=store, preload=False))])

        @app.post("/")
        def log_in(request: Request) -> str:
            login(request, 7)
            return ""

        @app.get("/loaded")
        async def loaded(request: Request) -> str:
            session = await request.session.load()
            return str(session.user)

        @app.get("/not-loaded")
        def not_loaded(request: Request) -> str:
            return str(request.session.user)

        @app.get("/unread")
        def unread() -> str:
            return ""

        client = browser(app)
        client.post("/")
        client.get("/unread")
        assert store.loads == 0
        assert client.get("/loaded").text == "7"
        with pytest.raises(HandlerError, match=r"RW250 .*preload=False.*await request.session.load"):
            client.get("/not-loaded")

    def test_session_auth_loads_it(self) -> None:
        options = SessionsOptions(store=Unreliable(immediate=False), preload=False)
        app = App(middleware=[sessions(options), authenticate(SessionAuth(), optional=True)])

        @app.post("/")
        def log_in(request: Request) -> str:
            login(request, 7)
            return ""

        app.get("/")(requires()(lambda request: request.session.user))
        client = browser(app)
        client.post("/")
        assert client.get("/").text == "7"

    def test_a_store_that_waits_although_it_says_it_does_not(self, request: pytest.FixtureRequest) -> None:
        store = store_of("sqlite", request)
        client = browser(site(SessionsOptions(store=store)))
        client.post("/set/a/1")
        client.app.middlewares[0].__self__._keeper.immediate = True
        with pytest.raises(HandlerError, match="RW250 .*The store of the sessions has waited"):
            client.get("/")


def test_a_redis_that_is_killed_and_started_again() -> None:
    require_redis()
    process = RedisProcess()
    process.start()
    server = RedisServer(process.url, timeout=20, retry_after=0.001)
    client = browser(site(SessionsOptions(store=RedisSessions(server))))
    try:
        client.post("/login/7")
        assert client.get("/").json()["user"] == "7"
        process.kill()
        assert client.get("/unread").status == 200
        assert client.get("/").status == 503
        assert client.post("/logout").status == 503
        process.start()
        client.advance(1)
        # the session is lost, because this Redis writes nothing to the disk
        assert client.get("/").json() == {"values": {}, "user": None}
        client.post("/login/7")
        assert client.get("/").json()["user"] == "7"
    finally:
        process.kill()
        server.close()
