"""Prevents open redirects: the path to which a browser returns after its login must not lead to another site."""

from typing import Any, Final
from urllib.parse import quote

LONGEST: Final = 512
"""The maximum length in characters of a path, so that the cookie for pending logins has room for several paths."""
_UNCHANGED: Final = "".join(map(chr, range(0x21, 0x7F)))


def own_path(given: Any) -> str | None:
    """Return `given` if it is a path on this site, with or without a query. Characters outside ASCII are encoded.

    Returns None if it is anything else, or too long. Browsers read a backslash as a slash, and ignore tabs and line
    feeds, so `/\\evil.example` and `/<tab>/evil.example` would lead to another host.
    """
    if not isinstance(given, str) or not given.startswith("/") or given.startswith("//") or "\\" in given:
        return None
    if len(given) > LONGEST or any(each < " " or "\x7f" <= each <= "\x9f" for each in given):
        return None
    try:
        path = quote(given, safe=_UNCHANGED)
    except UnicodeEncodeError:  # `given` has a lone surrogate
        return None
    return path if len(path) <= LONGEST else None
