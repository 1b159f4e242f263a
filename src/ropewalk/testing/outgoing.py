"""A request of a test client: its head and body, and the request that follows a redirect."""

from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from ropewalk.errors import RopewalkError
from ropewalk.headers import Headers
from ropewalk.testing.client_response import ClientResponse
from ropewalk.testing.cookie_jar import CookieJar, check_cookie
from ropewalk.testing.memory_connection import MemoryConnection
from ropewalk.testing.request_bodies import Body, MultipartBody, is_repeatable
from ropewalk.testing.targets import Target, host_name

MOST_REDIRECTS: Final = 20
"""The limit of browsers (WHATWG Fetch, section 4.4)."""

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_CREDENTIALS: Final = ("authorization", "proxy-authorization", "cookie", "host")
"""Fields that are not sent to another origin after a redirect."""
_OF_THE_BODY: Final = ("content-length", "transfer-encoding")


class RedirectError(RopewalkError, RuntimeError):
    """RW224: a redirect cannot be followed. `response` is the redirect."""

    def __init__(self, message: str, response: ClientResponse) -> None:
        super().__init__("RW224", message)
        self.response = response


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request that is to be sent."""

    method: str
    target: Target
    headers: Headers
    body: Body | MultipartBody | None
    cookies: Mapping[str, str]
    """The cookies that are sent only with this request."""

    @property
    def host(self) -> str:
        """The host for cookies: the one in the Host field, or else in the target."""
        return host_name(self.headers.get("host") or self.target.authority)

    @property
    def secure(self) -> bool:
        """Whether the request is sent over HTTPS."""
        return self.target.scheme == "https"

    def head(self, jar: CookieJar) -> bytes:
        """The head of the request, with the cookies of a jar, unless `headers` has a Cookie field."""
        headers = Headers(self.headers.lines())
        headers.setdefault("host", self.target.authority)
        cookies = self._cookie_pairs(jar)
        if cookies and (self.cookies or "cookie" not in headers):  # otherwise the field is sent as given
            headers["cookie"] = "; ".join(cookies)
        body = self.body
        length = body.length if isinstance(body, MultipartBody) else None
        if isinstance(body, bytes | str):
            length = len(body if isinstance(body, bytes) else body.encode())
        if length is not None:
            headers.setdefault("content-length", str(length))
        elif body is not None:
            headers.setdefault("transfer-encoding", "chunked")
        lines = [f"{self.method} {self.target.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.lines())]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    async def send_body(self, connection: MemoryConnection) -> None:
        """Send the body, if there is one. Wait while the server does not read, like a client whose socket is full."""
        body = self.body
        if body is None:
            return
        if isinstance(body, bytes | str):
            connection.send(body if isinstance(body, bytes) else body.encode())
            return
        chunked = not isinstance(body, MultipartBody) or body.length is None
        if isinstance(body, AsyncIterable):
            async for part in body:
                await _send_part(connection, part, chunked=chunked)
        else:
            for part in body:
                await _send_part(connection, part, chunked=chunked)
        if chunked:
            connection.send(b"0\r\n\r\n")

    def store_cookies(self, response: ClientResponse, jar: CookieJar) -> None:
        """Store the cookies that a response to this request sets."""
        for field in response.headers.all("set-cookie"):
            jar.store(field, self.host, self.target.path)

    def redirected(self, response: ClientResponse) -> "Outgoing | None":
        """The request that follows a redirect (RFC 9110, section 15.4); None if the response is not one.

        A 303, and a 301 or 302 after POST, lead to a GET without a body. Authorization, and the cookies of only this
        request, are not sent to another origin. Raises RedirectError (RW224) if the redirect cannot be followed.
        """
        location = response.headers.get("location")
        if response.status not in _REDIRECTS or location is None:
            return None
        target = self.target.redirected(location)
        if target is None:
            raise RedirectError(f"{self._redirect} to {location!r}, which is not a URL of HTTP.", response)
        following = replace(self, target=target, headers=Headers(self.headers.lines()))
        if self._becomes_get(response.status):
            names = [name for name in following.headers if name.startswith("content-") or name in _OF_THE_BODY]
            following = replace(following, method="GET", body=None)
            for name in names:
                del following.headers[name]
        elif not is_repeatable(self.body):
            what = f"{self._redirect} {response.status}: its body must be sent again, and can be read once."
            raise RedirectError(what, response)
        if target.origin != self.target.origin:
            following = replace(following, cookies={})
            for name in _CREDENTIALS:
                following.headers.pop(name, None)
        return following

    def _becomes_get(self, status: int) -> bool:
        if status == 303:
            return self.method not in ("GET", "HEAD")
        return status in (301, 302) and self.method == "POST"

    @property
    def _redirect(self) -> str:
        return f"{self.method} {self.target.url} was redirected"

    def _cookie_pairs(self, jar: CookieJar) -> list[str]:
        pairs = self.headers.all("cookie")
        if not pairs:
            stored = jar.matching(self.host, self.target.path, secure=self.secure)
            pairs = [f"{cookie.name}={cookie.value}" for cookie in stored if cookie.name not in self.cookies]
        for name, value in self.cookies.items():
            check_cookie(name, value)
            pairs.append(f"{name}={value}")
        return pairs


def check_redirects(history: list[ClientResponse], url: str) -> None:
    """Raises RedirectError (RW224) for too many redirects."""
    if len(history) > MOST_REDIRECTS:
        raise RedirectError(f"{history[0].url} was redirected {len(history)} times, last to {url}.", history[-1])


async def _send_part(connection: MemoryConnection, part: bytes | str, *, chunked: bool) -> None:
    if isinstance(part, str):
        part = part.encode()
    elif not isinstance(part, bytes | bytearray | memoryview):
        raise TypeError(f"A part of body= is of type {type(part).__name__}, not str or bytes.")
    while not connection.flowing and not connection.parser.done and connection.error is None:
        await connection.news()
    if part:
        connection.send(b"%x\r\n%b\r\n" % (len(part), part) if chunked else part)
