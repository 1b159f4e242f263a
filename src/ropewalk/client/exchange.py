"""What a client and its transport exchange: `OutgoingRequest`, `IncomingResponse`, and the interface `Transport`."""

from collections.abc import AsyncIterable, AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from ropewalk.client.errors import InvalidCall
from ropewalk.client.timeouts import Timeouts
from ropewalk.client.urls import URL
from ropewalk.errors import shown
from ropewalk.headers import Headers

Body = bytes | str | Iterable[bytes | str] | AsyncIterable[bytes | str]

OWN_FIELDS: Final = frozenset(("connection", "transfer-encoding", "upgrade", "keep-alive", "te", "trailer", "expect"))
"""Header fields of the connection, which the client sets."""
PART: Final = 1 << 16
"""The most bytes that are passed on at once."""


@dataclass(frozen=True, slots=True)
class OutgoingRequest:
    """A request that a transport sends."""

    method: str
    """The method, such as GET."""
    url: URL
    """The URL."""
    headers: Headers
    """The header fields, without Host."""
    body: Body | None
    """The body. A str is sent as UTF-8. The length of bytes and str is in `headers`."""
    timeouts: Timeouts
    """How long the phases may take. The transport applies `connect`, `read` and `write`."""

    @property
    def length(self) -> int | None:
        """The length of the body in bytes; None if it is sent in chunks."""
        found = self.headers.get("content-length")
        return None if found is None else int(found)

    async def parts(self) -> AsyncIterator[bytes]:
        """Iterate over the parts of the body, each of at most 64 KiB.

        Raises InvalidCall (RW357) if the call has given a Content-Length that is not the size of the body.
        """
        left = self.length
        async for piece in self._pieces():
            if left is not None:
                left -= len(piece)
                if left < 0:
                    raise self._wrong(f"body= has more bytes than its Content-Length, {self.length}.")
            yield piece
        if left:
            raise self._wrong(f"body= has {left} bytes less than its Content-Length, {self.length}.")

    async def _pieces(self) -> AsyncIterator[bytes]:
        body = self.body
        if body is None:
            return
        if isinstance(body, bytes | str):
            body = (body,)
        if isinstance(body, AsyncIterable):
            async for part in body:
                for piece in self._cut(part):
                    yield piece
        else:
            for part in body:
                for piece in self._cut(part):
                    yield piece

    def _cut(self, part: bytes | str) -> Iterable[bytes]:
        if isinstance(part, str):
            try:
                part = part.encode()
            except UnicodeEncodeError:
                raise self._wrong("A part of body= has half of a surrogate pair, which UTF-8 cannot encode.") from None
        elif not isinstance(part, bytes | bytearray | memoryview):
            raise self._wrong(f"A part of body= must be bytes or str, not {shown(part)}.")
        if 0 < len(part) <= PART:
            return (bytes(part),)
        return (bytes(part[start : start + PART]) for start in range(0, len(part), PART))

    def _wrong(self, what: str) -> InvalidCall:
        return InvalidCall(what, method=self.method, url=str(self.url))


class IncomingResponse(Protocol):
    """A response whose head has arrived."""

    status: int
    headers: Headers

    async def read(self) -> bytes | None:
        """The next part of the body as it was sent; None at the end. Raises ClientError."""

    async def close(self) -> None:
        """End the exchange. If the body is not at its end, close the connection. May be called twice."""


class Transport(Protocol):
    """Sends requests. The client calls it in a task that may await Deferreds, and on an asyncio reactor also
    awaitables of asyncio."""

    async def send(self, request: OutgoingRequest) -> IncomingResponse:
        """Send a request, and return when the head of the response has arrived. Raises ClientError."""

    async def close(self) -> None:
        """Close all connections."""
