"""Streams of typed items: JSON lines, or server-sent events if the route has the Content-Type `text/event-stream`.

    @app.get("/rooms")
    async def rooms() -> AsyncIterator[Room]:
        ...

JSON lines have one line of JSON for each item. An event has the JSON in its `data`. The JSON has no line breaks. To set
the event's type, id or retry time, yield a ServerSentEvent.
"""

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Generator, Iterable, Iterator
from functools import partial
from typing import Any, Final, get_args, get_origin

from msgspec import Struct

from ropewalk.errors import InvalidField, shown
from ropewalk.headers import content_type as parse_content_type
from ropewalk.response import Response, to_json
from ropewalk.streaming import close_parts

JSON_LINES: Final = "application/jsonl"
EVENTS: Final = "text/event-stream"

_ASYNC: Final = (AsyncIterator, AsyncIterable, AsyncGenerator)
_PLAIN: Final = (Iterator, Iterable, Generator)


class ServerSentEvent(Struct, frozen=True, kw_only=True):
    """A server-sent event (HTML, section 9.2).

    Raises InvalidField (RW304) for line breaks or NUL in `event` or `id`.
    """

    data: Any = None
    """The data of the event. A str is sent unchanged, any other value as JSON."""
    event: str | None = None
    """The type of the event. For None, clients use the type `message`."""
    id: str | None = None
    """The id of the event. A client that reconnects sends the last id that it has received, so that the server can
    continue after this event."""
    retry: int | None = None
    """The time in milliseconds that a client waits before it reconnects."""
    comment: str | None = None
    """A comment, which is sent with the event, and which clients ignore."""

    def __post_init__(self) -> None:
        for name in ("event", "id"):
            value = getattr(self, name)
            if value is not None and any(character in value for character in "\r\n\0"):
                raise InvalidField(f"The {name} of an event is {shown(value)}.", "Remove line breaks and NUL.")

    def encode(self) -> bytes:
        """The event as the bytes that are sent."""
        lines = []
        if self.comment is not None:
            lines += [f": {line}".encode() for line in _lines(self.comment)]
        if self.event is not None:
            lines.append(f"event: {self.event}".encode())
        if self.id is not None:
            lines.append(f"id: {self.id}".encode())
        if self.retry is not None:
            lines.append(b"retry: %d" % self.retry)
        if isinstance(self.data, str):
            lines += [f"data: {line}".encode() for line in _lines(self.data)]
        elif self.data is not None:
            lines.append(b"data: " + to_json(self.data))
        return b"\n".join([*lines, b"", b""])


def item_kind(kind: Any) -> Any:
    """The item type of a stream's annotation, such as `AsyncIterator[Room]`; None for any other type."""
    if get_origin(kind) not in (*_ASYNC, *_PLAIN):
        return None
    return get_args(kind)[0]


def stream_of(to_data: Callable[[Any], bytes], content_type: str | None) -> Callable[[Any], Any]:
    """Return a function that makes a Response from an iterator. `to_data` converts an item to JSON."""
    kind = content_type or JSON_LINES
    encode = partial(_event if parse_content_type(kind)[0] == EVENTS else _line, to_data)

    def respond(items: Any) -> Any:
        if isinstance(items, Response) or items is None:
            return items
        encode_each = _encode_each_async if hasattr(items, "__aiter__") else _encode_each
        return Response(encode_each(items, encode), content_type=kind)

    return respond


async def _encode_each_async(items: Any, encode: Callable[[Any], bytes]) -> AsyncIterator[bytes]:
    try:
        async for item in items:
            yield encode(item)
    finally:
        await close_parts(items)


def _encode_each(items: Any, encode: Callable[[Any], bytes]) -> Iterator[bytes]:
    try:
        for item in items:
            yield encode(item)
    finally:
        if hasattr(items, "close"):
            items.close()


def _line(to_data: Callable[[Any], bytes], item: Any) -> bytes:
    return to_data(item) + b"\n"


def _event(to_data: Callable[[Any], bytes], item: Any) -> bytes:
    if isinstance(item, ServerSentEvent):
        return item.encode()
    return b"data: " + to_data(item) + b"\n\n"


def _lines(text: str) -> list[str]:
    """Split a text at the line breaks of event streams. `str.splitlines` also splits at other characters."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
