"""The scope of a request."""

import asyncio
from typing import Any

import pytest
from tests.unit.asgi.applications import hosting, keeping

from ropewalk import App, Resource
from ropewalk.asgi import Scope, asgi
from ropewalk.server import Service
from ropewalk.testing import Client


def asked(path: str, *, at: str = "/", **options: Any) -> Scope:
    """The scope of one request."""
    scopes: list[Scope] = []
    response = Client(hosting(keeping(scopes), at), **options).get(path)
    assert response.text == "kept"
    return scopes[0]


class TestRequest:
    def test_all_of_it(self) -> None:
        scopes: list[Scope] = []
        Client(hosting(keeping(scopes))).post("/a%20b?c=%20d", headers=[("X-Two", "1"), ("X-Two", "2")], body=b"body")
        (scope,) = scopes
        assert scope == {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": "/a b",
            "raw_path": b"/a%20b",
            "query_string": b"c=%20d",
            "root_path": "",
            "headers": [(b"x-two", b"1"), (b"x-two", b"2"), (b"host", b"localhost"), (b"content-length", b"4")],
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", 80),
            "extensions": {
                "http.response.early_hint": {},
                "http.response.pathsend": {},
                "http.response.trailers": {},
            },
            "state": {},
        }

    def test_by_tls(self) -> None:
        assert asked("/", secure=True)["scheme"] == "https"

    def test_what_an_application_changes_is_no_other_requests(self) -> None:
        scopes: list[Scope] = []
        client = Client(hosting(keeping(scopes)))
        client.get("/")
        scopes[0]["state"]["mine"] = scopes[0]["extensions"]["mine"] = scopes[0]["asgi"]["mine"] = 1
        client.get("/")
        assert [key for key in ("state", "extensions", "asgi") if "mine" in scopes[1][key]] == []

    @pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "DELETE", "PROPFIND", "QUERY"])
    def test_every_method_is_the_applications(self, method: str) -> None:
        scopes: list[Scope] = []
        assert Client(hosting(keeping(scopes))).request(method, "/").status == 200
        assert scopes[0]["method"] == method

    def test_a_websocket_is_an_ordinary_request(self) -> None:
        scopes: list[Scope] = []
        headers = {"connection": "Upgrade", "upgrade": "websocket", "sec-websocket-version": "13"}
        response = Client(hosting(keeping(scopes))).get("/", headers=headers)
        assert (response.status, scopes[0]["type"]) == (200, "http")


class TestPlace:
    @pytest.mark.parametrize(
        ("at", "path", "root_path"),
        [
            ("/", "/", ""),
            ("/", "/a/b", ""),
            ("/api", "/api", "/api"),
            ("/api", "/api/", "/api"),
            ("/api", "/api/rooms/7", "/api"),
            ("/a/b", "/a/b/c", "/a/b"),
            ("/{tenant}", "/ada/rooms", "/ada"),
        ],
    )
    def test_root_path(self, at: str, path: str, root_path: str) -> None:
        scope = asked(path, at=at)
        assert (scope["root_path"], scope["path"]) == (root_path, path)

    def test_a_root_path_that_was_encoded_begins_the_path(self) -> None:
        scope = asked("/a%20b%C3%A9/c%20d", at="/{tenant}")
        assert (scope["root_path"], scope["path"]) == ("/a bé", "/a bé/c d")
        assert scope["raw_path"] == b"/a%20b%C3%A9/c%20d"

    def test_routes_of_the_app_come_first(self) -> None:
        app = hosting(keeping([]))
        app.get("/own")(lambda request: "own")
        client = Client(app)
        assert [client.get(path).text for path in ("/own", "/other")] == ["own", "kept"]

    def test_below_an_app_and_below_a_resource(self) -> None:
        scopes: list[Scope] = []
        inner, outer = hosting(keeping(scopes), "/in"), App()
        outer.mount("/out", inner)
        root = Resource()
        root.putChild("leaf", asgi(keeping(scopes)))
        outer.mount("/tree", root)
        client = Client(outer)
        client.get("/out/in/x")
        client.get("/tree/leaf/y")
        assert [scope["root_path"] for scope in scopes] == ["/out/in", "/tree/leaf"]


class Sink:
    """Ignores the response."""

    def write(self, data: bytes, /) -> None: ...
    def end_writing(self) -> None: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...


@pytest.mark.parametrize(
    ("client", "server", "reported"),
    [
        (("::1", 5), ("::1", 80), (("::1", 5), ("::1", 80))),
        ("", "/run/app.sock", (None, ("/run/app.sock", None))),
        (None, None, (None, None)),
    ],
)
def test_addresses(client: Any, server: Any, reported: Any) -> None:
    scopes: list[Scope] = []

    async def main() -> None:
        service = Service(hosting(keeping(scopes)), asyncio.get_running_loop().call_later)
        pipe = service.engine.open_pipe(Sink(), client=client, server=server)
        pipe.feed(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        pipe.lost()
        service.close()

    asyncio.run(main())
    assert (scopes[0]["client"], scopes[0]["server"]) == reported
