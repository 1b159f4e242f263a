"""The names of twisted.web that set the head of a response."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.unit.conftest import Log

from ropewalk import App, Request, Response
from ropewalk.testing import Client


class TestAddCookie:
    """The names and defaults are twisted.web's, and the checks are RFC 6265's."""

    def cookie(self, *given: Any, **options: Any) -> str:
        app = App()

        @app.get("/")
        def handler(request: Request) -> str:
            request.addCookie(*given, **options)
            return ""

        return Client(app).get("/").headers["set-cookie"]

    def test_in_its_plainest_form(self) -> None:
        assert self.cookie(b"a", b"1") == "a=1"

    def test_every_attribute(self) -> None:
        date = b"Sat, 02 Jan 2027 03:04:05 GMT"
        expected = f"a=1; Max-Age=60; Expires={date.decode()}; Path=/p; Domain=a.org; Secure; HttpOnly; SameSite=Strict"
        assert expected == self.cookie(
            "a", "1", date, b"a.org", b"/p", b"60", b"a comment", True, httpOnly=True, sameSite=b"Strict"
        )

    @pytest.mark.parametrize("value", ["a b", 'a, "b"\\', '{"a": 1}', "x" * 5000, ""])
    def test_what_is_given_is_sent(self, value: str) -> None:
        assert self.cookie("a", value) == f"a={value}"
        assert self.cookie("__Host-a", "", max_age=value, path=value, domain=value, sameSite="none") == (
            f"__Host-a=; Max-Age={value}; Path={value}; Domain={value}; SameSite=None"
        )

    def test_beyond_ascii_it_is_utf_8(self) -> None:
        assert self.cookie("é", "€").encode("latin-1").decode() == "é=€"
        assert self.cookie("a", b"\xff").encode("latin-1") == b"a=\xff"

    def test_max_age_in_every_form(self) -> None:
        for max_age in (60, "60", b"60", timedelta(minutes=1)):
            assert self.cookie("a", "1", max_age=max_age) == "a=1; Max-Age=60"

    def test_expires_in_every_form(self) -> None:
        date = "Sat, 02 Jan 2027 03:04:05 GMT"
        for expires in (date, date.encode(), datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC)):
            assert self.cookie("a", "1", expires) == f"a=1; Expires={date}"

    @pytest.mark.parametrize(
        "options",
        [
            {"k": ""},
            {"k": "a=b"},
            {"k": b"a\n"},
            {"v": "1;b=2"},
            {"v": "1\r\nSet-Cookie: b=2"},
            {"v": b"\x00"},
            {"v": "\ud800"},
            {"max_age": "60; Secure"},
            {"expires": "\r"},
            {"sameSite": "no"},
            {"domain": "a;b"},
            {"path": b"/\r\n"},
        ],
    )
    def test_what_is_refused(self, options: dict[str, Any], log: Log) -> None:
        app = App()

        @app.get("/")
        def handler(request: Request) -> str:
            request.addCookie(**({"k": "a", "v": "1"} | options))
            return ""

        assert Client(app, raise_errors=False).get("/").status == 500
        assert "RW304 GET /: " in log.text


class TestReasons:
    """A handler sets the reason phrase of its response (RFC 9112, section 4). The response to an error does not keep
    it."""

    def test_in_both_ways(self) -> None:
        app = App()

        @app.get("/prepared")
        def prepared(request: Request) -> str:
            request.setResponseCode(404, "Nobody Home")
            return ""

        @app.get("/response")
        def response(request: Request) -> Response:
            return Response("", 404, reason=b"Nobody Home")

        for path in ("/prepared", "/response"):
            answer = Client(app).get(path)
            assert (answer.status, answer.reason) == (404, "Nobody Home")

    def test_an_error_forgets_it(self, log: Log) -> None:
        app = App()

        @app.get("/")
        def handler(request: Request) -> None:
            request.setResponseCode(500, "Mine")
            raise LookupError

        assert Client(app, raise_errors=False).get("/").reason == "Internal Server Error"
