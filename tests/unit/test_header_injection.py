"""Text of a client never becomes a header field, whichever function of Ropewalk writes it."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.unit.conftest import Log

from ropewalk import App, HTTPError, Request, Response
from ropewalk.errors import HandlerError, RopewalkError
from ropewalk.middleware import (
    CORSOptions,
    RequestIDOptions,
    cors,
    request_id,
)
from ropewalk.sessions import SessionsOptions, safe_redirect, sessions
from ropewalk.testing import Client

HOSTILE = [
    "a\r\nX-Injected: 1",
    "a\nX-Injected: 1",
    "a\rX-Injected: 1",
    "a\r\n\r\nX-Injected: 1",
    "a\0X-Injected: 1",
    "a\u010aX-Injected: 1",
    "a\u2028X-Injected: 1",
    "a\u560d\u560aX-Injected: 1",
    "a\x0bX-Injected: 1",
    "a\x7f",
    "\ud800",
]
"""`\\u010a` and `\\u560a` are line feeds for code that keeps only the last byte of a character."""


def header_in_constructor(request: Request, text: str) -> Response:
    return Response("", headers={"x-text": text})


def header_pairs(request: Request, text: str) -> Response:
    return Response("", headers=[("x-text", text)])


def header_name(request: Request, text: str) -> Response:
    return Response("", headers={text: "1"})


def header_assigned(request: Request, text: str) -> Response:
    response = Response("")
    response.headers["x-text"] = text
    return response


def header_added(request: Request, text: str) -> Response:
    response = Response("")
    response.headers.add("x-text", text)
    return response


def content_type(request: Request, text: str) -> Response:
    return Response("", headers={"content-type": f"text/plain; charset={text}"})


def cookie_value(request: Request, text: str) -> Response:
    response = Response("")
    response.set_cookie("a", text)
    return response


def cookie_name(request: Request, text: str) -> Response:
    response = Response("")
    response.set_cookie(text, "1")
    return response


def cookie_path(request: Request, text: str) -> Response:
    response = Response("")
    response.set_cookie("a", "1", path=f"/{text}")
    return response


def cookie_domain(request: Request, text: str) -> Response:
    response = Response("")
    response.set_cookie("a", "1", domain=text)
    return response


def cookie_deleted(request: Request, text: str) -> Response:
    response = Response("")
    response.delete_cookie(text)
    return response


def redirect(request: Request, text: str) -> Response:
    return Response.redirect(f"/{text}")


def redirect_elsewhere(request: Request, text: str) -> Response:
    return Response.redirect(f"https://a.example/?{text}")


def redirect_to_next(request: Request, text: str) -> Response:
    return safe_redirect(request, f"/{text}")


def reason(request: Request, text: str) -> Response:
    return Response("", reason=text)


def error_header(request: Request, text: str) -> Response:
    raise HTTPError(400, "wrong", headers={"x-text": text})


def error_detail(request: Request, text: str) -> Response:
    raise HTTPError(400, text)


def file_name(request: Request, text: str) -> Response:
    return Response.file(Path(__file__), download=text)


def of_twisted(request: Request, text: str) -> str:
    request.setHeader("x-text", text)
    return ""


def of_twisted_in_bytes(request: Request, text: str) -> str:
    request.setHeader(b"x-text", text.encode("utf-8", "surrogatepass"))
    return ""


def cookie_of_twisted(request: Request, text: str) -> str:
    request.addCookie("a", text)
    return ""


def redirect_of_twisted(request: Request, text: str) -> str:
    request.redirect(f"/{text}")
    return ""


def status_of_twisted(request: Request, text: str) -> str:
    request.setResponseCode(200, text)
    return ""


def session_value(request: Request, text: str) -> str:
    request.session[text if text != "\ud800" else "x"] = "1"
    return ""


WRITERS: list[Callable[[Request, str], Any]] = [
    *(header_in_constructor, header_pairs, header_name, header_assigned, header_added, content_type),
    *(cookie_value, cookie_name, cookie_path, cookie_domain, cookie_deleted),
    *(redirect, redirect_elsewhere, redirect_to_next, reason, error_header, error_detail, file_name),
    *(of_twisted, of_twisted_in_bytes, cookie_of_twisted, redirect_of_twisted, status_of_twisted, session_value),
]


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
@pytest.mark.parametrize("write", WRITERS, ids=lambda each: each.__name__)
def test_every_writer(write: Callable[[Request, str], Any], text: str, log: Log) -> None:
    app = App(middleware=[sessions(SessionsOptions(secret="s" * 32))])
    app.get("/")(lambda request: write(request, text))
    response = Client(app, secure=True, raise_errors=False).get("/")
    assert "x-injected" not in response.headers
    lines = [f"{name}: {value}" for name, value in response.headers.lines()]
    assert not any("\r" in line or "\n" in line or "\0" in line for line in lines)
    assert response.reason.isprintable()
    if response.status == 500:  # the program has set the text as a field, so the error names the program's line
        assert "RW304" in log.text or "surrogates not allowed" in log.text


ECHOES: list[tuple[Any, str]] = [
    (request_id(RequestIDOptions(accept_from=["0.0.0.0/0", "::/0", "unix"])), "x-request-id"),
    (request_id(), "x-request-id"),
    (cors(CORSOptions(origins=["*"])), "origin"),
]
"""Middleware that sends back a field of the request."""


@pytest.mark.parametrize("value", [b"a\tb", b"a\xc4\x8aX", b"a; b", b'"', b"a" * 5000, b"\xff"])
@pytest.mark.parametrize("number", range(len(ECHOES)))
def test_fields_that_are_sent_back(number: int, value: bytes) -> None:
    middleware, field = ECHOES[number]
    app = App(middleware=[middleware])
    app.get("/")(lambda request: "")
    response = Client(app).get("/", headers=[(field, value)])
    assert "x-injected" not in response.headers
    assert all(text.isprintable() for _, text in response.headers.lines())


WRONG = [None, 5, 1.5, b"x", [], {}, object(), True]


@pytest.mark.parametrize("value", WRONG, ids=repr)
def test_values_of_wrong_types_have_a_code(value: Any) -> None:
    """Cookies, fields, redirects and downloads: what is not accepted is RW304 or another error of Ropewalk."""
    calls: list[Callable[[], object]] = [
        lambda: Response("").set_cookie(value, "1"),
        lambda: Response("").set_cookie("a", value),
        *(lambda name=name: Response("").set_cookie("a", "1", **{name: value}) for name in COOKIE_OPTIONS),
        lambda: Response("").delete_cookie(value),
        lambda: Response.redirect(value),
        lambda: Response("", headers={"a": value}),
        lambda: Response("", reason=value),
        lambda: Response.file("a", download=value),
    ]
    for call in calls:
        with suppress(RopewalkError):
            call()
    for required in (calls[0], calls[1], calls[9]):
        with pytest.raises(RopewalkError):
            required()


COOKIE_OPTIONS = ("max_age", "expires", "path", "domain", "secure", "http_only", "same_site")


def test_a_request_sets_no_cookie(log: Log) -> None:
    app = App()

    @app.get("/")
    def handler(request: Request) -> str:
        request.set_cookie("a", "1")

    with pytest.raises(HandlerError, match="RW272 .*To set a cookie, return a Response on which you have called"):
        Client(app).get("/")
