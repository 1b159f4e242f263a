"""Tags of apps, classes of routes, mounts and routes; and mounts that the document leaves out."""

from collections.abc import Iterable
from typing import Any

import pytest
from tests.unit.openapi.described import described, operation

from ropewalk import App, OpenAPI, Request
from ropewalk.errors import HandlerError
from ropewalk.routing import Routes, get
from ropewalk.testing import Client


def handler(request: Request) -> str:
    return ""


def tags(app: App, path: str) -> list[str]:
    found: list[str] = operation(app, path).get("tags", [])
    return found


def test_of_an_app() -> None:
    app = App(tags=["hotel"])
    app.get("/a", tags=["rooms"])(handler)
    app.get("/b")(handler)
    assert tags(app, "/a") == ["hotel", "rooms"]
    assert tags(app, "/b") == ["hotel"]
    assert described(app)["tags"] == [{"name": "hotel"}, {"name": "rooms"}]


def test_of_a_class_of_routes() -> None:
    class Rooms(Routes):
        tags: Iterable[str] = ("rooms",)

        @get("")
        def find(self) -> None: ...

    class Suites(Rooms):
        tags = ("rooms", "suites")

    app = App(tags=["hotel"])
    app.mount("/rooms", Rooms())
    app.mount("/suites", Suites())
    assert tags(app, "/rooms") == ["hotel", "rooms"]
    assert tags(app, "/suites") == ["hotel", "rooms", "suites"]


def test_a_method_of_this_name_is_a_route() -> None:
    class Photos(Routes):
        @get("/tags")
        def tags(self) -> list[str]:
            return ["sea"]

    app = App()
    app.mount("/photos", Photos())
    assert tags(app, "/photos/tags") == []
    assert Client(app).get("/photos/tags").json() == ["sea"]


def test_of_a_class_that_derives_from_app() -> None:
    class Rooms(App):
        tags = ("rooms",)

    app = Rooms(tags=["more"])
    app.get("/a")(handler)
    assert tags(app, "/a") == ["rooms", "more"]


def test_of_a_mount() -> None:
    app, inner = App(), App(tags=["inner"])
    inner.get("/a")(handler)
    app.get("/c")(handler)
    app.mount("/one", inner, tags=["one"])
    app.mount("/two", inner, tags=["two", "inner"])
    assert tags(app, "/one/a") == ["one", "inner"]
    assert tags(app, "/two/a") == ["two", "inner"]
    assert tags(app, "/c") == []


def test_a_hidden_mount() -> None:
    app, inner, innermost = App(), App(), App()
    for each in (inner, innermost):
        each.get("/a")(handler)
    inner.mount("/innermost", innermost)
    app.mount("/hidden", inner, hidden=True)
    app.mount("/shown", innermost)
    assert list(described(app)["paths"]) == ["/shown/a"]


def test_descriptions() -> None:
    described_tags: dict[str, Any] = {
        "rooms": "Rooms.",
        "guests": {"description": "Guests.", "externalDocs": {"url": "https://example.com"}},
        "empty": "",
    }
    app = App(tags=["rooms"])
    app.get("/a")(handler)
    assert described(app, OpenAPI("Hotel", "1.0", ui=None, tags=described_tags))["tags"] == [
        {"name": "rooms", "description": "Rooms."},
        {"name": "guests", "description": "Guests.", "externalDocs": {"url": "https://example.com"}},
        {"name": "empty"},
    ]


@pytest.mark.parametrize("wrong", ["rooms", 1, [1]])
def test_wrong_tags(wrong: Any) -> None:
    with pytest.raises(HandlerError, match=r"RW219 App has the invalid value tags="):
        App(tags=wrong)
    with pytest.raises(HandlerError, match="RW219 The mount at /a has the invalid value tags="):
        App().mount("/a", App(), tags=wrong)

    class Rooms(Routes):
        tags = wrong

    with pytest.raises(HandlerError, match=r"RW219 .*Rooms has the invalid value tags="):
        Rooms()
