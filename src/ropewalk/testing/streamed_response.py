"""A response whose body is still arriving."""

from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

from ropewalk.headers import Headers
from ropewalk.testing.harness import MemoryConnection
from ropewalk.testing.response_parser import ClientResponse, ProtocolError


class StreamedResponse:
    """A response whose body is still arriving: `async for part in response`. `close` closes the connection."""

    def __init__(self, connection: MemoryConnection, timeout: float | None, *, raise_errors: bool, url: str) -> None:
        self._connection = connection
        self._raise_errors = raise_errors
        self._timeout = timeout
        self._response = connection.parser.response
        self._response.url = url

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if not self._connection.parser.parts:
            self._connection.limit(self._timeout)
        part = await self._part()
        self._connection.limit(None)
        if part is None:
            raise StopAsyncIteration
        return part

    @property
    def status(self) -> int:
        """The status."""
        return self._response.status

    @property
    def headers(self) -> Headers:
        """The header fields."""
        return self._response.headers

    @property
    def trailers(self) -> Headers:
        """The trailer fields, after the end of the body."""
        return self._response.trailers

    @property
    def url(self) -> str:
        """The URL of the request, after redirects that were followed."""
        return self._response.url

    @property
    def history(self) -> list[ClientResponse]:
        """The redirects that were followed, in order."""
        return self._response.history

    async def whole(self) -> ClientResponse:
        """The response with the rest of its body."""
        parts = []
        while (part := await self._part()) is not None:
            parts.append(part)
        self._response.body = b"".join(parts)
        return self._response

    def pause(self) -> None:
        """Stop reading, as a slow client does."""
        self._connection.pause()

    def resume(self) -> None:
        """Read again."""
        self._connection.resume()

    def close(self) -> None:
        """Close the connection, whether the response is complete or not."""
        self._connection.leave()

    @property
    def received(self) -> ClientResponse:
        """What has been received of the response."""
        return self._response

    async def begun(self) -> None:
        """Wait for the head."""
        while not self._connection.parser.head:
            self._check()
            await self._connection.news()
        self._raise_handlers_error()

    def unlimit(self) -> None:
        """Stop the timeout until the next part is awaited."""
        self._connection.limit(None)

    async def _part(self) -> bytes | None:
        """The next part of the body; None at its end."""
        parser = self._connection.parser
        while not parser.parts:
            self._check()
            if parser.done:
                self._raise_handlers_error()  # it may have been raised after the last part
                return None
            await self._connection.news()
        return parser.parts.pop(0)

    def _check(self) -> None:
        if self._connection.error is not None:
            if isinstance(self._connection.error, ProtocolError):
                self._raise_handlers_error()  # the cause of a response that was cut off
            raise self._connection.error

    def _raise_handlers_error(self) -> None:
        """Raise the exception that was logged for the request, if that is wanted, whatever its response is.

        Those that end a task or a process are not raised.
        """
        raised = self._connection.raised
        if self._raise_errors and isinstance(raised, Exception):
            raise raised
