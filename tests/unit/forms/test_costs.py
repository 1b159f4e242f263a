"""The cost of hostile forms: memory stays within the limits, and no byte is searched again and again."""

import tracemalloc
from collections.abc import Callable

import pytest
from tests.unit.forms.bodies import BOUNDARY, body, field, file, part

from ropewalk.errors import BodyTooLarge, HTTPError
from ropewalk.forms import DEFAULT_LIMITS, MultipartForm, parse_urlencoded

MEBIBYTE = 1 << 20

HOSTILE = {
    "a large file": body(file("a", "a", b"x" * (8 * MEBIBYTE))),
    "a large file of carriage returns": body(file("a", "a", b"\r" * (5 * MEBIBYTE))),
    "a large file that almost has the boundary": body(file("a", "a", b"\r\n--limi" * MEBIBYTE)),
    "a large field": body(field("a", "x" * (8 * MEBIBYTE))),
    "many fields": body(*[field("a", "x" * 1000)] * 8_000),
    "many files": body(*[file("a", "a", b"x" * 1000)] * 8_000),
    "a long name": body(field("a" * (8 * MEBIBYTE), "")),
    "a header without an end": b"--limit\r\nContent-Disposition: " + b"x" * (8 * MEBIBYTE),
    "many header lines": b"--limit\r\n" + b"A: b\r\n" * MEBIBYTE,
    "a header line of many lines": b"--limit\r\nA: b\r\n" + b" x\r\n" * MEBIBYTE,
    "bytes after the end": body(field("a", "1")) + b"x" * (8 * MEBIBYTE),
    "no boundary": b"x" * (8 * MEBIBYTE),
    "the beginning of a boundary": b"--limi" + b"t" * (8 * MEBIBYTE),
    "many quotes": body(part("; name=" + '"\\' * (5 * MEBIBYTE), b"")),
}

SIZE = 64 * 1024


def peak_of(call: Callable[[], object]) -> int:
    """The most bytes that Python objects take during a call."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", HOSTILE)
def test_memory_is_bounded(name: str) -> None:
    def parse() -> None:
        form = MultipartForm(BOUNDARY, DEFAULT_LIMITS)
        view = memoryview(HOSTILE[name])
        try:
            for start in range(0, len(view), SIZE):
                form.feed(bytes(view[start : start + SIZE]))
            form.end()
        except HTTPError as error:
            assert error.status in (400, 413)  # noqa: PT017 - some of the forms are valid
        finally:
            form.close()

    assert peak_of(parse) < 3 * MEBIBYTE


@pytest.mark.parametrize(
    "sent", [b"a=b&" * MEBIBYTE, b"&" * MEBIBYTE, b"a=" + b"%" * 1_000_000, b"a=" + b"%41" * 300_000]
)
def test_memory_of_urlencoded_forms_is_bounded(sent: bytes) -> None:
    def parse() -> None:
        with pytest.raises(BodyTooLarge):
            parse_urlencoded(sent, None, DEFAULT_LIMITS)

    assert peak_of(parse) < 6 * MEBIBYTE


def test_each_byte_of_a_file_is_handled_a_few_times() -> None:
    """If a file arrives in small pieces, the parser keeps few bytes, so it does not search all earlier bytes again for
    each piece.
    """
    form = MultipartForm(BOUNDARY, DEFAULT_LIMITS)
    data = body(file("a", "a", b"\r\n--limi" * 8_000), field("b", "x"))
    kept = []
    for start in range(0, len(data), 16):
        form.feed(data[start : start + 16])
        kept.append(len(form._events._parser._buffer))
    form.end().close()
    assert max(kept) < DEFAULT_LIMITS.header_limit
