"""One table of values and their responses, with which each place that converts values is tested.

A plain handler's value is converted by the engine, a coroutine's and a Deferred's by `send_plain_value`, and inside
middleware by `Response.of`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from twisted.internet.defer import succeed

from ropewalk import NOT_DONE_YET, App, Request, Response
from ropewalk.testing import Client

TEXT: Final = "text/plain; charset=utf-8"
JSON: Final = "application/json"
BYTES: Final = "application/octet-stream"


class Struct(msgspec.Struct):
    number: int


@dataclass
class Record:
    number: int


class Text(str):
    __slots__ = ()


class Octets(bytes):
    __slots__ = ()


CASES: Final[list[tuple[Any, int, str | None, bytes]]] = [
    ("", 200, TEXT, b""),
    ("Hello", 200, TEXT, b"Hello"),
    ("Grüße", 200, TEXT, "Grüße".encode()),
    (Text("Hello"), 200, TEXT, b"Hello"),
    (b"", 200, BYTES, b""),
    (b"\x00\xff", 200, BYTES, b"\x00\xff"),
    (Octets(b"ab"), 200, BYTES, b"ab"),
    (None, 204, None, b""),
    ({}, 200, JSON, b"{}"),
    ({"a": [1, None]}, 200, JSON, b'{"a":[1,null]}'),
    ([], 200, JSON, b"[]"),
    ([1, "ü"], 200, JSON, '[1,"ü"]'.encode()),
    (Struct(1), 200, JSON, b'{"number":1}'),
    (Record(2), 200, JSON, b'{"number":2}'),
    (Response("Made", 201), 201, TEXT, b"Made"),
    (Response(None, 204), 204, None, b""),
]

WRONG: Final[list[Any]] = [(1, 2), object(), 7, True, {1, 2}]


def plain(value: Any) -> Callable[[Request], Any]:
    return lambda request: value


def coroutine(value: Any) -> Callable[[Request], Any]:
    async def handler(request: Request) -> Any:
        return value

    return handler


def deferred(value: Any) -> Callable[[Request], Any]:
    return lambda request: succeed(value)


KINDS = pytest.mark.parametrize("kind", [plain, coroutine, deferred])
INSIDE_MIDDLEWARE = pytest.mark.parametrize("inside_middleware", [False, True])


def serving(handler: Callable[[Request], Any], inside_middleware: bool, status: int | None = None) -> Client:
    app = App()
    app.get("/", status=status)(handler)
    if inside_middleware:

        @app.middleware
        async def passing(request: Request, next: Any) -> Any:
            return await next(request)

    return Client(app, raise_errors=False)


@KINDS
@INSIDE_MIDDLEWARE
@pytest.mark.parametrize(("value", "status", "content_type", "body"), CASES, ids=lambda value: repr(value)[:30])
def test_values(
    value: Any, status: int, content_type: str | None, body: bytes, kind: Callable[..., Any], inside_middleware: bool
) -> None:
    response = serving(kind(value), inside_middleware).get("/")
    assert (response.status, response.headers.get("content-type"), response.body) == (status, content_type, body)


@KINDS
@INSIDE_MIDDLEWARE
@pytest.mark.parametrize(("value", "_", "content_type", "body"), CASES, ids=lambda value: repr(value)[:30])
def test_values_of_a_route_with_a_status(
    value: Any, _: int, content_type: str | None, body: bytes, kind: Callable[..., Any], inside_middleware: bool
) -> None:
    response = serving(kind(value), inside_middleware, 202).get("/")
    expected = value.status if isinstance(value, Response) else 202
    assert (response.status, response.headers.get("content-type"), response.body) == (expected, content_type, body)


@KINDS
@INSIDE_MIDDLEWARE
@pytest.mark.parametrize("status", [None, 202])
def test_a_part_that_cannot_be_encoded(
    kind: Callable[..., Any], inside_middleware: bool, status: int | None, log: Any
) -> None:
    assert serving(kind({"rooms": [object()]}), inside_middleware, status).get("/").status == 500
    assert "RW212" in log.text
    assert "it is at `$.rooms[0]`." in log.text


@KINDS
@INSIDE_MIDDLEWARE
def test_a_prepared_field_and_a_status(kind: Callable[..., Any], inside_middleware: bool) -> None:
    def handler(request: Request) -> Any:
        request.setHeader("x-room", "7")
        return kind({"room": 7})(request)

    response = serving(handler, inside_middleware, 202).get("/")
    assert (response.status, response.headers["x-room"], response.json()) == (202, "7", {"room": 7})


@KINDS
@INSIDE_MIDDLEWARE
@pytest.mark.parametrize("status", [204, 205])
def test_a_body_with_a_status_that_has_none(
    kind: Callable[..., Any], inside_middleware: bool, status: int, log: Any
) -> None:
    assert serving(kind({"room": 7}), inside_middleware, status).get("/").status == 500
    assert "RW201 GET /: " in log.text
    assert f"status {status} has a body" in log.text


@KINDS
@INSIDE_MIDDLEWARE
def test_files(kind: Callable[..., Any], inside_middleware: bool, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<p>")
    response = serving(kind(tmp_path / "page.html"), inside_middleware).get("/")
    assert (response.status, response.headers.get("content-type"), response.body) == (
        200,
        "text/html; charset=utf-8",
        b"<p>",
    )


@KINDS
@INSIDE_MIDDLEWARE
def test_iterators(kind: Callable[..., Any], inside_middleware: bool) -> None:
    response = serving(kind(iter(["a", b"b"])), inside_middleware).get("/")
    assert (response.status, response.headers.get("content-type"), response.body) == (200, TEXT, b"ab")


@KINDS
@INSIDE_MIDDLEWARE
@pytest.mark.parametrize("value", WRONG, ids=lambda value: type(value).__name__)
def test_no_response(value: Any, kind: Callable[..., Any], inside_middleware: bool, log: Any) -> None:
    assert serving(kind(value), inside_middleware).get("/").status == 500
    assert "RW201 GET /: " in log.text
    assert f" returned a value of type {type(value).__qualname__}." in log.text


@KINDS
@INSIDE_MIDDLEWARE
@pytest.mark.parametrize(
    ("value", "remedy"),
    [
        (({"a": 1}, 201), "Write `Response(body, status=...)`."),
        (NOT_DONE_YET, "NOT_DONE_YET (1) is for methods of a Resource only."),
    ],
    ids=["as in Flask", "as in twisted.web"],
)
def test_habits_of_other_frameworks(
    value: Any, remedy: str, kind: Callable[..., Any], inside_middleware: bool, log: Any
) -> None:
    assert serving(kind(value), inside_middleware).get("/").status == 500
    assert remedy in log.text
