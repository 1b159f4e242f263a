"""Header fields: names without case, several lines of one name kept, in order (RFC 9110, section 5)."""

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from datetime import UTC, datetime
from email.utils import format_datetime
from http.cookies import CookieError, Morsel, SimpleCookie
from typing import Literal

from ropewalk.errors import InvalidField

_CODEC = SimpleCookie()

Text = str | bytes
Fields = Mapping[str, Text] | Iterable[tuple[Text, Text]]


def text(value: Text) -> str:
    """A name or value as str; bytes beyond ASCII are Latin-1, which keeps every byte (RFC 9110, section 5.5).

    Raises InvalidField for what is neither str nor bytes.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("latin-1")
    raise InvalidField(f"A header is str or bytes, and {value!r} is not.")


class Headers(MutableMapping[str, str]):
    """Fields by name, whatever its case. Names are kept in lower case.

    `headers["accept"]` joins several lines by ", " (RFC 9110, section 5.3); `all` gives them one by one, and so does
    `lines` for all names. Assignment replaces every line of a name, `add` puts one beside them.
    """

    __slots__ = ("_lines",)

    def __init__(self, fields: Fields = ()) -> None:
        pairs = fields.items() if isinstance(fields, Mapping) else fields
        self._lines: list[tuple[str, str]] = [(text(name).lower(), text(value)) for name, value in pairs]

    def __getitem__(self, name: str) -> str:
        values = self.all(name)
        if not values:
            raise KeyError(name)
        return ", ".join(values)

    def __setitem__(self, name: str, value: Text) -> None:
        name = name.lower()
        kept = [line for line in self._lines if line[0] != name]
        kept.append((name, text(value)))
        self._lines = kept

    def __delitem__(self, name: str) -> None:
        kept = [line for line in self._lines if line[0] != name.lower()]
        if len(kept) == len(self._lines):
            raise KeyError(name)
        self._lines = kept

    def __iter__(self) -> Iterator[str]:
        return iter(dict(self._lines))

    def __len__(self) -> int:
        return len(dict(self._lines))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and any(line[0] == name.lower() for line in self._lines)

    def __repr__(self) -> str:
        return f"Headers({self._lines!r})"

    def all(self, name: str) -> list[str]:
        """The value of each line of this name, in order."""
        name = name.lower()
        return [value for other, value in self._lines if other == name]

    def add(self, name: str, value: Text) -> None:
        """Put one more line beside those that this name has."""
        self._lines.append((name.lower(), text(value)))

    def lines(self) -> list[tuple[str, str]]:
        """Every line in order."""
        return list(self._lines)

    def encoded(self) -> list[tuple[str, Text]]:
        """Every line as it is sent: beyond ASCII in Latin-1. Raises InvalidField for what Latin-1 does not have."""
        return [line if line[1].isascii() else (line[0], _encode(*line)) for line in self._lines]


def _encode(name: str, value: str) -> bytes:
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        raise InvalidField(f"The header {name} is not Latin-1 but {value!r}; encode it to bytes.") from None


def content_type(value: str | None) -> tuple[str, dict[str, str]]:
    """The media type in lower case and its parameters (RFC 9110, section 8.3.1); ("", {}) where absent."""
    media, *parts = (value or "").split(";")
    parameters = {}
    for part in parts:
        name, _, given = part.partition("=")
        parameters[name.strip().lower()] = given.strip().strip('"')
    return media.strip().lower(), parameters


def parse_cookies(value: str | None) -> dict[str, str]:
    """The cookies of a Cookie field by name (RFC 6265, section 5.4). The first of a name counts."""
    found: dict[str, str] = {}
    for part in (value or "").split(";"):
        name, equals, given = part.strip(" \t").partition("=")
        if equals and name:
            given = given.strip(" \t")
            if len(given) > 1 and given[0] == given[-1] == '"':
                given, _ = _CODEC.value_decode(given)
            found.setdefault(name.rstrip(" \t"), given)
    return found


SameSite = Literal["strict", "lax", "none"]


def format_cookie(
    name: str,
    value: str,
    *,
    max_age: int | None = None,
    expires: datetime | None = None,
    path: str | None = "/",
    domain: str | None = None,
    secure: bool = False,
    http_only: bool = True,
    same_site: SameSite | None = "lax",
) -> str:
    """The value of a Set-Cookie field (RFC 6265, section 4.1). `max_age` is in seconds.

    Raises ValueError for a name that is not a token or an attribute with a semicolon or control character; a value that
    does not fit is quoted.
    """
    morsel: Morsel[str] = Morsel()
    try:
        morsel.set(name, *_CODEC.value_encode(value))
    except CookieError as error:
        raise ValueError(f"{name!r} cannot be the name of a cookie (RFC 6265, section 4.1.1).") from error
    parts = [f"{name}={morsel.coded_value}"]
    if max_age is not None:
        parts.append(f"Max-Age={int(max_age)}")
    if expires is not None:
        parts.append(f"Expires={http_date(expires)}")
    for attribute, given in (("Path", path), ("Domain", domain)):
        if given is None:
            continue
        if any(character == ";" or not " " <= character <= "~" for character in given):
            raise ValueError(f"{given!r} cannot be the {attribute} of a cookie (RFC 6265, section 4.1.1).")
        parts.append(f"{attribute}={given}")
    if secure:
        parts.append("Secure")
    if http_only:
        parts.append("HttpOnly")
    if same_site is not None:
        parts.append(f"SameSite={same_site.capitalize()}")
    return "; ".join(parts)


def http_date(moment: datetime | float) -> str:
    """A date as HTTP writes it (RFC 9110, section 5.6.7), from an aware datetime or seconds since 1970."""
    if not isinstance(moment, datetime):
        moment = datetime.fromtimestamp(moment, UTC)
    return format_datetime(moment.astimezone(UTC), usegmt=True)
