"""No path, field or charset that a client sends ends in a 500."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.problems import problem
from tests.unit.conftest import Log

import ropewalk.charsets
import ropewalk.cookies
import ropewalk.headers
import ropewalk.negotiation
from ropewalk import App, Limits, Request, wsgi
from ropewalk.testing import Client

Make = Callable[[int], Any]

ROOM = Limits(request_line=64_000, head_size=128_000, head_fields=1000)


def each(parse: Callable[[Any], object], **makes: Make) -> list[Any]:
    name = parse.__qualname__.replace(".<locals>", "")
    return [pytest.param(parse, make, id=f"{name}, {kind}") for kind, make in makes.items()]


NAMES = ["punycode", "idna", "undefined", "unicode_escape", "raw_unicode_escape", "utf-7", "rot13", "hex", "zip"]
NAMES += ["", '"', "é", "none", "utf-8\\", "x" * 1000, "../utf-8", "string_escape", "hz", "palmos", "charmap"]


@pytest.mark.parametrize("name", NAMES)
def test_a_charset_that_is_not_on_the_list_is_refused(name: str, log: Log) -> None:
    app = App()

    @app.post("/")
    async def read(request: Request) -> str:
        return await request.text()

    field = f"text/plain; charset={name}".encode()
    response = Client(app).post("/", body=b"xn--abc-\\u00e9" * 100, headers=[("content-type", field)])
    assert (response.status, response.text) == (415, problem(415, "The charset of the body is unknown."))
    assert log == []


@pytest.mark.parametrize("name", [labels.split()[0] for labels in ropewalk.charsets._LABELS.values()])
@pytest.mark.parametrize("body", [b"\xff\xfe\x00", b"\x80" * 7, b"\x1b$B\xff", b"\xd8\x00\xd8\x00", b"\x81\x30\x89"])
def test_a_body_that_is_not_in_its_charset(name: str, body: bytes, log: Log) -> None:
    app = App()

    @app.post("/")
    async def read(request: Request) -> bytes:
        return (await request.text()).encode()

    response = Client(app).post("/", body=body, headers={"content-type": f'text/plain; charset="{name}"'})
    assert response.status in (200, 400)
    assert log == []


PATHS = [
    "/int/" + "1" * 5000,
    "/int/-" + "9" * 19,
    "/float/" + "1" * 5000,
    "/float/0." + "1" * 5000,
    "/uuid/" + "1" * 36,
    "/uuid/" + "-" * 36,
    "/uuid/%D9%A1" + "1" * 31 + "----",
    "/rest" + "/a" * 5000,
    "/rest" + "/.." * 5000,
    "/rest" + "/%2e%2e" * 500,
    "/rest/" + "%41" * 5000,
    "/rest/%FF",
    "/rest/%ED%A0%80",
    "/rest/%",
    "/" * 5000,
    "/?" + "a=1&" * 5000,
    "/?" + "%FF%ED%A0%80=%00",
    "/?" + "&" * 10_000,
    "/?a[b][c]=1;%=%&=;",
]

FIELDS = {
    "cookie": ['a="' + "\\" * 30_000 + '"', 'a="\\015\\012\\000"', "a", "=", ";;;", "é", 'a="', "a=b=c"],
    "content-type": ["", ";", "text/plain; charset", "a/b;" * 5000, 'text/plain; charset="', "\xff"],
    "authorization": ["", "Basic", "Basic \xff", "Basic " + "=" * 5000],
    "range": ["bytes=0-" + "9" * 5000, "bytes=" + "0-1," * 5000, "bytes", "é"],
    "if-modified-since": ["Sat, 01 Jan 99999 00:00:00 GMT", "x" * 30_000, "", "\xff"],
    "if-none-match": ['"' * 30_000, "W/" * 10_000, "*"],
    "accept": ["*/*;q=" + "1" * 20_000, ";" * 30_000, "," * 30_000],
    "forwarded": ["for=" + '"\\' * 10_000, ";" * 30_000, "for=[::1", ",".join(["for=1"] * 5000)],
    "x-forwarded-for": ["," * 30_000, "1.1.1.1," * 3000, "[" * 30_000],
    "x-forwarded-host": ["a" * 30_000, "é"],
    "te": ["trailers," * 3000],
}


def make_app() -> App:
    app = App(limits=ROOM)

    @app.get("/int/{value:int}")
    @app.get("/float/{value:float}")
    @app.get("/uuid/{value:uuid}")
    @app.get("/rest/{value:path}")
    def with_value(request: Request, value: Any) -> list[str]:
        assert value not in (float("inf"), float("-inf"))
        return [str(value), *read_all(request)]

    @app.get("/")
    def read_all(request: Request) -> list[str]:
        seen: list[Any] = [request.path, request.url, request.prepath, request.postpath, request.client, request.host]
        seen += [dict(request.query), request.query.pairs(), request.args, request.cookies, dict(request.headers)]
        return [str(each) for each in seen]

    return app


def environ_echo(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [repr(sorted(environ)).encode()]


APPS: dict[str, Callable[[], Any]] = {"App": make_app, "WSGI": lambda: wsgi_app()}


def wsgi_app() -> App:
    app = App(limits=ROOM)
    app.mount("/", wsgi(environ_echo))
    return app


@pytest.mark.parametrize("path", PATHS, ids=range(len(PATHS)))
@pytest.mark.parametrize("make", APPS.values(), ids=APPS)
def test_no_path_is_a_failure_of_the_server(make: Callable[[], Any], path: str, log: Log) -> None:
    with Client(make()) as client:
        assert client.get(path).status in (200, 308, 400, 404)
    assert log == []


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in FIELDS.items() for value in values])
@pytest.mark.parametrize("make", APPS.values(), ids=APPS)
def test_no_field_is_a_failure_of_the_server(make: Callable[[], Any], name: str, value: str, log: Log) -> None:
    with Client(make()) as client:
        assert client.get("/", headers=[(name, value), (name, value)]).status in (200, 400)
    assert log == []
