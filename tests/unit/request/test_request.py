"""The attributes of a request: its head, and the values that are derived from the head."""

from typing import Any

import pytest
from tests.unit.request.reading import read_in_handler

from ropewalk import App, Request
from ropewalk.testing import Client


class TestHead:
    def test_paths(self) -> None:
        assert read_in_handler(lambda r: (r.path, r.raw_path, r.query_string, r.target), "/a%20b?x=1") == (
            "/a b",
            b"/a%20b",
            b"x=1",
            b"/a%20b?x=1",
        )

    def test_method_version_and_addresses(self) -> None:
        assert read_in_handler(lambda r: (r.method, r.http_version, r.scheme, r.host, r.client, r.server)) == (
            "GET",
            "1.1",
            "http",
            "localhost",
            ("127.0.0.1", 50000),
            ("127.0.0.1", 80),
        )

    def test_url(self) -> None:
        assert read_in_handler(lambda r: r.url, "/a%20b?x=1") == "http://localhost/a%20b?x=1"

    def test_headers(self) -> None:
        headers = [("X-Two", "a"), ("X-Two", "b"), ("Accept", "text/html")]
        assert read_in_handler(lambda r: r.headers.all("x-two"), headers=headers) == ["a", "b"]
        assert read_in_handler(lambda r: r.header("ACCEPT"), headers=headers) == "text/html"
        assert read_in_handler(
            lambda r: (r.getHeader("accept"), r.getHeader(b"accept"), r.getHeader("none")), headers=headers
        ) == (
            "text/html",
            b"text/html",
            None,
        )

    def test_arguments_as_twisted_has_them(self) -> None:
        assert read_in_handler(lambda r: r.args, "/?tag=a&tag=b&empty=&plus=a+b&pct=%C3%A9%ff") == {
            b"tag": [b"a", b"b"],
            b"empty": [b""],
            b"plus": [b"a b"],
            b"pct": [b"\xc3\xa9\xff"],
        }
        assert read_in_handler(lambda r: r.args is r.args)

    @pytest.mark.parametrize("secure", [False, True])
    def test_whether_it_came_by_tls(self, secure: bool) -> None:
        app = App()
        app.get("/")(lambda request: str(request.isSecure()))
        assert Client(app, secure=secure).get("/").text == str(secure)

    def test_cookies(self) -> None:
        assert read_in_handler(lambda r: r.cookies, headers={"cookie": "a=1; b=2"}) == {"a": "1", "b": "2"}
        assert read_in_handler(lambda r: r.cookies) == {}

    def test_what_is_lazy_is_made_once(self) -> None:
        assert read_in_handler(lambda r: r.headers is r.headers and r.query is r.query and r.cookies is r.cookies)

    def test_a_place_for_notes(self) -> None:
        def note(request: Request) -> Any:
            request.state.user = "Ada"
            return request.state.user

        assert read_in_handler(note) == "Ada"

    def test_it_takes_no_other_attributes(self) -> None:
        def misspell(request: Any) -> str:
            with pytest.raises(AttributeError):
                request.boddy = 1
            return "refused"

        assert read_in_handler(misspell) == "refused"
