"""Requests of one session that run at the same time."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.unit.sessions.apps import browser, site
from tests.unit.sessions.conftest import store_of

from ropewalk import App, Request, Response
from ropewalk.sessions import SessionsOptions, flash, flashes
from ropewalk.stores import MemorySessions
from ropewalk.testing import Client

HOST = "__Host-session"


@pytest.fixture(params=["memory", "sqlite", "redis"])
def store(request: pytest.FixtureRequest) -> Any:
    return store_of(request.param, request)


@pytest.fixture
def app(store: Any) -> App:
    return site(SessionsOptions(store=store))


def overtaken(app: App, change: Callable[[Request], object], path: str) -> Client:
    """A client with the values a and b, of which one request overtakes another.

    The first request reads its session. Then the second request, to `path`, runs to its end. Then the first request
    makes its change and is saved.
    """
    client = browser(app)
    client.post("/login/7")
    client.post("/set/a/1")
    client.post("/set/b/1")
    cookie = f"{HOST}={client.cookies[HOST]}"
    store = _store_of(app)

    @app.post("/overtaken")
    async def handle(request: Request) -> str:
        assert request.session["a"] == "1"
        await _concurrent(store, cookie, path)
        change(request)
        return "done"

    response = client.post("/overtaken", headers={"cookie": cookie, "sec-fetch-site": "same-origin"})
    assert response.status == 200
    client.response = response  # type: ignore[attr-defined] # for the test
    return client


def _store_of(app: App) -> Any:
    return app.middlewares[0].__self__._options.store  # type: ignore[attr-defined]


async def _concurrent(store: Any, cookie: str, path: str) -> None:
    """Make the changes in the store that another request would make."""
    from ropewalk.clocks import unix_time
    from ropewalk.sessions.session_ids import key_of

    key = key_of(cookie.partition("=")[2])
    steps: dict[str, Callable[[], Awaitable[Any]]] = {
        "set b": lambda: store.update(key, {"b": b'"2"', "c": b'"2"'}, (), unix_time(), 1000),
        "set a": lambda: store.update(key, {"a": b'"2"'}, (), unix_time(), 1000),
        "delete b": lambda: store.update(key, {}, ("b",), unix_time(), 1000),
        "logout": lambda: store.delete(key),
        "everywhere": lambda: store.end_sessions("7", 1000),
    }
    await steps[path]()


def _set_a(request: Request) -> None:
    request.session["a"] = "3"


def _rotate(request: Request) -> None:
    request.session.rotate()
    request.session["a"] = "3"


def values(client: Client) -> Any:
    return client.get("/").json()["values"]


def test_changes_of_different_values_are_both_kept(app: App) -> None:
    assert values(overtaken(app, _set_a, "set b")) == {"a": "3", "b": "2", "c": "2"}


def test_the_last_change_of_one_value_wins(app: App) -> None:
    assert values(overtaken(app, _set_a, "set a")) == {"a": "3", "b": "1"}


def test_a_removed_value_does_not_come_back(app: App) -> None:
    assert values(overtaken(app, _set_a, "delete b")) == {"a": "3"}


def test_a_removed_value_and_a_set_one(app: App) -> None:
    assert values(overtaken(app, lambda request: request.session.pop("b"), "set a")) == {"a": "2"}


@pytest.mark.parametrize("change", [_set_a, _rotate])
@pytest.mark.parametrize("end", ["logout", "everywhere"])
def test_an_ended_session_does_not_come_back(app: App, change: Any, end: str) -> None:
    client = overtaken(app, change, end)
    assert "set-cookie" not in client.response.headers  # type: ignore[attr-defined]
    assert client.get("/").json() == {"values": {}, "user": None}


def test_messages_of_both_are_kept(store: Any) -> None:
    app = site(SessionsOptions(store=store))

    @app.get("/flashes")
    def show(request: Request) -> list[str]:
        return [each.text for each in flashes(request)]

    @app.post("/flash/{text}")
    def add(request: Request, text: str) -> str:
        flash(request, text)
        return ""

    client = browser(app)
    client.post("/login/7")
    value = client.cookies[HOST]
    client.post("/flash/one")
    client.post("/flash/two", headers={"cookie": f"{HOST}={value}", "sec-fetch-site": "same-origin"})
    assert client.get("/flashes").json() == ["one", "two"]


def test_one_response_object_for_several_clients() -> None:
    """The cookie of one client must not be added to a Response object that is also sent to other clients."""
    app = site(SessionsOptions(store=MemorySessions()))
    shared = Response("shared")

    @app.get("/shared")
    def respond(request: Request) -> Response:
        request.session["a"] = "1"
        return shared

    found = [browser(app).get("/shared").headers.all("set-cookie") for _ in range(3)]
    assert [len(each) for each in found] == [1, 1, 1]
    assert len({each[0] for each in found}) == 3
    assert "set-cookie" not in shared.headers
    assert "cache-control" not in shared.headers
