"""Scopes and roles, as a decorator and as a middleware; and principals in typed handlers."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec import Struct
from tests.unit.auth.conftest import basic, check_key, check_user
from tests.unit.conftest import Log
from twisted.internet.defer import Deferred, succeed

from ropewalk import App, Request, Resource, wsgi
from ropewalk.auth import (
    REQUIREMENTS,
    APIKey,
    BasicAuth,
    authenticate,
    requires,
)
from ropewalk.errors import HandlerError
from ropewalk.testing import Client

ADA_SENDS = basic("ada", "s3cret")

BOB_SENDS = basic("bob", "hunter2")

KEY = {"X-API-Key": "key-1"}


class Room(Struct):
    beds: int


def new_app(*, optional: bool = False) -> App:
    return App(
        middleware=[authenticate(BasicAuth(check_user), APIKey("X-API-Key", check=check_key), optional=optional)]
    )


@requires("rooms:write", role="clerk")
def plain(request: Request) -> str:
    return "done"


@requires("rooms:write", role="clerk")
async def coroutine(request: Request) -> str:
    return "done"


@requires("rooms:write", role="clerk")
def deferred(request: Request) -> "Deferred[str]":
    return succeed("done")


@requires("rooms:write", role="clerk")
def without_request() -> str:
    return "done"


@requires("rooms:write", role="clerk")
def with_another_name(req: Any) -> str:
    return "done" if isinstance(req, Request) else "wrong"


@requires("rooms:write", role="clerk")
async def parts(request: Request) -> AsyncIterator[str]:
    yield "do"
    yield "ne"


@requires("rooms:write")
@requires(role=["chief", "clerk"])
def stacked() -> str:
    return "done"


class Parts:
    async def __call__(self, request: Request) -> AsyncIterator[str]:
        yield "do"
        yield "ne"


class Form:
    @requires("rooms:write", role="clerk")
    def method(self, request: Request) -> str:
        return "done"


@pytest.mark.parametrize(
    "handler",
    [
        plain,
        coroutine,
        deferred,
        without_request,
        with_another_name,
        parts,
        stacked,
        Form().method,
        requires("rooms:write", role="clerk")(Parts()),
    ],
)
def test_handlers(handler: Any, log: Log) -> None:
    app = new_app(optional=True)
    app.get("/")(handler)
    client = Client(app)
    assert client.get("/", headers=ADA_SENDS).text == "done"
    assert client.get("/", headers=BOB_SENDS).status == 403
    refused = client.get("/")
    assert refused.status == 401
    assert refused.headers["www-authenticate"].startswith('Basic realm="app"')
    assert log == []


@pytest.mark.parametrize("handler", [plain, coroutine, without_request, with_another_name, stacked])
def test_without_authenticate_nothing_passes(handler: Any, log: Log) -> None:
    app = App()
    app.get("/")(handler)
    assert Client(app, raise_errors=False).get("/", headers=ADA_SENDS).status == 500
    assert "RW241" in log.text


def test_parameters_of_the_path_and_the_body() -> None:
    app = new_app()

    @app.put("/rooms/{number:int}")
    @requires("rooms:write")
    async def change(number: int, room: Room, dry: bool = False) -> dict[str, Any]:
        return {"number": number, "beds": room.beds, "dry": dry}

    @app.get("/floors/{floor}/rooms/{number}")
    @requires()
    def show(request: Request, floor: str, number: str) -> str:
        return f"{floor}-{number}"

    @app.get("/bare/{name}")
    @requires()
    def bare(name) -> str:  # type: ignore[no-untyped-def] # a parameter without an annotation
        return f"{name}"

    client = Client(app)
    changed = client.put("/rooms/12?dry=true", json={"beds": 2}, headers=ADA_SENDS)
    assert changed.json() == {"number": 12, "beds": 2, "dry": True}
    assert client.get("/floors/1/rooms/12", headers=BOB_SENDS).text == "1-12"
    assert client.get("/bare/x", headers=BOB_SENDS).text == "x"


def test_access_is_checked_before_input() -> None:
    app = new_app(optional=True)

    @app.put("/rooms/{number:int}")
    @requires("rooms:write")
    @requires(role="clerk")
    async def change(request: Request, number: int, room: Room) -> str:
        return f"{request.method} {number} {room.beds}"

    client = Client(app)
    assert client.put("/rooms/1", json={"beds": "x"}, headers=ADA_SENDS).status == 422
    assert client.put("/rooms/1", json={"beds": "x"}, headers=BOB_SENDS).status == 403
    assert client.put("/rooms/1", json={"beds": "x"}, headers=KEY).status == 403
    assert client.put("/rooms/1", json={"beds": "x"}).status == 401
    assert client.put("/rooms/1", json={"beds": 2}, headers=ADA_SENDS).text == "PUT 1 2"


def test_as_a_middleware() -> None:
    inner = App(middleware=[requires("rooms:write")])
    inner.get("/")(lambda request: "inside")
    hosted = App(middleware=[requires(role="clerk")])

    def application(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"hosted"]

    hosted.mount("/", wsgi(application))
    app = new_app()
    app.mount("/inner", inner)
    app.mount("/hosted", hosted)
    app.get("/")(lambda request: "outside")
    client = Client(app)
    for sends, expected in ((ADA_SENDS, (200, 200, 200)), (BOB_SENDS, (200, 403, 403)), (KEY, (200, 200, 403))):
        found = tuple(client.get(path, headers=sends).status for path in ("/", "/inner/", "/hosted/"))
        assert found == expected


def test_a_resource_tree() -> None:
    class Rooms(Resource):
        @requires("rooms:write")
        def render_POST(self, request: Request) -> str:
            return "added"

        def render_GET(self, request: Request) -> str:
            return "rooms"

    app = new_app()
    app.mount("/rooms", Rooms())
    client = Client(app)
    assert client.get("/rooms", headers=BOB_SENDS).text == "rooms"
    assert client.post("/rooms", headers=BOB_SENDS).status == 403
    assert client.post("/rooms", headers=ADA_SENDS).text == "added"


def test_no_role_of_an_empty_list() -> None:
    app = new_app()
    app.get("/")(requires(role=[])(lambda request: "in"))
    assert Client(app).get("/", headers=ADA_SENDS).status == 403


def test_above_the_route_is_an_error() -> None:
    app = new_app()
    with pytest.raises(HandlerError, match=r"RW240 .*test_requires\.py:\d+: @requires is above"):

        @requires("rooms:write")
        @app.get("/")
        def handler(request: Request) -> str:
            return "open"


def test_without_parentheses_is_an_error() -> None:
    with pytest.raises(HandlerError, match="RW240"):

        @requires  # type: ignore[arg-type]
        def handler(request: Request) -> str:
            return "open"


@pytest.mark.parametrize("scope", ["", "é", 'a"b\n', 3])
def test_wrong_scopes(scope: Any) -> None:
    with pytest.raises(HandlerError, match="RW240"):
        requires(scope)


def test_requirements_are_readable() -> None:
    found = [(each.scopes, each.roles) for each in getattr(stacked, REQUIREMENTS)]
    assert found == [(("rooms:write",), ()), ((), ("chief", "clerk"))]
