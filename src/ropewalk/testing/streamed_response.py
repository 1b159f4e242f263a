"""A response whose body is still arriving, for the test client `AsyncClient`."""

import json
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Self

from ropewalk.calling import CallsOfRequest
from ropewalk.testing.client_response import ClientResponse
from ropewalk.testing.event_parser import EventParser, LineParser, check_events
from ropewalk.testing.memory_connection import MemoryConnection
from ropewalk.testing.protocol_error import ProtocolError
from ropewalk.testing.received_head import ReceivedHead
from ropewalk.typed import ServerSentEvent


class StreamedResponse(ReceivedHead):
    """A response whose body is still arriving: `async for part in response`.

    The end of `async with` closes the connection, which cancels the handler if it still runs, and waits a moment until
    the handler has ended.
    """

    def __init__(self, connection: MemoryConnection, timeout: float | None, *, raise_errors: bool, url: str) -> None:
        self._connection = connection
        self._handler_errors = connection.handler_errors
        self._handler_errors.raise_errors = raise_errors
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
        """Iterate over the lines of a UTF-8 body, without their line ends."""
        parser = LineParser()
        async for part in self:
            for line in parser.feed(part):
                yield line
        for line in parser.feed(b"", last=True):
            yield line

    async def json_lines(self) -> AsyncIterator[Any]:
        """Iterate over the values in a body of JSON lines. Empty lines are skipped."""
        async for line in self.lines():
            if line:
                yield json.loads(line)

    async def events(self) -> AsyncIterator[ServerSentEvent]:
        """Iterate over the events of a `text/event-stream` as they arrive.

        Raises ProtocolError for another Content-Type.

        The `data` of an event is a str, as it was sent. Comments, and events without data, are skipped, as in a
        browser.
        """
        check_events(self.status, self.headers)
        parser = EventParser()
        async for part in self:
            for event in parser.feed(part):
                yield event

    async def whole(self) -> ClientResponse:
        """Read the rest of the body, and return the response."""
        parts = []
        while (part := await self._part()) is not None:
            parts.append(part)
        self._response.body = b"".join(parts)
        return self._response

    def pause(self) -> None:
        """Stop reading the response, as a slow client does."""
        self._connection.pause()

    def resume(self) -> None:
        """Continue reading the response after `pause`."""
        self._connection.resume()

    def close(self) -> None:
        """Close the connection, even if the response is incomplete."""
        self._connection.leave()

    @property
    def background(self) -> list[CallsOfRequest]:
        """The background tasks of the request, including those that have ended."""
        return self._connection.background

    @property
    def received(self) -> ClientResponse:
        """The response with the head and the part of the body that have arrived."""
        return self._response

    async def begun(self) -> None:
        """Wait until the head of the response has arrived."""
        while not self._connection.parser.head:
            self._check()
            await self._connection.news()
        self._handler_errors.raise_at_head()

    def unlimit(self) -> None:
        """Stop the timeout until the client waits for the next part."""
        self._connection.limit(None)

    async def _part(self) -> bytes | None:
        """Wait for the next part of the body; None at the end."""
        parser = self._connection.parser
        while not parser.parts:
            self._check()
            if parser.done:
                self._handler_errors.raise_first()  # a handler may raise an exception after the last part
                return None
            await self._connection.news()
        return parser.parts.pop(0)

    def _check(self) -> None:
        if self._connection.error is not None:
            if isinstance(self._connection.error, ProtocolError):
                self._handler_errors.raise_first()  # if the handler has failed, this is why the response was cut off
            raise self._connection.error
