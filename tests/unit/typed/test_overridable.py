"""Overrides that would have no effect."""

from collections.abc import Iterator
from typing import Annotated, Any

import pytest

from ropewalk import App, Depends, Request, Resource, Routes
from ropewalk.errors import HandlerError
from ropewalk.routing import get
from ropewalk.testing import Client


def engine() -> str:
    return "engine"


def session(engine: Annotated[str, Depends(engine, scope="app")]) -> Iterator[str]:
    yield f"session of {engine}"


def unused() -> str:
    return "unused"


def handle(session: Annotated[str, Depends(session)], user: Annotated[str, Depends()] = "") -> str:
    return f"{session} {user}"


def service() -> App:
    app = App()
    app.get("/")(handle)
    app.provide("user", unused)
    app.provide("clock", lambda: 7)
    return app


@pytest.mark.parametrize("replaced", [session, engine, "session", "engine", "user", "clock", unused])
def test_what_can_be_replaced(replaced: Any) -> None:
    with service().override(replaced, lambda: "other"):
        pass


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        (handle, r"override\(handle at .*\): no handler needs this provider\. It can replace .*session at"),
        (lambda: 3, "no handler needs this provider"),
        (
            "sesion",
            r"override\('sesion'\): no handler takes this name, and nothing provides it\. Did you mean session\?",
        ),
        ("x", r"It can replace 'clock', 'engine', 'session', 'user'\."),
    ],
)
def test_what_cannot(replaced: Any, message: str) -> None:
    with pytest.raises(HandlerError, match=rf"RW218 .*{message}"), service().override(replaced, lambda: "other"):
        pytest.fail("the override has begun")


def test_an_app_without_dependencies() -> None:
    with pytest.raises(HandlerError, match=r"RW218 .*has no dependencies"), App().override("a", lambda: 1):
        pytest.fail("the override has begun")


def test_overrides_in_any_order() -> None:
    """The first override replaces the only provider that needs `engine`. So the second one has no effect, but it is
    allowed.
    """
    app = service()
    with app.override(session, lambda: "fake"), app.override(engine, lambda: "x"), Client(app) as client:
        assert client.get("/").text == "fake unused"


def test_a_replacement_may_need_providers_of_its_own() -> None:
    def name() -> str:
        return "ann"

    def user(name: Annotated[str, Depends(name)]) -> str:
        return name

    app = service()
    with app.override("user", user), app.override(name, lambda: "bob"), Client(app) as client:
        assert client.get("/").text == "session of engine bob"


def test_mounted_apps() -> None:
    class Rooms(Routes):
        provide = {"rooms": unused}

        @get("")
        def show(self, rooms: Annotated[str, Depends()]) -> str:
            return rooms

    inner, app = App(), App()
    inner.get("/")(lambda request: "")
    inner.get("/user")(_take_user)
    app.provide("user", unused)
    app.mount("/inner", inner)
    app.mount("/rooms", Rooms())
    with app.override(unused, lambda: "other"), Client(app) as client:
        assert client.get("/rooms").text == client.get("/inner/user").text == "other"
    with inner.override(unused, lambda: "innermost"), Client(app) as client:  # the outer app provides it
        assert client.get("/inner/user").text == "innermost"
    with app.override("rooms", lambda: "by name"), Client(app) as client:
        assert client.get("/rooms").text == "by name"


def test_children_that_are_made_for_a_request() -> None:
    """It is not known before the request which providers such children need, so the override is allowed."""

    class Child(Resource):
        isLeaf = True

        def render_GET(self, request: Request, name: Annotated[str, Depends(unused)]) -> str:
            return name

    class Dynamic(Resource):
        def getChild(self, name: str, request: Request) -> Resource:
            return Child()

    app = App()
    app.mount("/", Dynamic())
    with app.override(unused, lambda: "other"), Client(app) as client:
        assert client.get("/x").text == "other"


def _take_user(user: Annotated[str, Depends()]) -> str:
    return user
