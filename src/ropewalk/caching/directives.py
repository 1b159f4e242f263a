"""Parse Cache-Control (RFC 9111, section 5.2)."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

LONGEST: Final = 2**31
"""The largest number of seconds. Larger ones are reduced to it (RFC 9111, section 1.2.2)."""

_DIRECTIVE: Final = re.compile(
    r"""[\s,]*(?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:=(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s,"]*)))?[^,]*"""
)

Directives = Mapping[str, str]


def parse_directives(lines: Iterable[str]) -> dict[str, str]:
    """The directives of Cache-Control fields by name, in lower case. A directive without a value has the value "".

    If a directive is repeated, the shorter time counts, so that a response is not used for too long.
    """
    found: dict[str, str] = {}
    for line in lines:
        for match in _DIRECTIVE.finditer(line):
            name = match["name"].lower()
            value = match["quoted"] if match["quoted"] is not None else match["bare"] or ""
            if name in found and (_number(found[name]) or 0) <= (_number(value) or 0):
                continue
            found[name] = value
    return found


def seconds_of(directives: Directives, name: str) -> int | None:
    """The seconds of a directive. None without it; 0 if its value is not a number, because the response is then stale
    (RFC 9111, section 4.2.1)."""
    value = directives.get(name)
    return None if value is None else _number(value) or 0


def delta_seconds(value: str) -> int | None:
    """The number in a field such as Age. None for any other text."""
    return _number(value.strip())


def _number(value: str) -> int | None:
    if not value.isascii() or not value.isdigit():
        return None
    return LONGEST if len(value) > 10 else min(int(value), LONGEST)
