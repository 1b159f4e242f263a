"""A response whose body is still arriving."""

import json
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Self

from ropewalk.testing.client_response import ClientResponse
from ropewalk.testing.event_parser import EventParser, LineParser, check_events
from ropewalk.testing.harness import MemoryConnection
from ropewalk.testing.protocol_error import ProtocolError
from ropewalk.testing.received_head import ReceivedHead
from ropewalk.typed import ServerSentEvent


class StreamedResponse(ReceivedHead):
    """A response whose body is still arriving: `async for part in response`.

    The end of `async with` closes the connection, and waits a moment for the handler, which is cancelled if it runs.
    """

    def __init__(self, connection: MemoryConnection, timeout: float | None, *, raise_errors: bool, url: str) -> None:
        self._connection = connection
        self._raise_errors = raise_errors
        self._timeout = timeout
        self._response: ClientResponse = connection.parser.response
        self._response.url = url

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._connection.leave_and_wait()

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

    async def lines(self) -> AsyncIterator[str]:
        """The lines of the body, as UTF-8, without their ends."""
        parser = LineParser()
        async for part in self:
            for line in parser.feed(part):
                yield line
        for line in parser.feed(b"", last=True):
            yield line

    async def json_lines(self) -> AsyncIterator[Any]:
        """The values of a body of JSON lines. Empty lines are left out."""
        async for line in self.lines():
            if line:
                yield json.loads(line)

    async def events(self) -> AsyncIterator[ServerSentEvent]:
        """The events of a `text/event-stream`, as they arrive. Raises ProtocolError for another Content-Type.

        `data` is a str, as it was sent. Comments, and events without data, are left out, as a browser does.
        """
        check_events(self.status, self.headers)
        parser = EventParser()
        async for part in self:
            for event in parser.feed(part):
                yield event

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
        if not self._connection.raised_late:  # otherwise the parts that were sent before come first
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
