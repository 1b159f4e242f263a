"""Header fields: names ignore case, and several field lines with the same name keep their order (RFC 9110, section 5).

An invalid name or value raises an exception when it is set, so that the traceback shows the responsible line of code.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from math import floor
from typing import Final, Self
from urllib.parse import quote

from ropewalk.errors import InvalidField, shown

Text = str | bytes
Fields = Mapping[str, Text] | Mapping[bytes, Text] | Iterable[tuple[Text, Text]]

TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""The grammar of a field name (RFC 9110, section 5.6.2)."""
MANY: Final = 32
"""If a message has more field lines than this, an index is built. For fewer lines, a search through all lines is
faster."""
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
"""Characters that no field value may contain (RFC 9110, section 5.5): all control characters except the tab."""
_DOWNLOAD: Final = (
    '`Response.file(path, download="...")` encodes the name of a download (RFC 6266). For a body that is not a file, '
    "write \"attachment; filename*=UTF-8''\" and the result of `urllib.parse.quote(name)`."
)
"""The remedy in the error for a Content-Disposition that is not Latin-1."""


def text(value: Text) -> str:
    """Return a field name or value as str. Bytes are decoded as Latin-1, which keeps every byte (RFC 9110, section
    5.5).

    Raises InvalidField for a value that is neither str nor bytes.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("latin-1")
    raise InvalidField(f"A header must be str or bytes, not {shown(value)}.")


def field_name(name: Text) -> str:
    """Return the name of a field in lower case (RFC 9110, section 5.1). Raises InvalidField if the name is not a
    token."""
    return _lower_token(text(name))


@lru_cache(maxsize=512)
def _lower_token(name: str) -> str:
    if not TOKEN.fullmatch(name):
        raise InvalidField(
            f"{shown(name)} cannot be the name of a header.", "Use ASCII letters, digits and hyphens, without spaces."
        )
    return name.lower()


def field_value(name: str, value: Text) -> str:
    """Return the value of a field as str.

    Raises InvalidField for control characters and for characters outside Latin-1.
    """
    written = text(value)
    if written.isascii() and written.isprintable():
        return written
    if _CONTROL.search(written):
        raise InvalidField(f"The header {name} has control characters in its value {shown(written)}.")
    try:
        written.encode("latin-1")
    except UnicodeEncodeError:
        what = f"The header {name} is not Latin-1 but {shown(written)}"
        if name.lower() == "content-disposition":
            raise InvalidField(f"{what}.", _DOWNLOAD) from None
        raise InvalidField(f"{what}; encode it to bytes.") from None
    return written


def reason_phrase(message: Text) -> bytes:
    """Encode the reason phrase of a status line (RFC 9112, section 4). Raises InvalidField like `field_value`."""
    written = text(message)
    if _CONTROL.search(written):
        raise InvalidField(f"The reason phrase {shown(written)} has control characters.")
    try:
        return written.encode("latin-1")
    except UnicodeEncodeError:
        raise InvalidField(f"The reason phrase {shown(written)} is not Latin-1.") from None


class Headers(MutableMapping[str, str]):
    """A mapping of header fields. Names ignore case and are kept in lower case.

    `headers["accept"]` joins the values of several lines with ", " (RFC 9110, section 5.3). `all` returns the value of
    each line with a name, and `lines` returns all lines. Assignment replaces all lines with a name; `add` adds a line.
    Both raise InvalidField for a name that is not a token, and for a value with control characters or characters
    outside Latin-1.
    """

    __slots__ = ("_index", "_lines")

    def __init__(self, fields: Fields = ()) -> None:
        self._index: dict[str, list[str]] | None = None
        """The values by field name. None until a name is read while there are more than `MANY` lines."""
        self._lines: list[tuple[str, str]] = []
        if fields:
            pairs: Iterable[tuple[Text, Text]] = fields.items() if isinstance(fields, Mapping) else _pairs(fields)
            for name, value in pairs:
                self.add(name, value)

    @classmethod
    def received(cls, lines: Iterable[tuple[bytes, bytes]]) -> Self:
        """Make Headers from the lines of a message that the engine has parsed, with names in lower case."""
        headers = cls()
        headers._lines = [(name.decode("ascii"), value.decode("latin-1")) for name, value in lines]
        return headers

    @classmethod
    def checked(cls, lines: list[tuple[str, str]]) -> Self:
        """Make Headers from lines that are known to be valid, with names in lower case."""
        headers = cls.__new__(cls)
        headers._index = None  # noqa: SLF001 - an object of this class
        headers._lines = lines  # noqa: SLF001 - as above
        return headers

    def __getitem__(self, name: str) -> str:
        values = self.all(name)
        if not values:
            raise KeyError(name)
        return ", ".join(values)

    def __setitem__(self, name: Text, value: Text) -> None:
        name = field_name(name)
        value = field_value(name, value)
        self._lines = [line for line in self._lines if line[0] != name]
        self._lines.append((name, value))
        self._index = None

    def __delitem__(self, name: str) -> None:
        kept = [line for line in self._lines if line[0] != name.lower()]
        if len(kept) == len(self._lines):
            raise KeyError(name)
        self._lines = kept
        self._index = None

    def __iter__(self) -> Iterator[str]:
        return iter(dict(self._lines))

    def __len__(self) -> int:
        return len(dict(self._lines))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and any(line[0] == name.lower() for line in self._lines)

    def __copy__(self) -> "Headers":
        return Headers.checked(self.lines())

    def __repr__(self) -> str:
        return f"Headers({self._lines!r})"

    def all(self, name: str) -> list[str]:
        """The value of each line with a name, in order."""
        name = name.lower()
        if len(self._lines) > MANY:
            return list(self._by_name().get(name, ()))
        return [value for other, value in self._lines if other == name]

    def add(self, name: Text, value: Text) -> None:
        """Add a field line. Other lines with the same name stay."""
        name = field_name(name)
        self._lines.append((name, field_value(name, value)))
        self._index = None

    def add_checked(self, lines: Iterable[tuple[str, str]]) -> None:
        """Add field lines that are known to be valid, with names in lower case."""
        self._lines.extend(lines)
        self._index = None

    def _by_name(self) -> dict[str, list[str]]:
        """The values by field name. With this index, `dict(headers)` takes linear time, even if a client sends many
        lines."""
        if self._index is None:
            self._index = {}
            for name, value in self._lines:
                self._index.setdefault(name, []).append(value)
        return self._index

    def lines(self) -> list[tuple[str, str]]:
        """All field lines, in order."""
        return list(self._lines)

    def has_any(self, names: frozenset[str]) -> bool:
        """Whether there is a field line with one of these names, which are in lower case."""
        for name, _ in self._lines:  # noqa: SIM110 - faster than `any` with a generator
            if name in names:
                return True
        return False

    def has_lines(self, lines: list[tuple[str, str]]) -> bool:
        """Whether the field lines are equal to `lines`, in the same order."""
        return self._lines == lines

    def content_type(self) -> str | None:
        """The value of Content-Type; None if absent. Every response needs this value, so this method is faster than
        `get`."""
        kind = None
        for name, value in self._lines:
            if name == "content-type":
                kind = value if kind is None else f"{kind}, {value}"
        return kind

    def overlaid(self, others: "Headers") -> "Headers":
        """A copy with the fields of `others`, which replace fields with the same name. Cookies of both are kept."""
        headers = Headers()
        kept = [line for line in self._lines if line[0] not in others or line[0] == "set-cookie"]
        headers._lines = kept + others.lines()
        return headers

    def encoded(self) -> list[tuple[str, Text]]:
        """All field lines in the form that the engine takes: a value that is not ASCII is encoded in Latin-1."""
        for _, value in self._lines:
            if not value.isascii():
                return [line if line[1].isascii() else (line[0], line[1].encode("latin-1")) for line in self._lines]
        return [*self._lines]


def _pairs(fields: object) -> Iterator[tuple[Text, Text]]:
    """Yield the pairs of an iterable.

    Raises InvalidField for any other item, such as a str of two characters, which Python would unpack as a pair.
    """
    for pair in fields if isinstance(fields, Iterable) and not isinstance(fields, str | bytes) else (fields,):
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            what = f"{shown(pair)} is not the name and value of a header."
            raise InvalidField(what, "Give a mapping, or pairs of name and value.")
        yield pair[0], pair[1]


def content_type(value: str | None) -> tuple[str, dict[str, str]]:
    """Parse a Content-Type into the media type in lower case and its parameters (RFC 9110, section 8.3.1); ("", {}) if
    the value is None."""
    media, *parts = (value or "").split(";")
    parameters = {}
    for part in parts:
        name, _, given = part.partition("=")
        parameters[name.strip().lower()] = given.strip().strip('"')
    return media.strip().lower(), parameters


_ENCODE_TARGET: Final = "Encode input from users: urllib.parse.quote(value)."


def location(target: Text) -> str:
    """Encode the target of a redirect for a Location field (RFC 9110, section 10.2.2; RFC 3986).

    Spaces, quotes, angle brackets, backslashes, braces and characters outside ASCII (as UTF-8) are percent-encoded.
    Raises InvalidField for control characters, because browsers drop some of them from a URL and other clients do not.
    """
    if not isinstance(target, str | bytes):
        raise InvalidField(f"{shown(target)} is not the target of a redirect.", "Give a URL or a path as str or bytes.")
    if _CONTROL.search(text(target)) or "\t" in text(target):
        raise InvalidField(f"The target of the redirect {shown(target)} has control characters.", _ENCODE_TARGET)
    try:
        return quote(target, safe="!#$%&'()*+,/:;=?@[]~")
    except UnicodeEncodeError:
        raise InvalidField(f"The target of the redirect {shown(target)} is not Unicode text.", _ENCODE_TARGET) from None


_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TIME: Final = r"(?P<h>[0-9]{2}):(?P<m>[0-9]{2}):(?P<s>[0-9]{2})"
_DATES: Final = (
    re.compile(rf"[A-Z][a-z]{{2}}, (?P<d>[0-9]{{2}}) (?P<b>[A-Z][a-z]{{2}}) (?P<y>[0-9]{{4}}) {_TIME} GMT"),
    re.compile(rf"[A-Z][a-z]{{5,8}}, (?P<d>[0-9]{{2}})-(?P<b>[A-Z][a-z]{{2}})-(?P<y>[0-9]{{2}}) {_TIME} GMT"),
    re.compile(rf"[A-Z][a-z]{{2}} (?P<b>[A-Z][a-z]{{2}}) (?P<d>[ 0-9][0-9]) {_TIME} (?P<y>[0-9]{{4}})"),
)
"""HTTP's date format, and the two obsolete formats that a server must accept."""


def parse_http_date(value: str, now: float) -> int | None:
    """Parse an HTTP date (RFC 9110, section 5.6.7) into seconds since 1970. None for any other text.

    `now` (seconds since 1970) determines the century of a two-digit year, which is at most 50 years in the future.
    """
    found = next(filter(None, (form.fullmatch(value) for form in _DATES)), None)
    if found is None or found["b"] not in _MONTHS:
        return None
    year = int(found["y"])
    if len(found["y"]) == 2:
        this = datetime.fromtimestamp(now, UTC).year
        year += this - this % 100
        year -= 100 if year > this + 50 else 0
    try:
        moment = datetime(
            year,
            _MONTHS.index(found["b"]) + 1,
            int(found["d"]),
            int(found["h"]),
            int(found["m"]),
            min(int(found["s"]), 59),  # 60 is a leap second
            tzinfo=UTC,
        )
    except ValueError:
        return None
    return floor(moment.timestamp())


_FIRST: Final = datetime.min.replace(tzinfo=UTC)
_LAST: Final = datetime.max.replace(tzinfo=UTC)


def http_date(moment: datetime | float) -> str:
    """Format an aware datetime, or seconds since 1970, as an HTTP date (RFC 9110, section 5.6.7)."""
    if not isinstance(moment, datetime):
        moment = datetime.fromtimestamp(moment, UTC)
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:  # converted to UTC, the year is 0 or 10000
        moment = _LAST if moment.year > 1 else _FIRST
    return format_datetime(moment, usegmt=True)


@lru_cache(maxsize=1024)
def _date_of_second(second: int) -> str:
    return http_date(second)


def last_modified(modified: float, date: int) -> str | None:
    """The value of Last-Modified. `modified` and `date`, the value of the Date field, are in seconds since 1970.

    A time after `date` is replaced by `date` (RFC 9110, section 8.8.2.1). None for a time that an HTTP date cannot
    express, such as a time before the year 1, which file systems allow.
    """
    try:
        return _date_of_second(min(floor(modified), date))
    except (OverflowError, ValueError, OSError):
        return None
