"""Converters between path segments and parameter values."""

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID


@dataclass(frozen=True, slots=True, eq=False)
class Converter:
    """Converts a segment of a path to a value, and back.

    A segment with an encoded slash (`%2F`) matches only a converter with `rest`.
    """

    name: str
    """The name that paths use: `{id:name}`."""
    parse: Callable[[str], Any]
    """Converts a decoded segment. If it raises ValueError, the route does not match."""
    format: Callable[[Any], str] = str
    """Converts a value to a segment, for `url_for`."""
    makes: type[Any] | None = None
    """The annotation that selects this converter for a handler's parameter if the path names no converter."""
    rank: int = 50
    """If several converters compete for a segment, the one with the lowest rank is tried first."""
    rest: bool = False
    """Whether the converter matches the whole rest of the path instead of one segment."""

    def quote(self, value: Any) -> str:
        """Return a value formatted and percent-encoded for a path. Raises ValueError if the path with this value would
        not match."""
        text = self.format(value)
        if "/" in text and not self.rest:
            raise ValueError("which has a slash, and only {name:path} takes slashes")
        self.parse(text)
        if text.isascii() and text.isalnum():
            return text
        return quote(text, safe="/!$&'()*+,;=:@~" if self.rest else "!$&'()*+,;=:@~")


def _text(segment: str) -> str:
    if not segment:
        raise ValueError("empty")
    return segment


def _integer(segment: str) -> int:
    """Digits after an optional minus.

    `int` would also accept blanks, underscores and non-ASCII digits, so one value would have several URLs.
    """
    digits = segment.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 20):
        raise ValueError("not an integer")
    return int(segment)


def _number(segment: str) -> float:
    whole, _, fraction = segment.removeprefix("-").partition(".")
    if not (whole + fraction).isascii() or not whole.isdigit() or not (fraction.isdigit() or "." not in segment):
        raise ValueError("not a decimal number")
    number = float(segment)
    if not isfinite(number):  # too large for a float
        raise ValueError("too large for a float")
    return number


def _uuid(segment: str) -> UUID:
    if len(segment) != 36:
        raise ValueError("not a UUID in its standard form (RFC 9562, section 4)")
    return UUID(segment)


STR: Final = Converter("str", _text, makes=str, rank=90)
PATH: Final = Converter("path", str, rank=99, rest=True)

BUILT_IN: Final = (
    Converter("int", _integer, makes=int, rank=10),
    Converter("float", _number, makes=float, rank=20),
    Converter("uuid", _uuid, makes=UUID, rank=10),
    STR,
    PATH,
)

BY_TYPE: Final[dict[Any, Converter]] = {each.makes: each for each in BUILT_IN if each.makes not in (None, str)}
"""The built-in converters of types other than str. A path parameter of one of these types uses its converter,
whether a handler or a provider reads it."""
