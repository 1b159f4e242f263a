"""Headers that the engine has read, compared with headers of twisted.web to which each line was added."""

from collections.abc import Callable
from copy import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.dropin.request.channels import Head, Lines
from tests.versions import invalid_header_name, needs_invalid_header_name
from twisted.web.http_headers import Headers

from ropewalk.dropin.request.headers import ReceivedHeaders

LINES = [
    (b"Host", b"example.com"),
    (b"X-Two", b"one"),
    (b"ETAG", b'"x"'),
    (b"x-two", b"two"),
    (b"X-Empty", b""),
    (b"X-Text", "é".encode()),
    (b"www-authenticate", b"Basic"),
]

Use = Callable[[Any], Any]

READING: dict[str, Use] = {
    "bytes": lambda h: h.getRawHeaders(b"host"),
    "str": lambda h: h.getRawHeaders("HOST"),
    "several": lambda h: h.getRawHeaders(b"X-TWO"),
    "several as str": lambda h: h.getRawHeaders("x-text"),
    "empty": lambda h: h.getRawHeaders(b"x-empty"),
    "none": lambda h: h.getRawHeaders(b"none"),
    "a default": lambda h: h.getRawHeaders("none", "default"),
    "a default that is not needed": lambda h: h.getRawHeaders(b"host", "default"),
    "whether": lambda h: [h.hasHeader(name) for name in (b"host", "HOST", b"x-empty", b"none")],
    "all": lambda h: list(h.getAllRawHeaders()),
    "text": repr,
    "a copy": lambda h: (type(h.copy()), list(h.copy().getAllRawHeaders())),
    "a copy by the library": lambda h: list(copy(h).getAllRawHeaders()),
    "an equal": lambda h: [h == h.copy(), h.copy() == h, h != h.copy(), h == Headers(), h == 7],
    "an order": lambda h: [Headers() < h, h > Headers()],
    "twice": lambda h: h.getRawHeaders(b"x-two") is h.getRawHeaders(b"X-Two"),
}

CHANGING: dict[str, Use] = {
    "set": lambda h: h.setRawHeaders("x-two", ["three"]),
    "set anew": lambda h: h.setRawHeaders(b"x-new", [b"1", "2\r\n3"]),
    "set nothing": lambda h: h.setRawHeaders(b"x-two", []),
    "add": lambda h: h.addRawHeader(b"x-two", "three"),
    "add anew": lambda h: h.addRawHeader("x-new", b"1"),
    "remove": lambda h: h.removeHeader("X-TWO"),
    "remove none": lambda h: h.removeHeader(b"none"),
    "change a list that was given": lambda h: (h.getRawHeaders(b"x-two") or []).append(b"3"),
}


def both_headers(lines: Lines) -> tuple[Headers, ReceivedHeaders]:
    expected = Headers()
    for name, value in lines:
        expected.addRawHeader(name, value)
    return expected, ReceivedHeaders(Head(lines))


@pytest.mark.parametrize("read", READING.values(), ids=READING)
def test_reading(read: Use) -> None:
    expected, ours = both_headers(LINES)
    assert read(expected) == read(ours)
    assert read(expected) == read(ours)


@pytest.mark.parametrize("read", READING.values(), ids=READING)
@pytest.mark.parametrize("change", CHANGING.values(), ids=CHANGING)
def test_reading_after_a_change(change: Use, read: Use) -> None:
    expected, ours = both_headers(LINES)
    for headers in (expected, ours):
        headers.getRawHeaders(b"host")
        change(headers)
    assert read(expected) == read(ours)


@needs_invalid_header_name
@pytest.mark.parametrize("name", [b"no token", "", b"\x00", "é"])
@pytest.mark.parametrize(
    "use", [Headers.getRawHeaders, Headers.hasHeader, Headers.removeHeader], ids=lambda use: use.__name__
)
def test_a_malformed_name(use: Callable[..., Any], name: Any) -> None:
    for headers in both_headers(LINES):
        with pytest.raises(invalid_header_name or ()):
            getattr(headers, use.__name__)(name)


NAMES = st.sampled_from([b"a", b"A", b"b-c", "B-C", "te", "none"])
USES = st.sampled_from(["getRawHeaders", "hasHeader", "removeHeader", "addRawHeader"])


@given(
    st.lists(st.tuples(st.sampled_from([b"a", b"A", b"b-c", b"B-c", b"TE"]), st.sampled_from([b"", b"v", b"v w"]))),
    st.lists(st.tuples(USES, NAMES)),
)
def test_any_calls_for_any_lines(lines: Lines, uses: list[tuple[str, str | bytes]]) -> None:
    expected, ours = both_headers(lines)
    for use, name in uses:
        more = [b"more"] if use == "addRawHeader" else []
        assert getattr(expected, use)(name, *more) == getattr(ours, use)(name, *more)
    assert list(expected.getAllRawHeaders()) == list(ours.getAllRawHeaders())


class TestLazy:
    def test_one_name_is_read_at_a_time(self) -> None:
        head = Head(LINES)
        headers = ReceivedHeaders(head)
        headers.getRawHeaders("x-two")
        headers.getRawHeaders(b"X-Two")
        headers.hasHeader("host")
        assert head.reads == [b"X-Two", b"Host"]

    def test_all_lines_are_read_once(self) -> None:
        head = Head(LINES)
        headers = ReceivedHeaders(head)
        for use in (*READING.values(), *CHANGING.values()):
            head.reads.clear()
            headers.addRawHeader(b"x-new", b"1")
            use(headers)
        assert head.reads == []
        assert headers.source is None
