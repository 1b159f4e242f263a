"""The path to which a browser returns after its login. It must not lead to another site."""

from typing import Any, Final
from urllib.parse import quote

LONGEST: Final = 512
"""The most characters, so that the cookie of the login has room for several paths."""
_UNCHANGED: Final = "".join(map(chr, range(0x21, 0x7F)))


def own_path(given: Any) -> str | None:
    """The path of this site, with or without a query, that a text is; None if it is anything else, or too long.

    Browsers read a backslash as a slash, and leave out tabs and line feeds, so that `/\\evil.example` and
    `/<tab>/evil.example` would be other hosts. Characters outside ASCII are encoded.
    """
    if not isinstance(given, str) or not given.startswith("/") or given.startswith("//") or "\\" in given:
        return None
    if len(given) > LONGEST or any(each < " " or "\x7f" <= each <= "\x9f" for each in given):
        return None
    try:
        path = quote(given, safe=_UNCHANGED)
    except UnicodeEncodeError:  # a lone surrogate
        return None
    return path if len(path) <= LONGEST else None
