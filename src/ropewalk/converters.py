"""Converters: what a path parameter may look like, and what it becomes."""

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID


@dataclass(frozen=True, slots=True, eq=False)
class Converter:
    """Between a segment of a path and a value.

    `parse` makes the value of a decoded segment and raises ValueError where it does not fit, which makes the route not
    match. It is not called for a segment in which a slash was encoded (`%2F`), which only a converter for the `rest` of
    the path matches. `format` makes the segment of a value, for url_for. Where several converters compete for a
    segment, the lowest `rank` is tried first.
    """

    name: str
    parse: Callable[[str], Any]
    format: Callable[[Any], str] = str
    makes: type[Any] | None = None
    """A handler's parameter annotated with this type uses the converter where the path names none."""
    rank: int = 50
    rest: bool = False
    """Whether it takes all that is left of the path instead of one segment."""

    def quote(self, value: Any) -> str:
        """A value as it stands in a path. Raises ValueError where it would not be matched again."""
        text = self.format(value)
        if "/" in text and not self.rest:
            raise ValueError("which has a slash, and only {name:path} takes slashes")
        self.parse(text)
        return quote(text, safe="/!$&'()*+,;=:@~" if self.rest else "!$&'()*+,;=:@~")


def _text(segment: str) -> str:
    if not segment:
        raise ValueError("empty")
    return segment


def _integer(segment: str) -> int:
    """Digits, with a minus at most: what else `int` takes (blanks, underscores, other scripts) has no one spelling."""
    digits = segment.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 20):
        raise ValueError("not an integer")
    return int(segment)


def _number(segment: str) -> float:
    whole, _, fraction = segment.removeprefix("-").partition(".")
    if not (whole + fraction).isascii() or not whole.isdigit() or not (fraction.isdigit() or "." not in segment):
        raise ValueError("not a decimal number")
    number = float(segment)
    if not isfinite(number):  # more digits than there is a float for
        raise ValueError("not a number that a float can be")
    return number


def _uuid(segment: str) -> UUID:
    if len(segment) != 36:
        raise ValueError("not a UUID in its usual form (RFC 9562, section 4)")
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
