"""Cookies: what a Cookie field says, and what a Set-Cookie field may say (RFC 6265)."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, Literal

from ropewalk.errors import InvalidField, is_int, shown
from ropewalk.headers import TOKEN, Text, http_date, text

SameSite = Literal["strict", "lax", "none", "Strict", "Lax", "None"]

LARGEST_COOKIE: Final = 4096
"""Bytes of a cookie's name and value: browsers drop what is larger (RFC 6265, section 6.1)."""

_OCTETS: Final = r"[!#-+\--:<-\[\]-~]*"
_VALUE: Final = re.compile(rf'{_OCTETS}|"{_OCTETS}"')
_LABEL: Final = r"[0-9A-Za-z_]([0-9A-Za-z_-]*[0-9A-Za-z_])?"
_DOMAIN: Final = re.compile(rf"\.?{_LABEL}(\.{_LABEL})*")
_PATH: Final = re.compile(r"/[ -:<-~]*")
_ENDS_A_PART: Final = re.compile(r"[\x00-\x1f\x7f;]")
_A_SECOND: Final = timedelta(seconds=1)
_ESCAPE: Final = re.compile(r"\\(?:([0-3][0-7]{2})|(.))")
"""What Python's `http.cookies` writes in quotes: a character by its octal number, or one that stands for itself."""


def parse_cookies(value: str | None) -> dict[str, str]:
    """The cookies of a Cookie field by name (RFC 6265, section 5.4). The first of a name counts."""
    found: dict[str, str] = {}
    for part in (value or "").split(";"):
        name, equals, given = part.strip(" \t").partition("=")
        if equals and name:
            given = given.strip(" \t")
            if len(given) > 1 and given[0] == given[-1] == '"':
                given = _ESCAPE.sub(_unescaped, given[1:-1])
            found.setdefault(name.rstrip(" \t"), given)
    return found


def _unescaped(escape: re.Match[str]) -> str:
    """In one pass, unlike `http.cookies` before Python 3.13 (CVE-2024-7592)."""
    return chr(int(escape[1], 8)) if escape[1] else escape[2]


def format_cookie(
    name: str,
    value: str,
    *,
    max_age: int | timedelta | None = None,
    expires: datetime | None = None,
    path: str | None = "/",
    domain: str | None = None,
    secure: bool = False,
    http_only: bool = True,
    same_site: SameSite | None = "lax",
) -> str:
    """The value of a Set-Cookie field (RFC 6265, section 4.1). `max_age` is in seconds; 0 or less deletes the cookie.

    Raises InvalidField for what a browser would drop or read in another way: a name that is no token; a value with
    spaces, commas, semicolons, backslashes, controls, beyond ASCII, or with other quotes than two around it; `expires`
    without a time zone; a path without a slash at its start; a domain that is no host name (labels may have
    underscores); SameSite=None without Secure; a name with the prefix `__Secure-` or `__Host-` whose promise is not
    kept (RFC 6265bis, section 4.1.3).
    """
    if not _fits(name, TOKEN):
        raise _unfit(name, "the name of a cookie", "Names are ASCII without spaces, such as session-id.")
    if not _fits(value, _VALUE):
        raise _unfit(value, f"the value of the cookie {name}", "Encode it: urllib.parse.quote(value) will do.")
    if len(name) + len(value) > LARGEST_COOKIE:
        what = f"The cookie {name} has {len(name) + len(value)} bytes, and browsers keep {LARGEST_COOKIE}."
        raise InvalidField(what, "Keep the data here, and send its key.")
    if max_age is not None and not isinstance(max_age, timedelta) and not is_int(max_age):
        raise _unfit(max_age, f"the Max-Age of the cookie {name}", "Give whole seconds or a timedelta.")
    if expires is not None and not _is_aware(expires):
        raise _unfit(expires, f"the Expires of the cookie {name}", "Give a datetime with a time zone.")
    if path is not None and not _fits(path, _PATH):
        raise _unfit(path, f"the Path of the cookie {name}", "Begin it with a slash; ASCII without semicolons.")
    if domain is not None and not _fits(domain, _DOMAIN):
        raise _unfit(domain, f"the Domain of the cookie {name}", "Give a host name, in Punycode beyond ASCII.")
    site = _same_site(name, same_site)
    _check_promises(name, path=path, domain=domain, secure=secure, same_site=site)
    attributes = (
        ("Max-Age", None if max_age is None else _seconds(max_age)),
        ("Expires", None if expires is None else http_date(expires)),
        ("Path", path),
        ("Domain", domain),
    )
    return _join(name, value, attributes, secure=secure, http_only=http_only, same_site=site)


def format_twisted_cookie(
    name: Text,
    value: Text,
    *,
    max_age: Text | int | timedelta | None,
    expires: Text | datetime | None,
    path: Text | None,
    domain: Text | None,
    secure: bool,
    http_only: bool,
    same_site: Text | None,
) -> str:
    """As `format_cookie`, for programs that say themselves what browsers are to make of a cookie: it is sent as given.

    What is beyond ASCII is sent as UTF-8. Raises InvalidField for what would be another cookie, or none: controls and
    semicolons anywhere, a name that is empty or has an equals sign, and a SameSite that there is not.
    """
    name = _part(name, "a cookie")
    if not name or "=" in name:
        raise _unfit(name, "the name of a cookie", "Names are not empty, and have no equals signs.")
    if isinstance(max_age, int | timedelta):
        max_age = _seconds(max_age)
    if isinstance(expires, datetime):
        expires = http_date(expires)
    given = (("Max-Age", max_age), ("Expires", expires), ("Path", path), ("Domain", domain))
    attributes = [(key, None if each is None else _part(each, f"the cookie {name}")) for key, each in given]
    site = _same_site(name, None if same_site is None else text(same_site))
    value = _part(value, f"the cookie {name}")
    return _join(name, value, attributes, secure=secure, http_only=http_only, same_site=site)


def is_secure_name(name: str) -> bool:
    """Whether the name of a cookie promises Secure (RFC 6265bis, section 4.1.3)."""
    return name.lower().startswith(("__secure-", "__host-"))


def _check_promises(name: str, *, path: str | None, domain: str | None, secure: bool, same_site: str | None) -> None:
    """What browsers ask of attributes together; they drop the cookie otherwise."""
    if not secure and (same_site == "None" or is_secure_name(name)):
        why = "SameSite=None" if same_site == "None" else "its prefix"
        raise InvalidField(f"The cookie {name} needs secure=True for {why}.", "Say secure=True, and serve it by TLS.")
    if name.lower().startswith("__host-") and (path != "/" or domain is not None):
        raise InvalidField(f"The cookie {name} has the prefix __Host-.", 'Leave out its domain, and its path is "/".')


def _join(
    name: str,
    value: str,
    attributes: Iterable[tuple[str, str | None]],
    *,
    secure: bool,
    http_only: bool,
    same_site: str | None,
) -> str:
    parts = [f"{name}={value}", *(f"{key}={given}" for key, given in attributes if given is not None)]
    if secure:
        parts.append("Secure")
    if http_only:
        parts.append("HttpOnly")
    if same_site is not None:
        parts.append(f"SameSite={same_site}")
    return "; ".join(parts)


def _same_site(name: str, given: object) -> str | None:
    """As it is written. Attributes have no case (RFC 6265bis, section 5.6.7)."""
    if given is None:
        return None
    if not isinstance(given, str) or given.lower() not in ("strict", "lax", "none"):
        raise _unfit(given, f"the SameSite of the cookie {name}", 'It is "strict", "lax", "none" or None.')
    return given.capitalize()


def _seconds(max_age: int | timedelta) -> str:
    """A part of a second is not nothing: 0 would delete the cookie."""
    return str(-(-max_age // _A_SECOND) if isinstance(max_age, timedelta) else int(max_age))


def _part(given: Text, whose: str) -> str:
    """A part of a Set-Cookie field: bytes as they are, str in UTF-8, both as the Latin-1 that fields are here."""
    try:
        part = text(given.encode() if isinstance(given, str) else given)
    except UnicodeEncodeError:
        raise InvalidField(f"{shown(given)} cannot be a part of {whose}.", "Leave out lone surrogates.") from None
    if _ENDS_A_PART.search(part):
        raise InvalidField(f"{shown(given)} cannot be a part of {whose}.", "Leave out controls and semicolons.")
    return part


def _fits(value: object, pattern: re.Pattern[str]) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_aware(value: object) -> bool:
    return isinstance(value, datetime) and value.tzinfo is not None


def _unfit(value: object, part: str, remedy: str) -> InvalidField:
    return InvalidField(f"{shown(value)} cannot be {part} (RFC 6265, section 4.1.1).", remedy)
