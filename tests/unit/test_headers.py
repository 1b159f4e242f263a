"""Fields, cookies and dates."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from ropewalk.errors import InvalidField
from ropewalk.headers import Headers, Text, content_type, format_cookie, http_date, parse_cookies


class TestHeaders:
    def test_names_have_no_case(self) -> None:
        headers = Headers({"Content-Type": "text/plain"})
        assert headers["content-TYPE"] == "text/plain"
        assert "CONTENT-type" in headers
        assert list(headers) == ["content-type"]

    def test_several_lines_of_a_name(self) -> None:
        headers = Headers([("Accept", "a"), (b"X", b"\xe9"), ("accept", "b")])
        assert headers["accept"] == "a, b"
        assert headers.all("ACCEPT") == ["a", "b"]
        assert headers.lines() == [("accept", "a"), ("x", "\xe9"), ("accept", "b")]
        assert len(headers) == 2

    def test_assignment_replaces_and_add_does_not(self) -> None:
        headers = Headers([("a", "1"), ("a", "2")])
        headers["A"] = "3"
        headers.add("A", "4")
        assert headers.all("a") == ["3", "4"]

    def test_deletion(self) -> None:
        headers = Headers([("a", "1"), ("a", "2"), ("b", "3")])
        del headers["A"]
        assert headers.lines() == [("b", "3")]
        with pytest.raises(KeyError):
            del headers["a"]
        with pytest.raises(KeyError):
            headers["a"]

    def test_as_they_are_sent(self) -> None:
        """RFC 9110, section 5.5."""
        fields: dict[str, Text] = {"a": "plain", "b": b"caf\xe9", "c": "café"}
        headers = Headers(fields)
        assert headers.encoded() == [("a", "plain"), ("b", b"caf\xe9"), ("c", b"caf\xe9")]

    def test_beyond_latin_1(self) -> None:
        with pytest.raises(InvalidField, match="The header price is not Latin-1 but '5 €'; encode it to bytes"):
            Headers({"price": "5 €"}).encoded()

    def test_what_is_neither_str_nor_bytes(self) -> None:
        wrong: Any = {"x": 5}
        with pytest.raises(InvalidField, match="A header is str or bytes, and 5 is not"):
            Headers(wrong)

    def test_as_a_mapping(self) -> None:
        headers = Headers({"a": "1"})
        assert headers.get("b") is None
        assert headers.setdefault("a", "2") == "1"
        assert headers == Headers([("A", "1")])


class TestContentType:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (None, ("", {})),
            ("text/html", ("text/html", {})),
            ('Text/HTML; Charset="utf-8"; a=b', ("text/html", {"charset": "utf-8", "a": "b"})),
        ],
    )
    def test_media_type_and_parameters(self, value: str | None, expected: object) -> None:
        assert content_type(value) == expected


class TestCookies:
    """RFC 6265."""

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (None, {}),
            ("a=1; b=2", {"a": "1", "b": "2"}),
            ("a=1;b=2;  c = 3 ", {"a": "1", "b": "2", "c": "3"}),
            ("a=1; a=2", {"a": "1"}),
            ('a="x y"', {"a": "x y"}),
            ("a=b=c; nonsense; =d", {"a": "b=c"}),
        ],
    )
    def test_section_5_4_reading(self, value: str | None, expected: dict[str, str]) -> None:
        assert parse_cookies(value) == expected

    def test_section_4_1_writing(self) -> None:
        assert format_cookie("a", "1") == "a=1; Path=/; HttpOnly; SameSite=Lax"

    def test_every_attribute(self) -> None:
        cookie = format_cookie(
            "a",
            "x y",
            max_age=60,
            expires=datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC),
            path="/p",
            domain="example.org",
            secure=True,
            http_only=False,
            same_site="none",
        )
        assert cookie == (
            'a="x y"; Max-Age=60; Expires=Sat, 02 Jan 2027 03:04:05 GMT; Path=/p; Domain=example.org; Secure; '
            "SameSite=None"
        )

    def test_what_is_written_can_be_read(self) -> None:
        value = 'semi;colon, "quotes" \\ \r\n é'
        assert parse_cookies(format_cookie("a", value).partition("; ")[0]) == {"a": value}

    @pytest.mark.parametrize("name", ["", "a b", "a;b", "a\r\n", "path"])
    def test_a_name_that_is_not_a_token(self, name: str) -> None:
        with pytest.raises(ValueError, match="name of a cookie"):
            format_cookie(name, "1")

    @pytest.mark.parametrize("path", ["/;x", "/\r\nSet-Cookie: b=1", "/\x00", "/é"])
    def test_an_attribute_that_would_end_the_cookie(self, path: str) -> None:
        with pytest.raises(ValueError, match="the Path of a cookie"):
            format_cookie("a", "1", path=path)


class TestDates:
    def test_rfc_9110_section_5_6_7(self) -> None:
        assert http_date(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT"
        assert http_date(datetime(1994, 11, 6, 9, 49, 37, tzinfo=timezone(timedelta(hours=1)))) == http_date(784111777)
