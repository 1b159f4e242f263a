"""Fields, reason phrases, targets and dates."""

from copy import copy
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ropewalk.errors import InvalidField
from ropewalk.headers import Headers, Text, content_type, http_date, last_modified, location, reason_phrase


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

    def test_any_of_some_names(self) -> None:
        headers = Headers([("Vary", "Origin"), ("x-a", "1")])
        assert headers.has_any(frozenset(("vary", "etag")))
        assert headers.has_any(frozenset(("x-a",)))
        assert not headers.has_any(frozenset(("etag", "x-b")))
        assert not headers.has_any(frozenset())

    def test_assignment_replaces_and_add_does_not(self) -> None:
        headers = Headers([("a", "1"), ("a", "2")])
        headers["A"] = "3"
        headers.add("A", "4")
        assert headers.all("a") == ["3", "4"]

    @pytest.mark.parametrize("others", [0, 100])
    def test_changes_show_however_many_there_are(self, others: int) -> None:
        headers = Headers([(f"x-{number}", "1") for number in range(others)])
        headers.add("a", "1")
        assert headers.all("A") == ["1"]
        headers.add("a", "2")
        assert headers["a"] == "1, 2"
        headers["a"] = "3"
        assert headers["a"] == "3"
        copied = copy(headers)
        copied.add("a", "4")
        assert (headers.all("a"), copied.all("a")) == (["3"], ["3", "4"])
        headers.all("a").append("5")
        assert headers.all("a") == ["3"]
        del headers["a"]
        assert "a" not in headers
        assert headers.all("a") == []
        assert len(headers) == others

    def test_deletion(self) -> None:
        headers = Headers([("a", "1"), ("a", "2"), ("b", "3")])
        del headers["A"]
        assert headers.lines() == [("b", "3")]
        with pytest.raises(KeyError):
            del headers["a"]
        with pytest.raises(KeyError):
            headers["a"]

    def test_as_they_are_sent(self) -> None:
        """Text is encoded as Latin-1 if it is not ASCII. Bytes are not changed (RFC 9110, section 5.5)."""
        fields: dict[str, Text] = {"a": "plain", "b": b"caf\xe9", "c": "café"}
        headers = Headers(fields)
        assert headers.encoded() == [("a", "plain"), ("b", b"caf\xe9"), ("c", b"caf\xe9")]

    def test_beyond_latin_1(self) -> None:
        with pytest.raises(InvalidField, match="The header price is not Latin-1 but '5 €'; encode it to bytes"):
            Headers({"price": "5 €"})

    @pytest.mark.parametrize("name", ["Content-Disposition", "content-disposition"])
    def test_a_download_beyond_latin_1(self, name: str) -> None:
        with pytest.raises(InvalidField, match=r"is not Latin-1 but .*€.*\. `Response\.file\(path"):
            Headers({name: 'attachment; filename="5 €.pdf"'})

    @pytest.mark.parametrize("wrong", [{"x": 5}, {5: "x"}, {None: "x"}, [("x", ["a"])]])
    def test_what_is_neither_str_nor_bytes(self, wrong: Any) -> None:
        with pytest.raises(InvalidField, match="A header must be str or bytes, not "):
            Headers(wrong)

    @pytest.mark.parametrize("wrong", ["x: y", b"x: y", ["xy"], ["x: y"], [("x",)], [("x", "y", "z")], [5], 5])
    def test_what_is_no_pair(self, wrong: Any) -> None:
        with pytest.raises(InvalidField, match="is not the name and value of a header. Give a mapping, or pairs"):
            Headers(wrong)

    @pytest.mark.parametrize("put", [lambda h, n, v: h.add(n, v), lambda h, n, v: h.__setitem__(n, v)])
    def test_names_and_values_that_must_not_reach_the_wire(self, put: Any) -> None:
        """Names and values that are invalid in a header field are refused (RFC 9110, sections 5.1 and 5.5)."""
        for name in ("", "a b", "a:", "a\r\n", "a\n", "é", "\u212a", "\ud800", b"\xff"):
            with pytest.raises(InvalidField, match="cannot be the name of a header"):
                put(Headers(), name, "x")
        for value in ("\r\nx: y", "a\n", "a\r", "\0", "\x1b", "\x7f", b"a\r\n b", "é\n"):
            with pytest.raises(InvalidField, match="The header x has control characters in its value"):
                put(Headers(), "x", value)

    def test_a_refused_line_changes_nothing(self) -> None:
        headers = Headers({"a": "1"})
        with pytest.raises(InvalidField):
            headers["a"] = "2\n"
        assert headers.lines() == [("a", "1")]

    def test_names_may_be_bytes(self) -> None:
        headers = Headers({b"A": b"1"})
        headers[b"a"] = "2"
        headers.add(b"A", "3")
        assert headers.lines() == [("a", "2"), ("a", "3")]

    def test_a_value_may_be_empty_have_tabs_and_be_long(self) -> None:
        values = ["", "a\tb", "x" * 1_000_000]
        assert Headers([("x", value) for value in values]).all("x") == values

    def test_overlaid(self) -> None:
        headers = Headers([("a", "1"), ("set-cookie", "x"), ("b", "1"), ("b", "2")])
        others = Headers([("b", "3"), ("set-cookie", "y"), ("set-cookie", "z")])
        assert headers.overlaid(others).lines() == [
            ("a", "1"),
            ("set-cookie", "x"),
            ("b", "3"),
            ("set-cookie", "y"),
            ("set-cookie", "z"),
        ]

    def test_as_a_mapping(self) -> None:
        headers = Headers({"a": "1"})
        assert headers.get("b") is None
        assert headers.setdefault("a", "2") == "1"
        assert headers == Headers([("A", "1")])


class TestReason:
    """Which reason phrases are sent, and which are refused (RFC 9112, section 4)."""

    def test_what_is_sent(self) -> None:
        assert [reason_phrase(given) for given in ("Fine", b"Fine", "Très bien", "")] == [
            b"Fine",
            b"Fine",
            b"Tr\xe8s bien",
            b"",
        ]

    @pytest.mark.parametrize("given", ["a\r\nX: y", "\n", "\0", b"\r", "\x7f", "€", "\ud800", 5])
    def test_what_is_not(self, given: Any) -> None:
        with pytest.raises(InvalidField):
            reason_phrase(given)


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


class TestLocation:
    """The target of a redirect is sent as a URI, so other characters are percent-encoded (RFC 3986, as modified by RFC
    9110, section 10.2.2)."""

    @pytest.mark.parametrize(
        ("target", "sent"),
        [
            ("/a b/é?x=%20#f", "/a%20b/%C3%A9?x=%20#f"),
            (b"/caf\xc3\xa9", "/caf%C3%A9"),
            ("https://[::1]:8080/~user/;a=b,c", "https://[::1]:8080/~user/;a=b,c"),
            ('/"><script>', "/%22%3E%3Cscript%3E"),
            ("/\\example.org", "/%5Cexample.org"),
            ("", ""),
        ],
    )
    def test_what_a_url_cannot_have_is_encoded(self, target: Text, sent: str) -> None:
        assert location(target) == sent

    @pytest.mark.parametrize("target", ["/\r\nX: y", "/\n", "/\r", "/\0", "/\t", "/\x7f", b"/\r", "/\ud800", 5])
    def test_what_is_refused(self, target: Any) -> None:
        with pytest.raises(InvalidField, match="redirect"):
            location(target)


class TestDates:
    def test_rfc_9110_section_5_6_7(self) -> None:
        assert http_date(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT"
        assert http_date(datetime(1994, 11, 6, 9, 49, 37, tzinfo=timezone(timedelta(hours=1)))) == http_date(784111777)

    def test_the_ends_of_time(self) -> None:
        west, east = timezone(timedelta(hours=-1)), timezone(timedelta(hours=1))
        assert http_date(datetime.max.replace(tzinfo=west)) == "Fri, 31 Dec 9999 23:59:59 GMT"
        assert http_date(datetime.min.replace(tzinfo=east)) == "Mon, 01 Jan 0001 00:00:00 GMT"

    @pytest.mark.parametrize(
        ("modified", "expected"),
        [
            (784111777.9, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (-0.5, "Wed, 31 Dec 1969 23:59:59 GMT"),
            (-2_000_000_000, "Thu, 16 Aug 1906 20:26:40 GMT"),
            (-62_135_596_800, "Mon, 01 Jan 0001 00:00:00 GMT"),
            (-62_135_596_801, None),
            (-1e30, None),
            (1_000_000_000, "Sun, 09 Sep 2001 01:46:40 GMT"),
            (1_000_000_000.5, "Sun, 09 Sep 2001 01:46:40 GMT"),
            (1_000_000_001, "Sun, 09 Sep 2001 01:46:40 GMT"),
            (253_402_300_800, "Sun, 09 Sep 2001 01:46:40 GMT"),
            (1e30, "Sun, 09 Sep 2001 01:46:40 GMT"),
        ],
    )
    def test_rfc_9110_section_8_8_2_1(self, modified: float, expected: str | None) -> None:
        assert last_modified(modified, date=1_000_000_000) == expected
