"""Byte ranges of a representation: pure functions (RFC 9110, section 14)."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

MAX_RANGES: Final = 100
"""A field with more ranges is ignored, and the client gets the whole representation. Viewers of PDF files send a few
dozen; Apache httpd allows 200."""
MAX_FIELD: Final = 4096
"""A longer field is ignored, too. 100 ranges of a file of 1 TiB fit."""
GAP: Final = 128
"""Ranges with a gap of at most this many bytes are merged, because the head of a part is about as large (section
15.3.7.2)."""

_RANGE: Final = re.compile(r"([0-9]*)[ \t]*-[ \t]*([0-9]*)")
_DIGITS: Final = 18
"""A number with more digits is beyond the end of every file."""


class ByteRange(NamedTuple):
    """The bytes from `start` to before `stop`."""

    start: int
    stop: int


def satisfied(field: str, size: int) -> list[ByteRange] | None:
    """The ranges of a Range field within a representation of `size` bytes, clipped to its end.

    Ranges that overlap, or are close to each other, are merged. Then the result is ordered by position. An empty list
    means that no range is satisfiable (416). None means that the field is ignored, and the whole representation is sent
    (200): another unit, malformed, too many ranges, or ranges that contain as much as the whole. So is any range of
    nothing, because some clients send `bytes=0-` with each request, and no Content-Range can express the suffix of
    nothing; nginx and Go do the same.
    """
    if size == 0:
        return None
    unit, equals, text = field.partition("=")
    if not equals or unit.strip().lower() != "bytes" or len(field) > MAX_FIELD or text.count(",") >= MAX_RANGES:
        return None
    found = []
    given = False
    for part in text.split(","):
        part = part.strip(" \t")
        if not part:  # a recipient accepts empty elements of a list (section 5.6.1.2)
            continue
        given = True
        match = _RANGE.fullmatch(part)
        if match is None:
            return None
        first, last = match.groups()
        if not first and not last:
            return None
        if first and last and _number(last) < _number(first):
            return None
        if first:
            start, stop = _number(first), (_number(last) + 1 if last else size)
        else:
            start, stop = max(size - _number(last), 0), size
        if start < min(stop, size):
            found.append(ByteRange(start, min(stop, size)))
    if not given:
        return None
    found = _merged(found)
    return None if len(found) > 1 and sum(stop - start for start, stop in found) >= size else found


def _number(digits: str) -> int:
    digits = digits.lstrip("0") or "0"
    return int(digits) if len(digits) <= _DIGITS else 10**_DIGITS


def _merged(ranges: list[ByteRange]) -> list[ByteRange]:
    """The ranges in the order of the request, or in the order of their positions if some were merged."""
    merged: list[ByteRange] = []
    for each in sorted(ranges):
        if merged and each.start - merged[-1].stop <= GAP:
            merged[-1] = ByteRange(merged[-1].start, max(merged[-1].stop, each.stop))
        else:
            merged.append(each)
    return ranges if len(merged) == len(ranges) else merged


def content_range(part: ByteRange, size: int) -> str:
    """The Content-Range of a part (section 14.4)."""
    return f"bytes {part.start}-{part.stop - 1}/{size}"


def unsatisfied(size: int) -> str:
    """The Content-Range of a 416, from which the client learns the size."""
    return f"bytes */{size}"


class Multipart(NamedTuple):
    """A multipart/byteranges body without the bytes of the parts (section 14.6)."""

    heads: list[bytes]
    """What precedes the bytes of each part."""
    end: bytes
    length: int
    """The length of the whole body, with the bytes of the parts."""


def multipart(parts: Sequence[ByteRange], size: int, kind: str | None, boundary: str) -> Multipart:
    """The frame of a multipart/byteranges body. `kind` is the Content-Type of the representation."""
    type_line = f"Content-Type: {kind}\r\n" if kind else ""
    heads = [
        f"\r\n--{boundary}\r\n{type_line}Content-Range: {content_range(part, size)}\r\n\r\n".encode("latin-1")
        for part in parts
    ]
    heads[0] = heads[0].removeprefix(b"\r\n")
    end = f"\r\n--{boundary}--\r\n".encode("ascii")
    length = sum(map(len, heads)) + sum(stop - start for start, stop in parts) + len(end)
    return Multipart(heads, end, length)
