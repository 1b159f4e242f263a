"""A request that a test client sends: its head and its body."""

from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass

from ropewalk.cookie_jar import CookieJar, StoredCookie, check_cookie
from ropewalk.headers import Headers
from ropewalk.testing.client_response import ClientResponse
from ropewalk.testing.memory_connection import MemoryConnection
from ropewalk.testing.request_bodies import Body, MultipartBody
from ropewalk.testing.targets import Target, host_name


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request that a test client sends."""

    method: str
    target: Target
    headers: Headers
    body: Body | MultipartBody | None
    cookies: Mapping[str, str]
    """The cookies that are sent only with this request."""

    @property
    def host(self) -> str:
        """The host for cookies: the host in the Host field, or else in the target."""
        return host_name(self.headers.get("host") or self.target.authority)

    @property
    def secure(self) -> bool:
        """Whether the request is sent over HTTPS."""
        return self.target.scheme == "https"

    def head(self, jar: CookieJar) -> bytes:
        """The head of the request. If `headers` has no Cookie field, the matching cookies of the jar are added."""
        headers = Headers(self.headers.lines())
        headers.setdefault("host", self.target.authority)
        cookies = self._cookie_pairs(jar)
        if cookies and (self.cookies or "cookie" not in headers):  # otherwise the Cookie field is sent as given
            headers["cookie"] = "; ".join(cookies)
        body = self.body
        length = body.length if isinstance(body, MultipartBody) else None
        if isinstance(body, bytes | str):
            length = len(body if isinstance(body, bytes) else body.encode())
        if length is not None:
            headers.setdefault("content-length", str(length))
        elif self._is_chunked:
            headers.setdefault("transfer-encoding", "chunked")
        lines = [f"{self.method} {self.target.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.lines())]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    async def send_body(self, connection: MemoryConnection) -> None:
        """Send the body, if there is one. While the server does not read, wait like a client whose socket buffer is
        full."""
        body = self.body
        if body is None:
            return
        if isinstance(body, bytes | str):
            connection.send(body if isinstance(body, bytes) else body.encode())
            return
        chunked = self._is_chunked
        if isinstance(body, AsyncIterable):
            async for part in body:
                await _send_part(connection, part, chunked=chunked)
        else:
            for part in body:
                await _send_part(connection, part, chunked=chunked)
        if chunked:
            connection.send(b"0\r\n\r\n")

    def store_cookies(self, response: ClientResponse, jar: CookieJar) -> list[StoredCookie]:
        """Store the cookies that a response to this request sets, and return them."""
        found = (jar.store(field, self.host, self.target.path) for field in response.headers.all("set-cookie"))
        return [cookie for cookie in found if cookie is not None]

    def cookies_over_https(self, jar: CookieJar) -> list[StoredCookie]:
        """The cookies of a jar that the request has if it is sent over HTTPS."""
        if "cookie" in self.headers:
            return []
        return jar.matching(self.host, self.target.path, secure=True)

    @property
    def _is_chunked(self) -> bool:
        """Whether the body is sent in chunks: its length is not known, and `headers` does not give it."""
        body = self.body
        if (
            body is None
            or isinstance(body, bytes | str)
            or (isinstance(body, MultipartBody) and body.length is not None)
        ):
            return False
        return "content-length" not in self.headers

    def _cookie_pairs(self, jar: CookieJar) -> list[str]:
        pairs = self.headers.all("cookie")
        if not pairs:
            stored = jar.matching(self.host, self.target.path, secure=self.secure)
            pairs = [f"{cookie.name}={cookie.value}" for cookie in stored if cookie.name not in self.cookies]
        for name, value in self.cookies.items():
            check_cookie(name, value)
            pairs.append(f"{name}={value}")
        return pairs


async def _send_part(connection: MemoryConnection, part: bytes | str, *, chunked: bool) -> None:
    if isinstance(part, str):
        part = part.encode()
    elif not isinstance(part, bytes | bytearray | memoryview):
        raise TypeError(f"A part of body= is of type {type(part).__name__}, not str or bytes.")
    while not connection.flowing and not connection.parser.done and connection.error is None:
        await connection.news()
    if part:
        connection.send(b"%x\r\n%b\r\n" % (len(part), part) if chunked else part)
