"""`sessions` runs without a coroutine around a handler that does not wait, unless the app has middleware that needs
one.

The responses must be the same with and without a coroutine.
"""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.unit.sessions.apps import browser
from tests.unit.sessions.conftest import SECRET
from twisted.internet.defer import Deferred, succeed

from ropewalk import App, HTTPError, Request, Response
from ropewalk.middleware import Next
from ropewalk.sessions import SessionsOptions, flash, flashes, login, logout, sessions
from ropewalk.stores import MemorySessions, SQLiteSessions


class Room(msgspec.Struct):
    number: int


class Page:
    def __html__(self) -> str:
        return "<p>page</p>"


def fail(error: BaseException) -> Any:
    raise error


async def awaited(value: Any) -> Any:
    await asyncio.sleep(0)
    return value


async def parts() -> AsyncIterator[str]:
    yield "a"
    yield "b"


def prepared(request: Request) -> str:
    request.setResponseCode(202)
    request.setHeader("x-prepared", "1")
    return "prepared"


VALUES: dict[str, Callable[[Request], Any]] = {
    "str": lambda request: "text",
    "not ascii": lambda request: "é",
    "half a pair": lambda request: "\ud800",
    "bytes": lambda request: b"bytes",
    "empty": lambda request: "",
    "dict": lambda request: {"a": 1},
    "list": lambda request: [1],
    "Struct": lambda request: Room(1),
    "not JSON": lambda request: {"a": object()},
    "None": lambda request: None,
    "wrong": lambda request: object(),
    "__html__": lambda request: Page(),
    "Response": lambda request: Response("text", 201, {"x-own": "1"}),
    "with Vary": lambda request: Response("text", headers={"vary": "Accept, cookie"}),
    "server error": lambda request: Response("text", 500),
    "redirect": lambda request: Response.redirect("/there"),
    "HTTPError": lambda request: fail(HTTPError(404, "No room.")),
    "exception": lambda request: fail(ValueError("no")),
    "Deferred": lambda request: succeed("later"),
    "pending": lambda request: Deferred.fromCoroutine(awaited("later")),
    "coroutine": lambda request: awaited("later"),
    "stream": lambda request: iter(["a", "b"]),
    "async stream": lambda request: parts(),
    "file": lambda request: Path(__file__),
    "prepared": prepared,
}


def remove(request: Request) -> None:
    request.session.pop("count", None)


USES: dict[str, Callable[[Request], Any]] = {
    "nothing": lambda request: None,
    "unread": lambda request: request.session,
    "read": lambda request: request.session.get("count"),
    "missing": lambda request: request.session.get("missing"),
    "mutable": lambda request: request.session.get("list"),
    "changed in place": lambda request: request.session.get("list", []).append(3),
    "written": lambda request: request.session.update(count=request.session.get("count", 0) + 1),
    "unchanged": lambda request: request.session.update(count=request.session.get("count", 1)),
    "removed": remove,
    "cleared": lambda request: request.session.clear(),
    "rotated": lambda request: request.session.rotate(),
    "login": lambda request: login(request, "ada"),
    "logout": logout,
    "flash": lambda request: flash(request, "text"),
    "flashes": flashes,
    "too large": lambda request: request.session.update(count="x" * 70_000),
}
STORES: dict[str, Callable[[Path], SessionsOptions]] = {
    "cookie": lambda folder: SessionsOptions(secret=SECRET),
    "memory": lambda folder: SessionsOptions(store=MemorySessions()),
    "sqlite": lambda folder: SessionsOptions(store=SQLiteSessions(folder / "sessions.db"), preload=True),
}


async def passing(request: Request, next: Next) -> Response:
    return await next(request)


def responses(
    options: SessionsOptions, around: Any, use: Callable[[Request], Any], value: Callable[[Request], Any]
) -> Any:
    """The responses of a handler to a browser with a session and to one without, and the session afterwards."""
    app = App(middleware=[sessions(options), *around])

    @app.get("/begin")
    def begin(request: Request) -> str:
        request.session.update(count=1, list=[1, 2])
        flash(request, "first")
        return ""

    @app.get("/handler")
    def handler(request: Request) -> Any:
        use(request)
        return value(request)

    @app.get("/after")
    def after(request: Request) -> Any:
        session = request.session
        return {"values": dict(session), "user": session.user, "messages": [each.text for each in flashes(request)]}

    seen = []
    for begins in (False, True):
        for method in ("GET", "HEAD"):
            client = browser(app, raise_errors=False)
            if begins:
                client.get("/begin")
            response = client.request(method, "/handler")
            fields = sorted((name, told) for name, told in response.headers.lines() if name != "date")
            cookies = [told.partition("=")[2].partition(";") for name, told in fields if name == "set-cookie"]
            shown = [(name, told) for name, told in fields if name != "set-cookie"]
            seen.append((response.status, response.body, shown, [(bool(told), rest) for told, _, rest in cookies]))
            seen.append(client.get("/after").json())
    if isinstance(options.store, SQLiteSessions):
        options.store.close()
    return seen


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("use", USES)
def test_uses(store: str, use: str, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    at_once = responses(STORES[store](tmp_path), (), USES[use], VALUES["str"])
    assert at_once == responses(STORES[store](tmp_path / "other"), (passing,), USES[use], VALUES["str"])


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("use", ["nothing", "read", "written", "logout"])
def test_values(use: str, value: str, tmp_path: Path) -> None:
    at_once = responses(STORES["cookie"](tmp_path), (), USES[use], VALUES[value])
    assert at_once == responses(STORES["cookie"](tmp_path), (passing,), USES[use], VALUES[value])


def test_no_coroutine_runs() -> None:
    app = App(middleware=[sessions(SessionsOptions(secret=SECRET))])
    callers = []

    @app.get("/")
    def handler(request: Request) -> str:
        frame = inspect.currentframe()
        assert frame is not None
        assert frame.f_back is not None
        callers.append(frame.f_back.f_code)
        return str(request.session.get("a"))

    response = browser(app).get("/")
    assert (response.text, response.headers["vary"]) == ("None", "Cookie")
    assert not callers[0].co_flags & inspect.CO_COROUTINE
