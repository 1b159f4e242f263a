"""`CookieJar`: the cookies that a client keeps (RFC 6265, section 5)."""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Final

from ropewalk.cookies import format_cookie

_CONTROL: Final = re.compile("[\0-\x08\x0a-\x1f\x7f]")
_DELIMITER: Final = re.compile(r"[\t -/;-@\[-`{-~]+")
_TIME: Final = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})(?!\d)")
_DAY: Final = re.compile(r"(\d{1,2})(?!\d)")
_YEAR: Final = re.compile(r"(\d{2,4})(?!\d)")
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MAX_AGE: Final = re.compile(r"-?[0-9]{1,15}")


@dataclass(frozen=True, slots=True)
class StoredCookie:
    """A cookie of a `CookieJar`, with the attributes that decide in which requests it is sent."""

    name: str
    """The name of the cookie, as the server sent it."""
    value: str
    """The value of the cookie, as the server sent it."""
    domain: str
    """The host that has set the cookie, or the value of the attribute Domain."""
    path: str = "/"
    """The cookie is sent only if the path of the request begins with this path, compared by whole segments."""
    host_only: bool = True
    """Whether the cookie is not sent to subdomains, because it was set without the attribute Domain."""
    secure: bool = False
    """Whether the cookie is sent only over HTTPS."""
    http_only: bool = False
    """Whether scripts in a browser cannot read the cookie."""
    same_site: str | None = None
    """The attribute SameSite, as the server sent it. Clients ignore it, as if all requests were same-site."""
    expires: float | None = None
    """The time at which the cookie expires, in seconds since 1970; None for a session cookie."""

    @property
    def key(self) -> tuple[str, str, str]:
        """What identifies the cookie in a jar: the domain, path and name."""
        return self.domain, self.path, self.name

    def belongs_to(self, host: str, path: str, *, secure: bool) -> bool:
        """Whether the cookie is sent in a request (RFC 6265, section 5.4)."""
        if self.secure and not secure:
            return False
        fits = host == self.domain if self.host_only else _domain_matches(host, self.domain)
        return fits and _path_matches(path, self.path)


class CookieJar(Mapping[str, str]):
    """Cookies by name, as a browser keeps them: by host, path and scheme, until they expire (RFC 6265).

        client.cookies["session"]
        client.cookies.set("theme", "dark")
        client.cookies.clear()

    The mapping has each name once, with the value for the longest path. `host` is used for cookies that are set without
    `domain`. `clock` returns the time in seconds since 1970.
    """

    def __init__(
        self,
        cookies: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        *,
        host: str = "localhost",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._host = host
        self._clock = clock
        self._cookies: dict[tuple[str, str, str], StoredCookie] = {}
        """The cookies by domain, path and name, in order of creation."""
        for name, value in cookies.items() if isinstance(cookies, Mapping) else cookies:
            self.set(name, value)

    def __getitem__(self, name: str) -> str:
        for cookie in self.all():
            if cookie.name == name:
                return cookie.value
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(cookie.name for cookie in self.all()))

    def __len__(self) -> int:
        return len({cookie.name for cookie in self.all()})

    def __repr__(self) -> str:
        return f"<CookieJar {', '.join(self)}>"

    def all(self) -> list[StoredCookie]:
        """The cookies with their attributes. Cookies with longer paths come first."""
        now = self._clock()
        for key, cookie in tuple(self._cookies.items()):
            if cookie.expires is not None and cookie.expires <= now:
                del self._cookies[key]
        return sorted(self._cookies.values(), key=lambda cookie: -len(cookie.path))  # equal lengths keep their order

    def set(self, name: str, value: str, *, domain: str | None = None, path: str = "/", secure: bool = False) -> None:
        """Set a cookie. With `domain`, it is also sent to subdomains. Raises InvalidField for an invalid cookie."""
        check_cookie(name, value)
        host = self._host if domain is None else domain.removeprefix(".").lower()
        self._keep(StoredCookie(name, value, host, path, host_only=domain is None, secure=secure))

    def delete(self, name: str) -> None:
        """Delete the cookies with a name, for all hosts and paths. Raises KeyError if there is none."""
        keys = [key for key in self._cookies if key[2] == name]
        if not keys:
            raise KeyError(name)
        for key in keys:
            del self._cookies[key]

    def clear(self) -> None:
        """Delete all cookies."""
        self._cookies.clear()

    def keep_newest(self, most: int) -> None:
        """Delete expired cookies and then the oldest ones, until no more than `most` are left."""
        if len(self._cookies) > most:
            self.all()  # deletes the cookies that have expired
            for key in tuple(self._cookies)[: max(len(self._cookies) - most, 0)]:
                del self._cookies[key]

    def matching(self, host: str, path: str, *, secure: bool) -> list[StoredCookie]:
        """The cookies to send in a request, in order (RFC 6265, section 5.4)."""
        path = path.partition("?")[0]
        return [cookie for cookie in self.all() if cookie.belongs_to(host, path, secure=secure)]

    def store(self, field: str, host: str, path: str, *, protect_secure: bool = False) -> StoredCookie | None:
        """Store the cookie of a Set-Cookie field, or delete it (RFC 6265, sections 5.2 and 5.3). Returns the cookie;
        None if the field is ignored.

        `protect_secure` is for a response over http: the field is ignored if it would set or replace a Secure cookie,
        because it may come from an attacker on the network (RFC 6265bis, section 5.7).
        """
        cookie = self._parse(field, host, path.partition("?")[0])
        if cookie is None or (protect_secure and (cookie.secure or self._shadows_secure(cookie))):
            return None
        self._keep(cookie)
        return cookie

    def _shadows_secure(self, cookie: StoredCookie) -> bool:
        """Whether a request could have the cookie in the place of a Secure cookie with the same name."""
        return any(
            each.secure
            and each.name == cookie.name
            and (_domain_matches(each.domain, cookie.domain) or _domain_matches(cookie.domain, each.domain))
            and _path_matches(cookie.path, each.path)
            for each in self.all()
        )

    def _keep(self, cookie: StoredCookie) -> None:
        if cookie.expires is not None and cookie.expires <= self._clock():
            self._cookies.pop(cookie.key, None)
        else:
            self._cookies[cookie.key] = cookie  # a replaced cookie keeps its place in the order of creation

    def _parse(self, field: str, host: str, path: str) -> StoredCookie | None:
        """Parse a Set-Cookie field; None if a browser would ignore it."""
        if _CONTROL.search(field):  # RFC 6265bis, section 5.6: the cookie could not be sent back
            return None
        pair, *parts = field.split(";")
        name, equals, value = pair.partition("=")
        name = name.strip(" \t")
        if not equals or not name:
            return None
        attributes = {}
        for part in parts:
            key, _, given = part.partition("=")
            attributes[key.strip(" \t").lower()] = given.strip(" \t")  # the last of equal names counts
        cookie = StoredCookie(
            name,
            value.strip(" \t"),
            host,
            attributes["path"] if attributes.get("path", "").startswith("/") else _default_path(path),
            secure="secure" in attributes,
            http_only="httponly" in attributes,
            same_site=attributes.get("samesite"),
            expires=self._expiry(attributes),
        )
        domain = attributes.get("domain", "").removeprefix(".").lower()
        if domain and domain != host:
            if "." not in domain or not _domain_matches(host, domain):
                return None  # a site cannot set cookies for another site or a top-level domain
            cookie = replace(cookie, domain=domain)
        if domain and not _is_address(host):
            cookie = replace(cookie, host_only=False)
        return cookie if _has_prefix_rights(cookie, domain) else None

    def _expiry(self, attributes: Mapping[str, str]) -> float | None:
        max_age = attributes.get("max-age", "")
        if _MAX_AGE.fullmatch(max_age):  # Max-Age takes precedence over Expires
            return self._clock() + int(max_age) if int(max_age) > 0 else 0.0
        return parse_cookie_date(attributes.get("expires", ""))


def check_cookie(name: str, value: str) -> None:
    """Raises InvalidField for a cookie that cannot be sent, or that would be parsed as several cookies."""
    format_cookie(name, value, secure=True)


def parse_cookie_date(text: str) -> float | None:
    """Parse the date of an Expires attribute into seconds since 1970 (RFC 6265, section 5.1.1); None if it is not a
    date."""
    clock: tuple[int, int, int] | None = None
    day = month = year = None
    for token in _DELIMITER.split(text):
        if clock is None and (match := _TIME.match(token)):
            clock = int(match[1]), int(match[2]), int(match[3])
        elif day is None and (match := _DAY.match(token)):
            day = int(match[1])
        elif month is None and token[:3].lower() in _MONTHS:
            month = _MONTHS.index(token[:3].lower()) + 1
        elif year is None and (match := _YEAR.match(token)):
            year = int(match[1])
    if clock is None or day is None or month is None or year is None:
        return None
    if year < 100:
        year += 1900 if year >= 70 else 2000
    try:
        return datetime(year, month, day, *clock, tzinfo=UTC).timestamp() if year >= 1601 else None
    except ValueError:
        return None


def _has_prefix_rights(cookie: StoredCookie, domain: str) -> bool:
    """Whether a cookie has the attributes that the prefix of its name requires (RFC 6265bis, section 4.1.3)."""
    name = cookie.name.lower()
    if name.startswith("__host-"):
        return cookie.secure and not domain and cookie.path == "/"
    return cookie.secure or not name.startswith("__secure-")


def _domain_matches(host: str, domain: str) -> bool:
    """Whether a host is the domain or a subdomain (RFC 6265, section 5.1.3)."""
    return host == domain or (host.endswith(f".{domain}") and not _is_address(host))


def _path_matches(path: str, prefix: str) -> bool:
    """Whether a path is at or below a cookie's path (RFC 6265, section 5.1.4)."""
    return path == prefix or (path.startswith(prefix) and (prefix.endswith("/") or path[len(prefix)] == "/"))


def _default_path(path: str) -> str:
    """The default path of a cookie that is set without a path (RFC 6265, section 5.1.4)."""
    return path[: path.rfind("/")] or "/" if path.startswith("/") else "/"


def _is_address(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
