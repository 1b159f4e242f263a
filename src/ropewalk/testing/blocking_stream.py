"""A response whose body is still arriving, for the test client `Client`."""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from ropewalk.testing.client_response import ClientResponse
from ropewalk.testing.received_head import ReceivedHead
from ropewalk.testing.streamed_response import StreamedResponse
from ropewalk.typed import ServerSentEvent

Item = TypeVar("Item")

END: Final = object()


class BlockingStream(ReceivedHead):
    """A response whose body is still arriving: `for part in response`.

    The app runs only while the client waits for a part.

    The end of `with` closes the connection, which cancels the handler if it still runs, and waits a moment until the
    handler has ended.
    """

    def __init__(self, response: StreamedResponse, run: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        self._response: StreamedResponse = response
        self._run = run

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        part = self._run(anext_or_end(self._response))
        if part is END:
            raise StopIteration
        return bytes(part)

    def lines(self) -> Iterator[str]:
        """Iterate over the lines of the body, as `StreamedResponse.lines` does."""
        return self._iterate(self._response.lines())

    def json_lines(self) -> Iterator[Any]:
        """Iterate over the values in a body of JSON lines, as `StreamedResponse.json_lines` does."""
        return self._iterate(self._response.json_lines())

    def events(self) -> Iterator[ServerSentEvent]:
        """Iterate over the events of a `text/event-stream`, as `StreamedResponse.events` does."""
        return self._iterate(self._response.events())

    def whole(self) -> ClientResponse:
        """Read the rest of the body, and return the response."""
        response: ClientResponse = self._run(self._response.whole())
        return response

    def close(self) -> None:
        """Close the connection, even if the response is incomplete, and wait a moment until the handler has ended."""
        self._run(self._response.__aexit__(None, None, None))

    def _iterate(self, items: AsyncIterator[Item]) -> Iterator[Item]:
        while (item := self._run(anext_or_end(items))) is not END:
            yield item


async def anext_or_end(items: AsyncIterator[Any]) -> Any:
    """Return the next item, or END if there is none, because a coroutine cannot raise StopAsyncIteration or
    StopIteration."""
    return await anext(items, END)
