"""Dates in response headers, as twisted.web writes them."""

from time import time
from typing import Any, Final

from twisted.web import server
from twisted.web.http import datetimeToString, stringToDatetime
from twisted.web.http_headers import Headers

_YEAR_1000: Final = -30_610_224_000
"""The start of the year 1000, in seconds since 1970. HTTP dates cannot show earlier years, because a year has four
digits."""


class DateLine:
    """Makes the value of the Date field once a second."""

    def __init__(self) -> None:
        self._since = self._until = 0
        self._make: Any = None
        self._line = b""

    @property
    def second(self) -> int:
        """The time of the last value, in seconds since 1970; 0 before the first value."""
        return self._since

    def now(self) -> bytes:
        """Return the value of the Date field for the current second."""
        now = time()
        make = server.datetimeToString  # type: ignore[attr-defined] # Twisted's tests replace it
        if not self._since <= now < self._until or self._make is not make:
            self._since = int(now)
            self._until = self._since + 1
            self._make = make
            # The time is passed, because otherwise Twisted reads another clock, which may be one second behind.
            line = make(self._since) if make is datetimeToString else make()
            self._line = line if isinstance(line, bytes) else line.encode()
        return self._line


date_line: Final = DateLine()


def date_now() -> int:
    """Return the time of the last Date field that was made for a request, in seconds since 1970."""
    return date_line.second or int(time())


def date_of(headers: Headers) -> int:
    """Return the time in a response's Date field, in seconds since 1970; the current time if it has no valid date."""
    lines = headers.getRawHeaders(b"Date")
    try:
        return int(stringToDatetime(lines[0])) if lines else int(time())
    except (IndexError, KeyError, ValueError):  # a program may have set any value
        return int(time())


def modified_line(modified: int, date: int) -> bytes | None:
    """Return the value of Last-Modified for a modification time. `date` is the response's Date; both in Unix seconds.

    If the modification time is later than the Date, the Date is used (RFC 9110, section 8.8.2.1). None if the year has
    fewer than four digits.
    """
    modified = min(modified, date)
    return bytes(datetimeToString(modified)) if modified >= _YEAR_1000 else None
