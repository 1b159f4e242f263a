"""The cookies of sessions: their names and attributes, how they are found in a request, and how they are set."""

from typing import Final

from ropewalk.cookies import SameSite, format_cookie
from ropewalk.request import Request

_LOCAL: Final = ("localhost", "127.0.0.1", "[::1]")


class SessionCookie:
    """A cookie for one purpose. `secure` is false only for http on localhost, where browsers refuse `__Host-`.

    The prefix `__Host-` makes browsers refuse a cookie of this name that another host of the same domain sets, or that
    is set over http.
    """

    __slots__ = ("_attributes", "_same_site", "_secure", "name", "sent_name")

    def __init__(self, name: str, same_site: SameSite, *, secure: bool) -> None:
        self.name = f"__Host-{name}" if secure else name
        self.sent_name = self.name.encode()
        """The name in bytes, as requests have it."""
        self._same_site: SameSite = same_site
        self._secure = secure
        self._attributes = self._formatted(None).removeprefix(f"{self.name}=")
        """The attributes of a cookie without Max-Age. They are the same for all clients, so they are formatted once."""

    def value_in(self, request: Request) -> str | None:
        """The value of the cookie in the Cookie fields of a request; None if it is not exactly once in them.

        If a cookie occurs twice, one of the two may have been set by another host of the domain, and a server cannot
        tell which (RFC 6265bis, section 8.6). So none is used.
        """
        return request.only_cookie(self.sent_name)

    def set_to(self, value: str, max_age: int | None = None) -> str:
        """The value of a Set-Cookie field that sets the cookie. `value` is an id or a signed session, in base64."""
        attributes = self._attributes if max_age is None else self._formatted(max_age).removeprefix(f"{self.name}=")
        return f"{self.name}={value}{attributes}"

    def _formatted(self, max_age: int | None) -> str:
        return format_cookie(
            self.name, "", max_age=max_age, secure=self._secure, http_only=True, same_site=self._same_site
        )

    def deleted(self) -> str:
        """The value of a Set-Cookie field that deletes the cookie."""
        return self.set_to("", 0)


class SessionCookies:
    """The cookie of the session, and the cookie that remembers a user."""

    __slots__ = ("remember", "sent_name", "session")

    def __init__(self, name: str, same_site: SameSite, *, secure: bool) -> None:
        self.session = SessionCookie(name, same_site, secure=secure)
        self.sent_name = self.session.sent_name
        """The name of the session's cookie in bytes, as requests have it."""
        self.remember = SessionCookie(f"{name}-remember", same_site, secure=secure)


def is_local(request: Request) -> bool:
    """Whether a request came over http to a name of this machine."""
    return request.scheme == "http" and is_local_name(request)


def is_local_name(request: Request) -> bool:
    """Whether the Host of a request is a name of this machine."""
    host = (request.host or "").lower()
    name = host[: host.find("]") + 1] if host.startswith("[") else host.partition(":")[0]
    return name in _LOCAL or name.endswith(".localhost")
