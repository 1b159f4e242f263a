"""The work for what a client sends grows linearly with its size, and never ends in a 500. Each parser is tested."""

import gc
import http.cookies
import urllib.parse
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import IntEnum, IntFlag
from functools import partial
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

import msgspec
import pytest
from tests.problems import problem
from tests.unit.conftest import Log
from tests.unit.steps import Steps
from twisted.web import http as twisted_http

import ropewalk.charsets
import ropewalk.cookies
import ropewalk.headers
import ropewalk.negotiation
from ropewalk import App, Body, HTTPError, Limits, QueryParams, Request, wsgi
from ropewalk.charsets import find_codec
from ropewalk.converters import BUILT_IN
from ropewalk.cookies import parse_cookies
from ropewalk.dropin.request import access_log as combined
from ropewalk.dropin.request import lazy_request
from ropewalk.headers import Headers, content_type
from ropewalk.json_values import is_too_deep, read_json
from ropewalk.negotiation import preferred
from ropewalk.request.query import parse_query
from ropewalk.resource import split_path
from ropewalk.testing import Client

Make = Callable[[int], Any]
SIZE = 500
ROOM = Limits(request_line=64_000, head_size=128_000, head_fields=1000)


def each(parse: Callable[[Any], object], **makes: Make) -> list[Any]:
    name = parse.__qualname__.replace(".<locals>", "")
    return [pytest.param(parse, make, id=f"{name}, {kind}") for kind, make in makes.items()]


def args(query: bytes) -> object:
    return parse_query(query, "latin-1")


def refused(parse: Callable[[Any], object]) -> Callable[[Any], object]:
    def parsing(value: Any) -> None:
        with suppress(ValueError, HTTPError):
            parse(value)

    parsing.__qualname__ = parse.__qualname__
    return parsing


def decode(named: tuple[str, bytes]) -> object:
    codec = find_codec(named[0])
    return codec and named[1].decode(codec, "replace")


def received(lines: list[tuple[bytes, bytes]]) -> object:
    headers = Headers.received(lines)
    return headers.get("cookie"), headers.lines(), len(headers), headers.get("none")


def as_dict(lines: list[tuple[bytes, bytes]]) -> object:
    """A pattern whose comparisons count as steps."""
    headers = Headers.received([(name, value) for name, value in lines])
    headers._lines = [(Compared(name), value) for name, value in headers._lines]
    return dict(headers), dict(headers.items())


class Compared(str):
    """A name whose comparisons count as calls."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return str.__eq__(self, other)


def negotiate(accept: str) -> object:
    return preferred(accept, ("application/json", "text/html"))


PARSERS = [
    *each(
        negotiate,
        ranges=lambda n: ",".join(f"text/a{i:06};q=0.5" for i in range(n)),
        commas=lambda n: "," * n,
        parameters=lambda n: "text/html" + ";a=1" * n,
        open_quotes=lambda n: 'text/html;a="' * n,
        escapes=lambda n: 'text/html;a="' + r"\"" * n,
        backslashes=lambda n: 'text/html;a="' + "\\" * n,
        quotes=lambda n: '"' * n,
        digits=lambda n: "text/html;q=0." + "1" * n,
        spaces=lambda n: "text/html" + " " * n + ";" + " " * n + "q=1",
    ),
    *each(
        parse_cookies,
        escapes=lambda n: 'a="' + r"\"" * n + '"',
        backslashes=lambda n: 'a="' + "\\" * n + '"',
        octals=lambda n: 'a="' + r"\101" * n + '"',
        one_that_is_none=lambda n: 'a="' + "\\" * n + r'\101"',
        open_quotes=lambda n: 'a="' * n,
        many=lambda n: "; ".join(f"a{i:06}=1" for i in range(n)),
        semicolons=lambda n: ";" * n,
        equals=lambda n: "a" + "=" * n,
        spaces=lambda n: "a = " + " " * n + ";" + " " * n,
    ),
    *each(
        QueryParams,
        many=lambda n: b"&".join(b"a%06d=1" % i for i in range(n)),
        of_one_name=lambda n: b"a=1&" * n,
        separators=lambda n: b"&;" * n,
        percent=lambda n: b"a=" + b"%C3%A9" * n,
        not_utf8=lambda n: b"%FF=" + b"%FF%C3" * n,
        broken_percent=lambda n: b"a=" + b"%" * n,
        plus=lambda n: b"+" * n,
        equals=lambda n: b"=" * n,
    ),
    *each(
        args,
        many=lambda n: b"&".join(b"a%06d=1" % i for i in range(n)),
        percent=lambda n: b"a=" + b"%C3%A9" * n,
        broken_percent=lambda n: b"a=" + b"%" * n,
    ),
    *each(
        content_type,
        parameters=lambda n: "text/plain" + ";a=b" * n,
        semicolons=lambda n: ";" * n,
        quotes=lambda n: 'text/plain; charset="' + '"' * n,
        spaces=lambda n: "text/plain;" + " " * n + "charset" + " " * n,
        slashes=lambda n: "/" * n,
    ),
    *each(
        refused(split_path),
        segments=lambda n: b"/a" * n,
        slashes=lambda n: b"/" * n,
        dots=lambda n: b"/.." * n,
        percent=lambda n: b"/" + b"%41" * n,
        not_utf8=lambda n: b"/" + b"%FF" * n,
        encoded_slashes=lambda n: b"/%2F" * n,
    ),
    *[
        param
        for converter in BUILT_IN
        for param in each(
            refused(converter.parse),
            digits=lambda n: "1" * n,
            minus=lambda n: "-" * n,
            fraction=lambda n: "1." + "1" * n,
            points=lambda n: "." * n,
        )
    ],
    *each(
        received,
        lines=lambda n: [(b"cookie", b"a=1")] * n,
        names=lambda n: [(b"x-%06d" % i, b"1") for i in range(n)],
    ),
    *each(
        as_dict,
        names=lambda n: [(b"x-%06d" % i, b"1") for i in range(n)],
    ),
    *each(
        is_too_deep,
        arrays=lambda n: b"[" * n,
        closed=lambda n: b"[" * n + b"]" * n,
        objects=lambda n: b'{"a":' * n,
        flat=lambda n: b"[" + b'{"a":[]},' * n,
        strings=lambda n: b"[" * 250 + b'"a[",' * n,
        escapes=lambda n: b"[" * 250 + b'"' + b'\\"' * n,
        backslashes=lambda n: b"[" * 250 + b'"' + b"\\" * n,
        quotes=lambda n: b"[" * 250 + b'"' * n,
        of_nothing=lambda n: b"]}" * n + b"[" * n,
    ),
    *each(
        refused(lambda body: read_json(body, Any)),
        integer=lambda n: b"1" * n,
        fraction=lambda n: b"1." + b"1" * n,
        exponent=lambda n: b"1e" + b"9" * n,
        one_key=lambda n: b"{" + b'"a":1,' * n + b'"a":1}',
        string=lambda n: b'"' + b"\\u00e9" * n + b'"',
        arrays=lambda n: b"[" * n + b"]" * n,
    ),
    *each(
        lazy_request.parse_cookies,
        many=lambda n: [b"; ".join(b"a%06d=1" % i for i in range(n))],
        lines=lambda n: [b"a=1"] * n,
        quotes=lambda n: [b'a="' + b'\\"' * n + b'"'],
    ),
    *each(
        combined._text,
        quotes=lambda n: b'"' * n,
        escapes=lambda n: b"\\\xff" * n,
    ),
    *[
        pytest.param(decode, lambda n, name=name: (name, "aé".encode("utf-16") * n), id=f"decode, {name}")
        for name in [labels.split()[0] for labels in ropewalk.charsets._LABELS.values()]
    ],
    pytest.param(decode, lambda n: ("punycode", b"a" * n + b"-" + b"b" * n), id="decode, punycode"),
    pytest.param(decode, lambda n: ("idna", b"a." * n), id="decode, idna"),
]


@pytest.mark.parametrize(("parse", "make"), PARSERS)
def test_work_is_linear(parse: Callable[[Any], object], make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = Steps(monkeypatch)
    steps.watch(
        urllib.parse, http.cookies, ropewalk.cookies, ropewalk.headers, ropewalk.negotiation, combined, twisted_http
    )
    for size in (1, SIZE):
        parse(make(size))  # fills caches
    small, twice, four = (steps.of(partial(parse, make(size))) for size in (SIZE, 2 * SIZE, 4 * SIZE))
    assert twice <= 2.2 * small + 100
    assert four <= 4.4 * small + 100


class Node(msgspec.Struct):
    next: "Node | None" = None


class Guest(msgspec.Struct):
    name: str = ""


class Level(IntEnum):
    LOW = 1


class Flags(IntFlag):
    ONE = 1
    TWO = 2


class Pair(NamedTuple):
    first: int
    second: str = ""


class Cat(msgspec.Struct, tag="cat"):
    name: str = ""


class Dog(msgspec.Struct, tag="dog"):
    name: str = ""


HOSTILE_JSON = {
    "arrays": b"[" * 1000,
    "closed arrays": b"[" * 1000 + b"]" * 1000,
    "objects": b'{"a":' * 5000,
    "a field that is skipped": b'{"x":' + b"[" * 3000 + b"]" * 3000 + b"}",
    "a recursive type": b'{"next":' * 1000 + b"null" + b"}" * 1000,
    "a million": b"[" * 1_000_000,
    "strings between": b'["a",' * 3000,
    "an escape before": b'{"\\"[":' * 3000,
    "an integer": b"1" * 100_000,
    "a negative integer": b"-" + b"1" * 100_000,
    "an exponent": b"1e" + b"9" * 100_000,
    "a fraction": b"0." + b"1" * 100_000 + b"e-99999",
    "NaN": b"NaN",
    "Infinity": b"[Infinity]",
    "a surrogate": b'"\\ud800"',
    "two surrogates": b'"\\udc00\\ud800"',
    "not UTF-8": b'"\xff"',
    "a key that is not UTF-8": b'{"\xff": 1}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "a BOM": b'\xef\xbb\xbf{"a": 1}',
    "NUL": b"\x00",
    "a key twice": b'{"name": "a", "name": "b"}',
    "arrays in it": b'[[1], {"a": 1}]',
    "one that is no str": b'{"name": [[]]}',
    "nothing": b"",
    "a comma": b"[1,]",
}
TYPES = {"Any": Any, "Struct": Guest, "Node": Node, "Raw": msgspec.Raw, "set": set, "int": int}
TYPES |= {"dict": dict[int, float], "list": list[Any]}


@pytest.mark.parametrize("kind", TYPES.values(), ids=TYPES)
@pytest.mark.parametrize("body", HOSTILE_JSON.values(), ids=HOSTILE_JSON)
def test_json_is_never_a_failure_of_the_server(body: bytes, kind: Any, log: Log) -> None:
    app = App()

    @app.post("/")
    async def read(request: Request) -> str:
        await request.json(kind)
        return "read"

    def read_typed(value: Any) -> str:
        return "read"

    read_typed.__annotations__ = {"value": Annotated[kind, Body()], "return": str}
    app.post("/typed")(read_typed)
    client = Client(app)
    for path in ("/", "/typed"):
        assert client.post(path, body=body, headers=AS_JSON).status in (200, 400, 422)
    assert log == []


AS_JSON = {"content-type": "application/json"}

ODD = ["1e99999999999999999999", "-1e-99999999999999999999", "1e400", "NaN", "sNaN", "inf", "9" * 4299, "9" * 4301]
ODD += ["18446744073709551616", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59.9999999-23:59", "0000-01-01"]
ODD += ["24:00:00", "23:59:60", "P99999999999D", "P" + "9" * 500 + "D", "a" * 36, "", "=", "YQ==", "\x00", "1_0", " 1"]
ODD += ["٣", "{00000000000000000000000000000000}", "true", "-0", "a"]
KINDS: list[Any] = [
    Decimal,
    datetime,
    date,
    time,
    timedelta,
    UUID,
    bytes,
    bytearray,
    memoryview,
    int,
    float,
    bool,
    str,
    Level,
    Flags,
]
KINDS += [
    set[Decimal],
    set[Any],
    set[tuple[Any, ...]],
    frozenset[float],
    dict[int, Any],
    dict[float, int],
    dict[UUID, int],
]
KINDS += [dict[datetime, Any], dict[Level, int], Pair, tuple[int, str], Cat | Dog, Literal[1, "a"], int | float]
KINDS += [Annotated[float, msgspec.Meta(multiple_of=0.1)], Annotated[datetime, msgspec.Meta(tz=True)], Any]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_no_value_is_a_failure_of_the_server(kind: Any) -> None:
    for odd in ODD:
        for value in (msgspec.json.encode(odd).decode(), odd):
            key = msgspec.json.encode(odd).decode()
            for body in (value, f"[{value}]", f"[[[{value}]], {{}}]", f"{{{key}: {value}}}", f'{{"type": {value}}}'):
                with suppress(HTTPError):
                    read_json(body.encode(), kind)


def test_a_spooled_body_that_is_refused_is_closed() -> None:
    """The garbage collector may free the objects in any order.

    If it freed an open file, the warning would fail the test.
    """
    app = App(limits=Limits(spool_size=1000))

    @app.post("/")
    async def read(request: Request) -> None:
        request.state.circle = request
        await request.json()

    for _ in range(5):
        assert Client(app).post("/", body=b"[" * 100_000, headers=AS_JSON).status == 400
        gc.collect()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[" * 200 + b"]" * 200, 200),
        (b"[" * 201 + b"]" * 201, 400),
        (b'{"a":' * 200 + b"1" + b"}" * 200, 200),
        (b'{"a":' * 201 + b"1" + b"}" * 201, 400),
        (b"[" + b"[]," * 1000 + b"1]", 200),
        (b'["' + b"[" * 1000 + b'"]', 200),
        (b'["\\"' + b"[" * 1000 + b'", "\\\\", "[{"]', 200),
        (b"[" * 190 + b"[]," * 1000 + b"[1]" + b"]" * 190, 200),
    ],
)
def test_how_deep_json_may_be(body: bytes, status: int, log: Log) -> None:
    """What was read can be sent again."""
    app = App()

    @app.post("/")
    async def echo(request: Request) -> Any:
        return await request.json()

    response = Client(app).post("/", body=body, headers=AS_JSON)
    assert response.status == status
    assert (
        response.status == 200
        or response.json()["detail"] == "The body has arrays and objects nested more than 200 deep."
    )
    assert log == []


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
