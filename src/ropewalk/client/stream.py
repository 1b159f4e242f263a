"""`HTTPStream`: a response of a service whose body is still arriving."""

import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from types import TracebackType
from typing import Final, Self

from ropewalk.client.decoding import GZIP, GzipDecoder
from ropewalk.client.errors import BadResponse, ConnectionBroken, ResponseTooLarge, StreamUsed
from ropewalk.client.exchange import IncomingResponse, OutgoingRequest
from ropewalk.client.response import RESPONSE_NAMES, HTTPResponse
from ropewalk.client.running import run
from ropewalk.suggest import OtherNames
from ropewalk.waiting import Waiter

LONGEST_LINE: Final = 1 << 20


class HTTPStream(OtherNames):
    """A response whose body is still arriving: `async for part in response`.

    Use it in `async with`, or close it, so that the connection can be used again. If the body is not at its end, the
    connection is closed instead.
    """

    other_names = {
        **RESPONSE_NAMES,
        "aread": "read()",
        "text": "(await response.read()).text",
        "json": "(await response.read()).json()",
        "body": "(await response.read()).body",
        "content": "(await response.read()).body",
        "iter_bytes": "`async for part in response`",
        "aiter_bytes": "`async for part in response`",
        "aiter_raw": "`async for part in response`",
        "iter_content": "`async for part in response`",
        "iter_lines": "lines()",
        "aiter_lines": "lines()",
        "aclose": "close()",
    }

    def __init__(
        self, request: OutgoingRequest, incoming: IncomingResponse, *, decompress: bool, closed: Callable[[], object]
    ) -> None:
        self.method = request.method
        """The method of the request, or of the last request after redirects."""
        self.url = str(request.url)
        """The URL of the request, or of the last request after redirects."""
        self.status = incoming.status
        """The status, such as 200."""
        self.headers = incoming.headers
        """The header fields."""
        self._incoming = incoming
        self._closed: Callable[[], object] | None = closed
        self._pieces: Iterator[bytes] = iter(())
        coding = incoming.headers.get("content-encoding", "").strip().lower()
        is_part = incoming.status == 206  # a part of encoded content cannot be decoded
        self._decoder = GzipDecoder() if decompress and coding in GZIP and not is_part else None
        self._ended = False

    def __repr__(self) -> str:
        return f"<HTTPStream {self.status}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        part = await self.read_part()
        if part is None:
            raise StopAsyncIteration
        return part

    def read_part(self) -> Waiter[bytes | None]:
        """Read the next part of the body; None at the end. Raises ClientError."""
        return run(self.next_part())

    def read(self, *, body_limit: int | None = None) -> Waiter[HTTPResponse]:
        """Read the rest of the body, and return the response. Raises ClientError: ResponseTooLarge (RW355) if it has
        more bytes than `body_limit`, and StreamUsed (RW362) if the body was read to its end."""
        return run(self.whole(body_limit))

    async def lines(self) -> AsyncIterator[str]:
        """Iterate over the lines of a UTF-8 body, without their line ends. Raises ResponseTooLarge (RW355) for a line
        of more than 1 MiB, and BadResponse (RW354) for a line that is not UTF-8."""
        self._check_unread()
        rest = bytearray()
        async for part in self:
            *lines, last = part.split(b"\n")
            for line in lines:
                rest += line
                self._check_line(rest)
                yield self._line(rest)
                rest = bytearray()
            rest += last
            self._check_line(rest)
        if rest:
            yield self._line(rest)

    def close(self) -> Waiter[None]:
        """End the exchange. If the body is not at its end, the connection is closed."""
        return run(self.release())

    # Used by the client, in a task

    async def next_part(self) -> bytes | None:
        """The next decoded part of the body; None at the end."""
        if self._ended:
            return None
        if self._closed is None:
            raise StreamUsed("The response is closed.", method=self.method, url=self.url)
        try:
            while True:
                for piece in self._pieces:
                    return piece
                part = await self._incoming.read()
                if part is None:
                    break
                self._pieces = iter((part,)) if self._decoder is None else self._decoder.feed(part)
            if self._decoder is not None and not self._decoder.complete:
                raise ConnectionBroken("The compressed body is incomplete.", method=self.method, url=self.url)
        except zlib.error as error:
            await self.release()
            raise BadResponse(f"The body is not gzip: {error}.", method=self.method, url=self.url) from error
        except BaseException:
            await self.release()
            raise
        self._ended = True
        await self.release()
        return None

    async def whole(self, body_limit: int | None) -> HTTPResponse:
        """Read the rest of the body, and return the response."""
        self._check_unread()
        parts: list[bytes] = []
        size = 0
        length = self.headers.get("content-length", "")
        known = length.isascii() and length.isdigit() and self.method != "HEAD"
        if body_limit is not None and known and int(length[:19]) > body_limit:
            await self.release()
            raise self._too_large(body_limit)
        while (part := await self.next_part()) is not None:
            parts.append(part)
            size += len(part)
            if body_limit is not None and size > body_limit:
                await self.release()
                raise self._too_large(body_limit)
        return HTTPResponse(
            method=self.method, url=self.url, status=self.status, headers=self.headers, body=b"".join(parts)
        )

    async def release(self) -> None:
        """End the exchange, once."""
        closed, self._closed = self._closed, None
        if closed is not None:
            try:
                await self._incoming.close()
            finally:
                closed()

    def _check_unread(self) -> None:
        """Raises StreamUsed (RW362) if the body was read to its end. Without this error, the body would look empty."""
        if self._ended:
            raise StreamUsed("The body was read already.", method=self.method, url=self.url)

    def _too_large(self, body_limit: int) -> ResponseTooLarge:
        return ResponseTooLarge(f"The body has more than {body_limit} bytes.", method=self.method, url=self.url)

    def _check_line(self, line: bytearray) -> None:
        if len(line) > LONGEST_LINE:
            raise ResponseTooLarge(f"A line has more than {LONGEST_LINE} bytes.", method=self.method, url=self.url)

    def _line(self, line: bytearray) -> str:
        try:
            return line.decode().removesuffix("\r")
        except UnicodeDecodeError as error:
            raise BadResponse("A line is not UTF-8.", method=self.method, url=self.url) from error
