"""The conditions of a request for a representation: pure functions, in the order of RFC 9110, section 13.2.2."""

from collections.abc import Callable, Iterable
from typing import Final

from ropewalk.etags import is_etag, matches
from ropewalk.headers import parse_http_date

Header = Callable[[str], str | None]
"""Returns the value of a request field by its name in lower case, or None."""

_OF_CONTENT: Final = frozenset(
    ("content-type", "content-length", "content-encoding", "content-language", "content-range", "accept-ranges")
)
"""Fields that a 304 omits because the client already has them (RFC 9110, section 15.4.5)."""


def evaluate(header: Header, tag: str | None, modified: str | None, now: int) -> int:
    """Evaluate the preconditions of a GET or HEAD for a representation that exists. Return 304, 412, or else 200.

    `tag` and `modified` are the values of its ETag and Last-Modified; `now` is in seconds since 1970. Malformed fields
    are ignored, and so are conditional dates if the representation has no Last-Modified.
    """
    current = tag if tag is not None and is_etag(tag) else None
    if_match = header("if-match")
    if if_match is not None:
        if if_match.strip() != "*" and not matches(if_match, current, weak=False):
            return 412
    else:
        since = _date(header("if-unmodified-since"), now)
        if since is not None and (changed := _date(modified, now)) is not None and changed > since:
            return 412
    if_none_match = header("if-none-match")
    if if_none_match is not None:
        return 304 if if_none_match.strip() == "*" or matches(if_none_match, current, weak=True) else 200
    since = _date(header("if-modified-since"), now)
    if since is None:
        return 200
    changed = _date(modified, now)
    return 304 if changed is not None and changed <= since else 200


def range_applies(if_range: str | None, tag: str | None, modified: str | None, now: int) -> bool:
    """Whether the Range of a request is used: if it has no If-Range, or if the If-Range names this very version
    (section 13.1.5).

    Weak tags never match. A date must be equal to Last-Modified: an earlier or a later one names another version.
    """
    if if_range is None:
        return True
    value = if_range.strip()
    if is_etag(value):
        return value == tag and not value.startswith("W/")
    since = _date(value, now)
    return since is not None and since == _date(modified, now)


def without_content(lines: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The field lines of a 200 that a 304 or an error keeps, such as ETag, Vary, Cache-Control and Set-Cookie."""
    return [line for line in lines if line[0] not in _OF_CONTENT]


def _date(value: str | None, now: int) -> int | None:
    return None if value is None else parse_http_date(value, now)
