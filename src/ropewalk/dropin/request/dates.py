"""Dates in the headers of responses, as twisted.web writes them."""

from time import time
from typing import Any, Final

from twisted.web import server
from twisted.web.http import datetimeToString, stringToDatetime
from twisted.web.http_headers import Headers

_YEAR_1000: Final = -30_610_224_000
"""The earliest date, in seconds since 1970. Earlier years do not have four digits."""


class DateLine:
    """The value of the Date header, made once a second."""

    def __init__(self) -> None:
        self._since = self._until = 0
        self._make: Any = None
        self._line = b""

    @property
    def second(self) -> int:
        """The second of the last value, since 1970."""
        return self._since

    def now(self) -> bytes:
        """Return the value for this second."""
        now = time()
        make = server.datetimeToString  # type: ignore[attr-defined] # Twisted's tests replace it
        if not self._since <= now < self._until or self._make is not make:
            self._since = int(now)
            self._until = self._since + 1
            self._make = make
            # Pass the second: without it, Twisted reads another clock, which may still be in the second before.
            line = make(self._since) if make is datetimeToString else make()
            self._line = line if isinstance(line, bytes) else line.encode()
        return self._line


date_line: Final = DateLine()


def date_now() -> int:
    """Return the second, since 1970, of the Date of the request that a program received last."""
    return date_line.second or int(time())


def date_of(headers: Headers) -> int:
    """Return the second, since 1970, that the Date of a response names; the present one if it names none."""
    lines = headers.getRawHeaders(b"Date")
    try:
        return int(stringToDatetime(lines[0])) if lines else int(time())
    except (IndexError, KeyError, ValueError):  # a program may have set any value
        return int(time())


def modified_line(modified: int, date: int) -> bytes | None:
    """Return the Last-Modified for a time of modification in a response of this Date, both in seconds since 1970.

    The Date replaces a time that is later (RFC 9110, section 8.8.2.1). None if no date can express the time.
    """
    modified = min(modified, date)
    return bytes(datetimeToString(modified)) if modified >= _YEAR_1000 else None
