"""Parsing and formatting of cookies."""

import json
import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from ropewalk.cookies import format_cookie, parse_cookies
from ropewalk.errors import HandlerError, InvalidField


class TestReading:
    """Parsing of the Cookie field (RFC 6265, section 5.4)."""

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (None, {}),
            ("a=1; b=2", {"a": "1", "b": "2"}),
            ("a=1;b=2;  c = 3 ", {"a": "1", "b": "2", "c": "3"}),
            ("a=1; a=2", {"a": "1"}),
            ('a="x y"', {"a": "x y"}),
            ("a=b=c; nonsense; =d", {"a": "b=c"}),
            (r'a="\"x\" \\ \054"', {"a": '"x" \\ ,'}),
            (r'a="\101\400\1\x\"', {"a": r"A4001x" + "\\"}),
            ('a="', {"a": '"'}),
            ('a=""', {"a": ""}),
        ],
    )
    def test_cookies_by_name(self, value: str | None, expected: dict[str, str]) -> None:
        assert parse_cookies(value) == expected

    @pytest.mark.parametrize(
        "change",
        [
            lambda cookies: cookies.__setitem__("a", "2"),
            lambda cookies: cookies.__delitem__("a"),
            lambda cookies: cookies.__ior__({"b": "2"}),
            lambda cookies: cookies.setdefault("b", "2"),
            lambda cookies: cookies.update(b="2"),
            lambda cookies: cookies.pop("a"),
            lambda cookies: cookies.popitem(),
            lambda cookies: cookies.clear(),
        ],
    )
    def test_a_change_is_refused(self, change: Callable[[Any], object]) -> None:
        cookies = parse_cookies("a=1")
        with pytest.raises(HandlerError, match=r"RW272 .* To set a cookie, return a Response .*set_cookie"):
            change(cookies)
        assert cookies == {"a": "1"}

    def test_a_copy_may_be_changed(self) -> None:
        copy = dict(parse_cookies("a=1"))
        copy["b"] = "2"
        assert copy == parse_cookies("a=1; b=2") == parse_cookies("a=1") | {"b": "2"}
        assert pickle.loads(pickle.dumps(parse_cookies("a=1"))) == {"a": "1"}


class TestWriting:
    """Formatting of the Set-Cookie field (RFC 6265, section 4.1)."""

    def test_in_its_plainest_form(self) -> None:
        assert format_cookie("a", "1") == "a=1; Path=/; HttpOnly; SameSite=Lax"

    @pytest.mark.parametrize(("value", "then"), [({"x": 1}, json.dumps), ([1], json.dumps), (5, str)])
    def test_the_remedy_for_a_value_that_is_no_text(self, value: Any, then: Callable[[Any], str]) -> None:
        with pytest.raises(InvalidField, match=r"RW304 .* the value of the cookie a .*Give a str: ") as raised:
            format_cookie("a", value)
        assert "urllib.parse.quote(json.dumps(value))" in raised.value.remedy
        assert format_cookie("a", quote(then(value))).startswith("a=")

    def test_a_value_in_quotes(self) -> None:
        assert format_cookie("a", '"1"').startswith('a="1"; ')
        assert format_cookie("a", '""').startswith('a=""; ')

    @pytest.mark.parametrize(
        ("max_age", "written"),
        [
            (0, "0"),
            (-1, "-1"),
            (timedelta(days=1), "86400"),
            (timedelta(seconds=-1), "-1"),
            (timedelta(milliseconds=1), "1"),
            (timedelta(0), "0"),
        ],
    )
    def test_max_age(self, max_age: int | timedelta, written: str) -> None:
        assert f"; Max-Age={written};" in format_cookie("a", "1", max_age=max_age)

    @pytest.mark.parametrize("written", ["strict", "Strict", "STRICT"])
    def test_same_site_has_no_case(self, written: Any) -> None:
        assert format_cookie("a", "1", same_site=written).endswith("; SameSite=Strict")

    def test_every_attribute(self) -> None:
        cookie = format_cookie(
            "a",
            "x-y",
            max_age=60,
            expires=datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC),
            path="/p",
            domain="a.example",
            secure=True,
            http_only=False,
            same_site="none",
        )
        assert cookie == (
            "a=x-y; Max-Age=60; Expires=Sat, 02 Jan 2027 03:04:05 GMT; Path=/p; Domain=a.example; Secure; SameSite=None"
        )

    def test_what_is_written_can_be_read(self) -> None:
        value = "".join(character for character in map(chr, range(0x21, 0x7F)) if character not in '",;\\')
        assert parse_cookies(format_cookie("a", value).partition("; ")[0]) == {"a": value}

    @pytest.mark.parametrize("name", ["", "a b", "a;b", "a=b", "a\r\n", "a\n", "é", "\ud800", 5, None, b"a"])
    def test_a_name_that_is_not_a_token(self, name: Any) -> None:
        with pytest.raises(InvalidField, match="name of a cookie"):
            format_cookie(name, "1")

    @pytest.mark.parametrize(
        "value",
        [
            "a b",
            "a;b",
            "a,b",
            'a"b',
            '"',
            '"a',
            '"a b"',
            '""a""',
            "a\\b",
            "a\r\nSet-Cookie: b=1",
            "a\0",
            "a\n",
            "é",
            "\ud800",
            5,
            b"a",
        ],
    )
    def test_a_value_of_other_octets(self, value: Any) -> None:
        with pytest.raises(
            InvalidField, match="the value of the cookie a .* (Encode it:|Give a str:) .*urllib.parse.quote"
        ):
            format_cookie("a", value)

    def test_one_that_browsers_drop(self) -> None:
        """A cookie that is larger than browsers must accept is refused (RFC 6265, section 6.1)."""
        assert len(format_cookie("a", "x" * 4095, path=None, http_only=False, same_site=None)) == 4097
        with pytest.raises(InvalidField, match="The cookie a has 4097 bytes; browsers keep at most 4096"):
            format_cookie("a", "x" * 4096)

    @pytest.mark.parametrize(
        ("attribute", "values"),
        [
            ("path", ["/;x", "/\r\nSet-Cookie: b=1", "/\x00", "/é", "x", "", 5]),
            ("domain", ["a;b", "a b", "a\r\n", "-a.example", "a..b", "", "exämple.org", 5, b"a"]),
            ("max_age", ["60", 1.5, True]),
            ("expires", [datetime(2027, 1, 2), 5, "Sat, 02 Jan 2027 03:04:05 GMT"]),  # noqa: DTZ001 - the mistake
            ("same_site", ["", "lax\r\nX: y", 5, True]),
        ],
    )
    def test_attributes_that_browsers_take_otherwise(self, attribute: str, values: list[Any]) -> None:
        for value in values:
            with pytest.raises(InvalidField, match="cannot be the .* of the cookie a"):
                format_cookie("a", "1", **{attribute: value})

    @pytest.mark.parametrize(
        "domain", ["example.org", ".example.org", "localhost", "192.0.2.1", "xn--9ca.org", "a_b.org", "_a.org"]
    )
    def test_domains(self, domain: str) -> None:
        assert f"; Domain={domain};" in format_cookie("a", "1", domain=domain)

    @pytest.mark.parametrize(
        ("name", "options"),
        [
            ("__Secure-a", {}),
            ("__secure-a", {}),
            ("__Host-a", {}),
            ("__Host-a", {"secure": True, "path": "/x"}),
            ("__Host-a", {"secure": True, "path": None}),
            ("__Host-a", {"secure": True, "domain": "example.org"}),
            ("a", {"same_site": "none"}),
        ],
    )
    def test_rfc6265bis_4_1_3_promises_that_are_not_kept(self, name: str, options: dict[str, Any]) -> None:
        with pytest.raises(InvalidField, match=f"The cookie {name} "):
            format_cookie(name, "1", **options)

    def test_rfc6265bis_4_1_3_promises_that_are_kept(self) -> None:
        assert format_cookie("__Host-a", "1", secure=True) == "__Host-a=1; Path=/; Secure; HttpOnly; SameSite=Lax"
        assert format_cookie("__Secure-a", "1", secure=True, domain="a.org").startswith("__Secure-a=1; ")
