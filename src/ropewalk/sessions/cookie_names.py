"""The cookies of sessions: how they are named, found in a request, and set."""

from typing import Final

from ropewalk.cookies import SameSite, format_cookie
from ropewalk.request import Request

_LOCAL: Final = ("localhost", "127.0.0.1", "[::1]")


class SessionCookie:
    """A cookie for one purpose. `secure` is false only for http on localhost, where browsers refuse `__Host-`.

    The prefix `__Host-` makes browsers refuse the cookie from other hosts of the same domain, and from http.
    """

    __slots__ = ("_same_site", "_secure", "name")

    def __init__(self, name: str, same_site: SameSite, *, secure: bool) -> None:
        self.name = f"__Host-{name}" if secure else name
        self._same_site: SameSite = same_site
        self._secure = secure

    def value_in(self, lines: list[bytes]) -> str | None:
        """The value of the cookie in the Cookie fields of a request; None if it is not exactly once in them.

        If a cookie occurs twice, one of the two may have been set by another host of the domain, and a server cannot
        tell which (RFC 6265bis, section 8.6). So none is used.
        """
        if not lines:
            return None
        wanted = self.name.encode()
        found = None
        for line in lines:
            if wanted not in line:
                continue
            for part in line.split(b";"):
                name, _, value = part.partition(b"=")
                if name.strip(b" \t") == wanted:
                    if found is not None:
                        return None
                    found = value.strip(b" \t")
        return None if found is None else found.decode("latin-1")

    def set_to(self, value: str, max_age: int | None = None) -> str:
        """The value of a Set-Cookie field that sets the cookie."""
        return format_cookie(
            self.name, value, max_age=max_age, secure=self._secure, http_only=True, same_site=self._same_site
        )

    def deleted(self) -> str:
        """The value of a Set-Cookie field that deletes the cookie."""
        return self.set_to("", 0)


class SessionCookies:
    """The cookie of the session, and the cookie that remembers a user."""

    __slots__ = ("remember", "session")

    def __init__(self, name: str, same_site: SameSite, *, secure: bool) -> None:
        self.session = SessionCookie(name, same_site, secure=secure)
        self.remember = SessionCookie(f"{name}-remember", same_site, secure=secure)


def is_local(request: Request) -> bool:
    """Whether a request came over http to a name of this machine."""
    if request.scheme != "http":
        return False
    host = (request.host or "").lower()
    name = host[: host.find("]") + 1] if host.startswith("[") else host.partition(":")[0]
    return name in _LOCAL or name.endswith(".localhost")
