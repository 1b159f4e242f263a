"""`request.route`: the pattern that matched, for logs and metrics."""

from pathlib import Path
from typing import Annotated, Any

import pytest
from tests.unit.conftest import Log

from ropewalk import App, Depends, Files, HTTPError, Request, Resource, Response, wsgi
from ropewalk.middleware import Next
from ropewalk.testing import Client


async def naming(request: Request, next: Next) -> Response:
    """Tell the client the route, as a metric would label it."""
    response = await next(request)
    response.headers["x-route"] = str(request.route)
    return response


def ok(request: Request, **params: Any) -> str:
    return ""


def tell(request: Request, **params: Any) -> str:
    return str(request.route)


class Rooms(Resource):
    """A resource that makes its children for each request."""

    def getChild(self, name: str, request: Request) -> Resource | None:
        assert request.route is None
        return Room() if name.isdigit() else None

    def render_GET(self, request: Request) -> str:
        return str(request.route)


class Room(Resource):
    isLeaf = True

    def render_GET(self, request: Request) -> str:
        return str(request.route)


def make_app(folder: Path) -> App:
    app = App(trailing_slash="ignore")
    app.get("/")(tell)
    app.get("/users/me")(tell)
    app.get("/users/{id:int}")(tell)
    app.get("/users/{name}")(tell)
    app.post("/users/{key}")(tell)
    app.get("/users/{id:int}/posts/")(tell)
    app.get("/files/{rest:path}")(tell)

    @app.get("/typed/{number}")
    async def typed(number: int, request: Request) -> str:
        return str(request.route)

    shop = App()
    shop.get("")(tell)
    shop.get("/items/{item}")(tell)
    shop.resource.putChild("leaf", Room())
    app.mount("/shops/{tenant}", shop)
    app.mount("/second/", shop)
    plain = App()
    plain.get("/x")(tell)
    deep = App()
    deep.get("/y/{a}")(tell)
    plain.mount("/deep/{b:int}", deep)
    app.mount("/", plain)
    app.mount("/static", Files(folder))
    app.mount("/rooms", Rooms())
    return app


@pytest.mark.parametrize("middleware", [False, True])
@pytest.mark.parametrize(
    ("method", "path", "route"),
    [
        ("GET", "/", "/"),
        ("GET", "/users/me", "/users/me"),
        ("GET", "/users/7", "/users/{id:int}"),
        ("GET", "/users/ann", "/users/{name}"),
        ("POST", "/users/ann", "/users/{key}"),
        ("POST", "/users/7", "/users/{key}"),
        ("GET", "/users/%61nn", "/users/{name}"),
        ("GET", "/users/7/posts/", "/users/{id:int}/posts/"),
        ("GET", "/users/7/posts", "/users/{id:int}/posts/"),
        ("GET", "/users/7/", "/users/{id:int}"),
        ("GET", "/files/a/b/c", "/files/{rest:path}"),
        ("GET", "/typed/5", "/typed/{number}"),
        ("GET", "/shops/north", "/shops/{tenant}"),
        ("GET", "/shops/north/items/5", "/shops/{tenant}/items/{item}"),
        ("GET", "/shops/north/leaf/a/b", "/shops/{tenant}/leaf/{...}"),
        ("GET", "/second", "/second"),
        ("GET", "/second/items/5", "/second/items/{item}"),
        ("GET", "/x", "/x"),
        ("GET", "/deep/5/y/6", "/deep/{b:int}/y/{a}"),
        ("GET", "/rooms/12", "/rooms/{...}"),
        ("GET", "/rooms/12/below", "/rooms/{...}"),
        ("GET", "/rooms", "/rooms/{...}"),
    ],
)
def test_the_route_that_matched(method: str, path: str, route: str, middleware: bool, tmp_path: Path) -> None:
    app = make_app(tmp_path)
    if middleware:
        app.middleware(naming)
    response = Client(app).request(method, path)
    assert (response.status, response.text) == (200, route)
    assert response.headers.get("x-route", route) == route


@pytest.mark.parametrize(
    ("method", "path", "status", "route"),
    [
        ("GET", "/nowhere", 404, None),
        ("GET", "/rooms/none", 404, None),
        ("GET", "/users/%ff", 400, None),
        ("DELETE", "/users/7", 405, None),
        ("PATCH", "/users/me", 405, None),
        ("OPTIONS", "/users/me", 204, None),
        ("BREW", "/users/me", 501, None),
        ("HEAD", "/users/7", 200, "/users/{id:int}"),
        ("GET", "/typed/x", 404, None),
        ("GET", "/static/missing", 404, "/static/{...}"),
        ("GET", "/static", 308, "/static/{...}"),
    ],
)
def test_what_middleware_reads(method: str, path: str, status: int, route: str | None, tmp_path: Path) -> None:
    app = make_app(tmp_path)
    app.middleware(naming)
    response = Client(app).request(method, path)
    assert (response.status, response.headers["x-route"]) == (status, str(route))


def test_a_redirect_to_a_slash_has_no_route() -> None:
    app = App(middleware=[naming])
    app.get("/a/")(ok)
    response = Client(app).get("/a")
    assert (response.status, response.headers["x-route"]) == (308, "None")


@pytest.mark.parametrize(("error", "status"), [(HTTPError(409), 409), (LookupError("lost"), 500)])
def test_after_an_error(error: Exception, status: int, log: Log) -> None:
    app = App(middleware=[naming])

    @app.get("/guests/{id}")
    def handler(request: Request, id: str) -> str:
        raise error

    @app.error(409)
    def conflict(request: Request, error: HTTPError) -> str:
        return str(request.route)

    response = Client(app, raise_errors=False).get("/guests/5")
    assert (response.status, response.headers["x-route"]) == (status, "/guests/{id}")
    if status == 409:
        assert response.text == "/guests/{id}"


def test_a_hosted_application() -> None:
    def hosted(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [b""]

    app = App(middleware=[naming])
    app.mount("/old/{tenant}", wsgi(hosted))
    with Client(app) as client:
        assert client.get("/old/a/b/c").headers["x-route"] == "/old/{tenant}/{...}"


def test_a_tree_of_resources() -> None:
    root, way = Resource(), Resource()
    root.putChild("way", way)
    way.putChild("end", Rooms())
    assert Client(root).get("/way/end").text == "/way/end/{...}"


def test_an_app_below_a_resource() -> None:
    root, app = Resource(), App()
    app.get("/a/{b}")(tell)
    root.putChild("app", app)
    assert Client(root).get("/app/a/5").text == "/app/a/{b}"


def test_an_app_that_is_mounted_with_foreign_parameters() -> None:
    app, inner = App(), App()

    @inner.get("/a/{b}")
    def handler(request: Request, b: str) -> str:
        return str(request.route)

    app.mount("/{tenant}", inner)
    assert Client(app).get("/t/a/5").text == "/{tenant}/a/{b}"


def test_a_handler_with_dependencies() -> None:
    app = App()

    @app.get("/rooms/{room}")
    def show(request: Request, room: int, word: Annotated[str, Depends(lambda: "ahoy")]) -> str:
        return f"{word} {request.route}"

    assert Client(app).get("/rooms/7").text == "ahoy /rooms/{room}"
