"""The token of a remembered browser: it is replaced at each use. A late use of a replaced one ends all sessions."""

import asyncio
from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.sessions.apps import OWN, browser
from tests.unit.sessions.conftest import store_of
from tests.unit.sessions.test_logins import DAY, REMEMBER, members

from ropewalk import App, HTTPError
from ropewalk.auth import requires
from ropewalk.sessions.remember_me import GRACE
from ropewalk.stores import MemorySessions
from ropewalk.testing import AsyncClient, Client

SESSION = "__Host-session"


@pytest.fixture(params=["memory", "sqlite", "redis"])
def store(request: pytest.FixtureRequest) -> Any:
    return store_of(request.param, request)


def remembered(app: App) -> Client:
    """A browser whose user is remembered, and whose session has ended."""
    client = browser(app)
    client.post("/remember/7")
    client.advance(8 * DAY)
    return client


def with_token(client: Client, token: str) -> Any:
    """The response to a browser that has only this token."""
    other = Client(client.app, secure=True, clock=client.clock)
    return other.get("/me", headers={"cookie": f"{REMEMBER}={token}"})


class _CountingSessions(MemorySessions):
    """Counts how often a session is looked up."""

    loads = 0

    async def load(self, key: str) -> Any:
        self.loads += 1
        return await super().load(key)


@pytest.mark.parametrize(("length", "loads"), [(64, 1), (10_000, 0)])
def test_a_long_token_is_not_looked_up(length: int, loads: int) -> None:
    store = _CountingSessions()
    assert with_token(browser(members(store)), "x" * length).status == 401
    assert store.loads == loads


class TestReplacement:
    def test_each_use_gives_another_token(self, store: Any) -> None:
        client = remembered(members(store))
        tokens = [client.cookies[REMEMBER]]
        for _ in range(3):
            assert client.get("/me").text == "7 True"
            tokens.append(client.cookies[REMEMBER])
            client.advance(3 * 3600)
        assert len(set(tokens)) == 4
        assert len({each.partition(".")[0] for each in tokens}) == 1

    def test_a_session_that_lasts_leaves_it(self) -> None:
        client = remembered(members(MemorySessions()))
        client.get("/me")
        assert "set-cookie" not in client.get("/me").headers

    def test_it_expires_when_the_first_one_does(self, store: Any) -> None:
        client = remembered(members(store, remember_for=10 * DAY))
        _, field = client.get("/me").headers.all("set-cookie")
        assert 2 * DAY - 3600 < int(field.partition("Max-Age=")[2].partition(";")[0]) <= 2 * DAY
        token = client.cookies[REMEMBER]
        client.advance(2 * DAY)
        assert with_token(client, token).status == 401

    def test_a_failed_request_replaces_nothing(self) -> None:
        app = members(MemorySessions())

        @app.get("/fail")
        @requires()
        def fail() -> str:
            raise HTTPError(500)

        client = remembered(app)
        before = client.cookies[REMEMBER]
        assert client.get("/fail").status == 500
        assert client.cookies[REMEMBER] == before
        client.advance(GRACE + 1)
        assert client.get("/me").text == "7 True"

    def test_a_password_begins_another_series(self, store: Any) -> None:
        client = remembered(members(store))
        before = client.cookies[REMEMBER]
        client.post("/remember/7")
        assert client.cookies[REMEMBER].partition(".")[0] != before.partition(".")[0]
        assert with_token(client, before).status == 401
        # the user has replaced the series, so the old token is not a sign of theft
        assert client.get("/me").text == "7 False"

    def test_the_store_cannot_tell_the_next_token(self) -> None:
        store = MemorySessions()
        client = remembered(members(store))
        client.get("/me")
        _, _, token = client.cookies[REMEMBER].partition(".")
        assert token not in repr(vars(store))


class TestConcurrentRequests:
    def test_all_get_the_same_token(self, store: Any) -> None:
        app = members(store)
        client = remembered(app)
        token = client.cookies[REMEMBER]

        async def ask() -> set[str]:
            browsers = [AsyncClient(app, secure=True, headers=OWN, clock=client.clock) for _ in range(5)]
            headers = {"cookie": f"{REMEMBER}={token}"}
            responses = await asyncio.gather(*(each.get("/me", headers=headers) for each in browsers))
            assert [each.text for each in responses] == ["7 True"] * 5
            return {each.cookies[REMEMBER] for each in browsers}

        found = asyncio.run(ask())
        assert len(found) == 1
        assert found != {token}
        assert with_token(client, found.pop()).status == 200

    def test_a_late_request_gets_the_token_of_the_first(self, store: Any) -> None:
        client = remembered(members(store))
        before = client.cookies[REMEMBER]
        client.get("/me")
        after = client.cookies[REMEMBER]
        client.advance(GRACE - 1)
        late = with_token(client, before)
        assert late.text == "7 True"
        assert f"{REMEMBER}={after};" in " ".join(late.headers.all("set-cookie"))
        assert with_token(client, after).text == "7 True"


class TestTheft:
    def test_a_used_token_ends_all_sessions_of_the_user(self, store: Any, log: Log) -> None:
        app = members(store)
        victim = remembered(app)
        stolen = victim.cookies[REMEMBER]
        thief = browser(app, clock=victim.clock)
        assert thief.get("/me", headers={"cookie": f"{REMEMBER}={stolen}"}).text == "7 True"
        stranger = browser(app, clock=victim.clock)
        stranger.post("/login/8")
        victim.advance(GRACE + 1)
        refused = victim.get("/me")
        assert refused.status == 401
        assert REMEMBER not in victim.cookies
        assert thief.get("/me").status == 401
        assert with_token(thief, thief.cookies.get(REMEMBER, "none")).status == 401
        assert stranger.get("/me").text == "8 False"
        assert log.text.count("RW375") == 1
        assert "The user is '7'" in log.text
        victim.post("/login/7")
        assert victim.get("/me").text == "7 False"

    def test_the_thief_may_be_second(self, store: Any) -> None:
        app = members(store)
        victim = remembered(app)
        stolen = victim.cookies[REMEMBER]
        victim.get("/me")
        victim.advance(GRACE + 1)
        assert with_token(victim, stolen).status == 401
        assert victim.get("/me").status == 401

    @pytest.mark.parametrize("token", ["", ".", "{name}", "{name}.", "{name}.x", "{name}.{token}x", "x.{token}"])
    def test_a_wrong_token_lets_nobody_in(self, token: str) -> None:
        client = remembered(members(MemorySessions()))
        name, _, right = client.cookies[REMEMBER].partition(".")
        assert with_token(client, token.format(name=name, token=right)).status == 401

    def test_an_unknown_series_is_no_theft(self, log: Log) -> None:
        client = remembered(members(MemorySessions()))
        assert with_token(client, f"unknown.{client.cookies[REMEMBER].partition('.')[2]}").status == 401
        assert client.get("/me").text == "7 True"
        assert log == []

    def test_a_value_of_another_version_lets_nobody_in(self) -> None:
        store = MemorySessions()
        client = remembered(members(store))
        for kept in store._of_users.values():
            kept.session = type(kept.session)({"series": b"[1]"}, "7", kept.session.created, kept.session.touched)
        assert client.get("/me").status == 401
