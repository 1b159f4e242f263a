"""Registered methods, and further methods that an application serves (RFC 9110, section 9.1)."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.engine.harness import Sink
from tests.problems import problem
from twisted.web.resource import Resource as TwistedResource

from ropewalk import App, Files, Limits, Request, Resource, Response
from ropewalk.asgi import ASGIOptions, asgi
from ropewalk.errors import TreeError
from ropewalk.methods import REGISTERED, is_servable, rendered_method
from ropewalk.middleware import Next
from ropewalk.server import Service, app_of
from ropewalk.testing import Client
from ropewalk.wsgi import wsgi

EXTRA = ("BREW", "SUBSCRIBE", "BAN", "M-SEARCH", "X_Y", "MKFOO2")
"""Methods that are not registered."""

ODD = ("get", "Brew", "G.T", "0", "!")
"""Methods that are valid tokens, but do not follow the convention for names of methods, such as capitals."""

METHOD = re.compile(r"const NAMES.*?= \[(.*?)\];", re.DOTALL)


def test_the_registry_is_that_of_the_engine() -> None:
    source = Path(__file__).parents[2] / "engine" / "src" / "method.rs"
    found = METHOD.search(source.read_text(encoding="utf-8"))
    assert found is not None
    assert {*re.findall(r'"([A-Z-]+)"', found[1])} - REGISTERED == {"CONNECT", "TRACE"}
    assert all(map(is_servable, REGISTERED | {*EXTRA}))
    assert not any(map(is_servable, ("CONNECT", "TRACE", "", "\xc4", "A\n", *ODD)))


@pytest.mark.parametrize(
    ("attribute", "method"),
    [
        ("render_GET", "GET"),
        ("render_REPORT", "REPORT"),
        ("render_M_SEARCH", "M-SEARCH"),
        ("render_VERSION_CONTROL", "VERSION-CONTROL"),
        ("render_TRACE", None),
        ("render_template", None),
        ("render_GET_form", None),
        ("render_", None),
        ("render", None),
        ("rendering", None),
    ],
)
def test_attributes_that_stand_for_a_method(attribute: str, method: str | None) -> None:
    assert rendered_method(attribute) == method


class Anything(Resource):
    def render(self, request: Request) -> str:
        return request.method


class AnyTwisted(TwistedResource):
    isLeaf = True

    def render(self, request: Any) -> bytes:
        method: bytes = request.method
        return method


class Dynamic(Resource):
    def getChild(self, name: str, request: Request) -> Resource | None:
        return Anything()


def by_wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["REQUEST_METHOD"].encode()]


async def by_asgi(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["method"].encode()})


def mounted(thing: Any, path: str = "/any") -> App:
    app = App()
    app.get("/")(lambda request: "root")
    app.mount(path, thing)
    return app


def within(thing: Any) -> App:
    outer = App()
    outer.mount("/any", mounted(thing, "/"))
    return outer


def below(thing: Any) -> Resource:
    root = Resource()
    root.putChild("any", thing)
    return root


SERVING = {
    "wsgi": lambda: mounted(wsgi(by_wsgi)),
    "wsgi at the root": lambda: wsgi(by_wsgi),
    "wsgi in an app in an app": lambda: within(wsgi(by_wsgi)),
    "asgi": lambda: mounted(asgi(by_asgi, ASGIOptions(lifespan="off"))),
    "asgi at the root": lambda: asgi(by_asgi, ASGIOptions(lifespan="off")),
    "a resource": lambda: mounted(Anything()),
    "a resource below a resource": lambda: below(Anything()),
    "a resource that is made": lambda: Dynamic(),
    "twisted.web": lambda: mounted(AnyTwisted()),
    "twisted.web below a resource": lambda: below(AnyTwisted()),
    "a route": lambda: app_with_route(),
}


def app_with_route() -> App:
    app = App()
    app.route("/any", methods=EXTRA)(lambda request: request.method)
    return app


@pytest.mark.parametrize("method", [*EXTRA, "REPORT"])
@pytest.mark.parametrize("kind", [kind for kind in SERVING if kind != "a route"])
def test_an_application_that_takes_any_method_is_given_it(kind: str, method: str) -> None:
    client = Client(app_of(SERVING[kind]()))
    for _ in range(2):
        response = client.request(method, "/any")
        assert (response.status, response.text) == (200, method)
    assert client.request(method, "/any", body=b"with a body").text == method


@pytest.mark.parametrize("kind", SERVING)
@pytest.mark.parametrize("method", [*ODD, "TRACE", "CONNECT"])
def test_no_application_is_given_what_is_off_or_against_convention(kind: str, method: str) -> None:
    target = "localhost:80" if method == "CONNECT" else "/any"
    response = Client(app_of(SERVING[kind]())).request(method, target)
    assert (response.status, response.headers["connection"]) == (501, "close")


class Kitchen(Resource):
    def render_GET(self, request: Request) -> str:
        return "pot"

    def render_BREW(self, request: Request) -> str:
        return "coffee"

    def render_M_SEARCH(self, request: Request) -> str:
        return "found"

    def render_template(self, request: Request) -> str:
        raise AssertionError("this is no method")


def kitchen() -> App:
    app = App()
    app.mount("/kitchen", Kitchen())
    app.get("/")(lambda request: "root")
    app.route("/cache", methods=["BAN", "PURGE"])(lambda request: request.method)
    return app


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("BREW", "/kitchen", 200, "coffee"),
        ("M-SEARCH", "/kitchen", 200, "found"),
        ("HEAD", "/kitchen", 200, ""),
        ("TEMPLATE", "/kitchen", 501, problem(501)),
        ("template", "/kitchen", 501, None),
        ("M_SEARCH", "/kitchen", 501, problem(501)),
        ("BAN", "/cache", 200, "BAN"),
        ("PURGE", "/cache", 200, "PURGE"),
        ("SUBSCRIBE", "/cache", 501, problem(501)),
        ("SUBSCRIBE", "/nowhere", 501, problem(501)),
        ("BREW", "/", 405, problem(405)),
        ("BAN", "/kitchen", 405, problem(405)),
        ("BAN", "/nowhere", 404, problem(404)),
        ("REPORT", "/", 405, problem(405)),
        ("REPORT", "/nowhere", 404, problem(404)),
    ],
)
def test_known_methods_are_405_or_404_and_unknown_ones_501(
    method: str, path: str, status: int, text: str | None
) -> None:
    client = Client(kitchen())
    for _ in range(2):
        response = client.request(method, path)
        assert (response.status, response.headers.get("allow") is not None) == (status, status == 405)
        assert text is None or response.text == text


def test_they_are_allowed_as_all_others() -> None:
    client = Client(kitchen())
    allowed = "BREW, GET, HEAD, M-SEARCH, OPTIONS"
    assert client.request("POST", "/kitchen").headers["allow"] == allowed
    response = client.request("OPTIONS", "/kitchen")
    assert (response.status, response.headers["allow"]) == (204, allowed)


def test_one_path_with_two_unregistered_methods() -> None:
    app = App()
    app.route("/x", methods=["BAN"])(lambda request: "banned")
    app.route("/x", methods=["BREW"])(lambda request: "coffee")
    service = make_service(app)
    responses = [asked(service, method, "/x") for method in ("BAN", "BREW", "BAN", "MKFOO", "BREW")]
    service.close()
    assert responses == [("banned", 200), ("coffee", 200), ("banned", 200), (problem(501), 501), ("coffee", 200)]


def test_render_of_the_base_knows_them_too() -> None:
    class Sometimes(Kitchen):
        def render(self, request: Request) -> Any:
            return super().render(request)

    client = Client(app_of(Sometimes()))
    assert client.request("BREW", "/").text == "coffee"
    assert client.request("MKFOO", "/").status == 501
    assert client.request("DELETE", "/").status == 405


def test_middleware_sees_the_501() -> None:
    app = kitchen()

    @app.middleware
    async def mark(request: Request, next: Next) -> Response:
        response = await next(request)
        response.headers["x-seen"] = request.method
        return response

    response = Client(app).request("MKFOO", "/nowhere")
    assert (response.status, response.headers["x-seen"]) == (501, "MKFOO")


def make_service(app: App) -> Service:
    """A service without a reactor. A turn must not end early on a slow machine, because no other turn follows."""
    return Service(app, lambda *_: None, Limits(turn_time=60))  # type: ignore[arg-type] # nothing is late


def asked(service: Service, method: str, path: str) -> tuple[str, int]:
    """The response to a method, on a new connection."""
    sink = Sink()
    service.engine.open_pipe(sink).feed(f"{method} {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    head, _, body = sink.bytes.decode().partition("\r\n\r\n")
    return body, int(head.split(" ", 2)[1])


def test_they_may_come_while_an_app_is_served() -> None:
    app, inner = App(), App()
    app.mount("/inner", inner)
    app.get("/")(lambda request: "root")
    service = make_service(app)
    assert asked(service, "BREW", "/inner/pot")[1] == 501
    assert service.engine.counters()["refused"] == 1
    inner.route("/pot", methods=["BREW"])(lambda request: "coffee")
    assert asked(service, "BREW", "/inner/pot") == ("coffee", 200)
    assert asked(service, "BREW", "/")[1] == 405
    service.close()


def test_a_plain_app_has_them_refused_by_the_engine(tmp_path: Path) -> None:
    app = App()
    app.get("/")(lambda request: "root")
    app.mount("/files", Files(tmp_path))
    service = make_service(app)
    assert asked(service, "BREW", "/")[0] == "501 Not Implemented: the method is not supported\n"
    service.close()


def test_a_client_cannot_fill_a_table_with_names() -> None:
    app = app_of(wsgi(by_wsgi))
    with Client(app) as client:
        for number in range(100):
            assert client.request(f"A{number}", "/").text == f"A{number}"
        assert client.get("/").text == "GET"
    assert set(app._only_engine_handlers or ()) == {"GET"}


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "G ET", "", "A.B"])
def test_a_route_cannot_name_one_that_no_client_can_send(method: str) -> None:
    with pytest.raises(TreeError, match=r"RW109 '/a' has the method .*Use capitals"):
        App().route("/a", methods=[method])


def test_a_route_may_name_one_in_small_letters() -> None:
    app = App()
    app.route("/a", methods=["brew"])(lambda request: request.method)
    assert Client(app).request("BREW", "/a").text == "BREW"
