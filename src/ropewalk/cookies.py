"""Cookies: parse the Cookie field, and format the Set-Cookie field (RFC 6265)."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final, Literal, NoReturn

from ropewalk.errors import HandlerError, InvalidField, is_int, shown
from ropewalk.headers import TOKEN, Text, http_date, text

SameSite = Literal["strict", "lax", "none", "Strict", "Lax", "None"]

LARGEST_COOKIE: Final = 4096
"""The maximum size in bytes of name and value together. Browsers drop larger cookies (RFC 6265, section 6.1)."""

_OCTETS: Final = r"[!#-+\--:<-\[\]-~]*"
_VALUE: Final = re.compile(rf'{_OCTETS}|"{_OCTETS}"')
_LABEL: Final = r"[0-9A-Za-z_]([0-9A-Za-z_-]*[0-9A-Za-z_])?"
_DOMAIN: Final = re.compile(rf"\.?{_LABEL}(\.{_LABEL})*")
_PATH: Final = re.compile(r"/[ -:<-~]*")
_ENDS_A_PART: Final = re.compile(r"[\x00-\x1f\x7f;]")
_A_SECOND: Final = timedelta(seconds=1)
_ESCAPE: Final = re.compile(r"\\(?:([0-3][0-7]{2})|(.))")
"""An escape in quotes, as Python's `http.cookies` writes it: an octal number, or the character itself."""


class ReceivedCookies(dict[str, str]):
    """The cookies that a client has sent. A change of them would not reach the client, so it raises HandlerError
    (RW272)."""

    def _refuse(self, *given: Any, **named: Any) -> NoReturn:
        del given, named
        raise HandlerError("RW272", "The cookies of a request were changed, which would have no effect.")

    __setitem__ = __delitem__ = __ior__ = setdefault = update = pop = popitem = clear = _refuse

    def __reduce__(self) -> tuple[type["ReceivedCookies"], tuple[dict[str, str]]]:
        return ReceivedCookies, (dict(self),)  # otherwise, `copy` and `pickle` would set the items one by one


def parse_cookies(value: str | None) -> ReceivedCookies:
    """The cookies in a Cookie field, by name (RFC 6265, section 5.4). If a name occurs twice, its first cookie wins."""
    found: dict[str, str] = {}
    for part in (value or "").split(";"):
        name, equals, given = part.strip(" \t").partition("=")
        if equals and name:
            given = given.strip(" \t")
            if len(given) > 1 and given[0] == given[-1] == '"':
                given = _ESCAPE.sub(_unescaped, given[1:-1])
            found.setdefault(name.rstrip(" \t"), given)
    return ReceivedCookies(found)


def _unescaped(escape: re.Match[str]) -> str:
    """The character that an escape stands for.

    All escapes are replaced in one pass: `http.cookies` before Python 3.13 took quadratic time (CVE-2024-7592).
    """
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
    """Return the value of a Set-Cookie field (RFC 6265, section 4.1). `max_age` is in seconds; 0 deletes the cookie.

    Raises InvalidField for a cookie that a browser would drop or change: a name that is not a token; a value with
    spaces, commas, semicolons, backslashes, control characters, characters outside ASCII, or quotes inside; `expires`
    without a time zone; a path that does not begin with a slash; a domain that is not a host name (labels may have
    underscores); SameSite=None without Secure; a name with the prefix `__Secure-` or `__Host-` whose conditions are not
    met (RFC 6265bis, section 4.1.3).
    """
    if not _fits(name, TOKEN):
        raise _unfit(name, "the name of a cookie", "Use ASCII without spaces, such as session-id.")
    if not _fits(value, _VALUE):
        remedy = "Encode it: urllib.parse.quote(value)."
        given: object = value
        if not isinstance(given, str):
            remedy = "Give a str: str(value) for a number, or urllib.parse.quote(json.dumps(value)) for a dict or list."
        raise _unfit(value, f"the value of the cookie {name}", remedy)
    if len(name) + len(value) > LARGEST_COOKIE:
        what = f"The cookie {name} has {len(name) + len(value)} bytes; browsers keep at most {LARGEST_COOKIE}."
        raise InvalidField(what, "Keep the data on the server, and send its key.")
    if max_age is not None and not isinstance(max_age, timedelta) and not is_int(max_age):
        raise _unfit(max_age, f"the Max-Age of the cookie {name}", "Give whole seconds or a timedelta.")
    if expires is not None and not _is_aware(expires):
        raise _unfit(expires, f"the Expires of the cookie {name}", "Give a datetime with a time zone.")
    if path is not None and not _fits(path, _PATH):
        raise _unfit(
            path, f"the Path of the cookie {name}", "Begin the path with a slash, and use ASCII without semicolons."
        )
    if domain is not None and not _fits(domain, _DOMAIN):
        raise _unfit(
            domain, f"the Domain of the cookie {name}", "Give a host name. Encode a name that is not ASCII in Punycode."
        )
    site = _same_site(name, same_site)
    _check_prefix(name, path=path, domain=domain, secure=secure, same_site=site)
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
    """Return the value of a Set-Cookie field, as lenient as twisted.web: the cookie is sent as given.

    Characters outside ASCII are sent as UTF-8. Raises InvalidField only for values that would set a different cookie,
    or none: control characters and semicolons, a name that is empty or has an equals sign, and an unknown SameSite.
    """
    name = _part(name, "a cookie")
    if not name or "=" in name:
        raise _unfit(name, "the name of a cookie", "Use a name that is not empty, without equals signs.")
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
    """Whether a cookie of this name must be Secure (RFC 6265bis, section 4.1.3)."""
    return name.lower().startswith(("__secure-", "__host-"))


def _check_prefix(name: str, *, path: str | None, domain: str | None, secure: bool, same_site: str | None) -> None:
    """Check attributes that depend on each other. Browsers drop a cookie that fails these checks."""
    if not secure and (same_site == "None" or is_secure_name(name)):
        why = "SameSite=None" if same_site == "None" else "its prefix"
        raise InvalidField(f"The cookie {name} needs secure=True for {why}.", "Set secure=True, and serve over TLS.")
    if name.lower().startswith("__host-") and (path != "/" or domain is not None):
        raise InvalidField(
            f"The cookie {name} has the prefix __Host-.", 'Leave out its domain, and set its path to "/".'
        )


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
    """SameSite with a capital letter, as in RFC 6265bis. Browsers ignore the case (RFC 6265bis, section 5.6.7)."""
    if given is None:
        return None
    if not isinstance(given, str) or given.lower() not in ("strict", "lax", "none"):
        raise _unfit(given, f"the SameSite of the cookie {name}", 'Use "strict", "lax", "none" or None.')
    return given.capitalize()


def _seconds(max_age: int | timedelta) -> str:
    """Whole seconds. A timedelta is rounded up, because 0 would delete the cookie."""
    return str(-(-max_age // _A_SECOND) if isinstance(max_age, timedelta) else int(max_age))


def _part(given: Text, owner: str) -> str:
    """A part of a Set-Cookie field. Encode a str as UTF-8, then decode the bytes as Latin-1, as for all fields."""
    try:
        part = text(given.encode() if isinstance(given, str) else given)
    except UnicodeEncodeError:
        raise InvalidField(f"{shown(given)} cannot be a part of {owner}.", "Leave out lone surrogates.") from None
    if _ENDS_A_PART.search(part):
        raise InvalidField(
            f"{shown(given)} cannot be a part of {owner}.", "Leave out control characters and semicolons."
        )
    return part


def _fits(value: object, pattern: re.Pattern[str]) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_aware(value: object) -> bool:
    return isinstance(value, datetime) and value.tzinfo is not None


def _unfit(value: object, part: str, remedy: str) -> InvalidField:
    return InvalidField(f"{shown(value)} cannot be {part} (RFC 6265, section 4.1.1).", remedy)
