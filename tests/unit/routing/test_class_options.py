"""Options of classes of routes, and the middleware of mounts."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import pytest

from ropewalk import App, Depends, Files, HTTPError, OpenAPI, Request, Response, Routes
from ropewalk.auth import BasicAuth, authenticate, requires
from ropewalk.errors import HandlerError
from ropewalk.middleware import CORSOptions, cors
from ropewalk.routing import get, post
from ropewalk.testing import Client

Next = Callable[[Request], Awaitable[Response]]


def noting(name: str) -> Any:
    async def note(request: Request, next: Next) -> Response:
        response = await next(request)
        response.headers["x-around"] = f"{name} {response.headers.get('x-around', '')}".strip()
        return response

    return note


async def check(name: str, password: str) -> str:
    return name


class Rooms(Routes):
    middleware = [noting("class 1"), noting("class 2")]
    provide = {"prefix": lambda: "room "}
    error_format = "text"

    @get("/{room}", middleware=[noting("route")])
    def show(self, room: int, prefix: Annotated[str, Depends()]) -> str:
        if room > 9:
            raise HTTPError(404, "No such room.")
        return f"{prefix}{room}"


def test_options_of_the_class_apply_to_all_its_routes() -> None:
    app = App(middleware=[noting("app")])
    app.mount("/rooms", Rooms(), middleware=[noting("mount")])
    client = Client(app)
    found = client.get("/rooms/7")
    assert found.text == "room 7"
    assert found.headers["x-around"] == "app mount class 1 class 2 route"
    assert client.get("/rooms/10").text == "No such room."
    assert client.post("/rooms/7").headers["x-around"] == "app mount class 1 class 2"
    assert client.get("/rooms/7/8").headers["x-around"] == "app mount class 1 class 2"
    assert client.get("/other").headers["x-around"] == "app"


def test_what_is_mounted_in_the_class_has_its_options() -> None:
    class Hotel(Routes):
        middleware = [noting("hotel")]

    inner = App()
    inner.get("/")(lambda request: "in")
    hotel = Hotel()
    hotel.mount("/inner", inner)
    app = App()
    app.mount("/", hotel)
    assert Client(app).get("/inner/").headers["x-around"] == "hotel"


def test_a_subclass_may_replace_the_middleware() -> None:
    class Suites(Rooms):
        middleware = [noting("suites")]

    app = App()
    app.mount("/", Suites())
    assert Client(app).get("/7").headers["x-around"] == "suites route"


def test_requirements_of_the_class_protect_its_routes_and_are_described() -> None:
    class Admin(Routes):
        middleware = [requires(role="admin")]
        deprecated = True

        @get("")
        def secret(self) -> dict[str, int]:
            return {"secret": 1}

    class Internal(Routes):
        hidden = True

        @get("")
        def state(self) -> dict[str, int]:
            return {}

    app = App(openapi=OpenAPI("Hotel", "1", ui=None), middleware=[authenticate(BasicAuth(check), optional=True)])
    app.mount("/admin", Admin())
    app.mount("/internal", Internal())
    client = Client(app)
    assert client.get("/admin").status == 401
    assert client.get("/admin", auth=("ann", "rope")).status == 403
    paths = client.get("/openapi.json").json()["paths"]
    described = paths["/admin"]["get"]
    assert described["security"]
    assert {"401", "403"} <= described["responses"].keys()
    assert described["deprecated"]
    assert list(paths) == ["/admin"]


def test_the_middleware_of_a_mount_is_described() -> None:
    inner = App()
    inner.get("/")(lambda request: "in")
    app = App(openapi=OpenAPI("Hotel", "1", ui=None))
    app.mount("/in", inner, middleware=[authenticate(BasicAuth(check))], name="in")
    client = Client(app)
    assert client.get("/in/").status == client.get("/in/nothing").status == 401
    assert client.get("/openapi.json").json()["paths"]["/in/"]["get"]["security"]
    assert [route.path for route in app.routes() if "openapi" not in route.path] == ["/in/"]


def test_a_mount_may_have_middleware_around_any_resource(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    app = App()
    app.mount("/files", Files(tmp_path), middleware=[noting("mount")])
    assert Client(app).get("/files/a.txt").headers["x-around"] == "mount"
    assert Client(app).get("/files/b.txt").headers["x-around"] == "mount"


def test_cors_of_a_class_responds_to_preflights() -> None:
    class Open(Routes):
        middleware = [cors(CORSOptions(origins=["https://a.example"]))]

        @post("")
        def add(self) -> str:
            return ""

    app = App()
    app.mount("/open", Open())
    fields = {"origin": "https://a.example", "access-control-request-method": "POST"}
    allowed = Client(app).options("/open", headers=fields)
    assert allowed.headers["access-control-allow-origin"] == "https://a.example"


def test_a_mount_provides_names_to_a_class() -> None:
    class Greeting(Routes):
        @get("")
        def greet(self, request: Request, word: Annotated[str, Depends()]) -> str:
            return f"{word} {request.route}"

    def dependent(word: Annotated[str, Depends()]) -> str:
        return word

    inner = App()
    inner.get("")(dependent)
    app = App()
    app.mount("/greet", Greeting(), provide={"word": lambda: "ahoy"})
    app.mount("/inner", inner, provide={"word": lambda: "hello"}, middleware=[noting("mount")])
    with Client(app) as client:
        assert client.get("/greet").text == "ahoy /greet"
        assert client.get("/inner").text == "hello"


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ({"middleware": noting("x")}, "RW205"),
        ({"middleware": 5}, "RW205"),
        ({"middleware": property(lambda self: [])}, "RW205"),
        ({"provide": 5}, "RW218"),
        ({"provide": {"name": 5}}, "RW218"),
        ({"hidden": "yes"}, "RW219"),
        ({"deprecated": ["yes"]}, "RW219"),
    ],
)
def test_wrong_attributes_are_refused(attributes: dict[str, Any], code: str) -> None:
    with pytest.raises(HandlerError, match=rf"{code} .*(Wrong|not a)"):
        type("Wrong", (Routes,), attributes)()


def test_a_method_may_have_the_name_of_an_option() -> None:
    class Options(Routes):
        @get("/middleware")
        def middleware(self) -> str:
            return "a"

        @get("/hidden")
        def hidden(self) -> str:
            return "b"

    app = App()
    app.mount("/", Options())
    assert Client(app).get("/middleware").text + Client(app).get("/hidden").text == "ab"


@pytest.mark.parametrize("name", ["middleware", "provide", "error_format", "produces"])
def test_an_option_on_an_object_only_is_refused(name: str) -> None:
    class Late(Routes):
        def __init__(self) -> None:
            setattr(self, name, [])

    with pytest.raises(HandlerError, match=rf"RW205 .*Late sets self\.{name} after"):
        App().mount("/", Late())


@pytest.mark.parametrize(("name", "code"), [("middleware", "RW205"), ("provide", "RW218")])
def test_an_app_has_options_and_methods_instead(name: str, code: str) -> None:
    with pytest.raises(HandlerError, match=rf"{code} Hotel\.{name} replaces the method"):
        type("Hotel", (App,), {name: []})()


def test_a_path_that_is_claimed_twice_names_the_class() -> None:
    app = App()
    app.mount("/", Rooms(), middleware=[noting("x")])
    with pytest.raises(Exception, match=r"RW104 / is registered twice, by Rooms .* and Rooms"):
        app.mount("/", Rooms())


def test_wrong_middleware_of_a_mount_is_refused() -> None:
    with pytest.raises(HandlerError, match="RW205 The mount at /a has middleware="):
        App().mount("/a", App(), middleware=noting("x"))
