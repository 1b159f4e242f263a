"""Bodies that are sent in parts, at the client's pace."""

from asyncio import CancelledError
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

from ropewalk.charsets import UTF_8, codec_for, encoder
from ropewalk.request import Request, octets, sends_events
from ropewalk.waiting import ReactorTurn

if TYPE_CHECKING:
    from ropewalk.response import Response

QUANTUM: Final = 256 * 1024
"""The maximum number of bytes that one streamed body may send before other requests run, if the client reads fast
enough."""
PART_COST: Final = 256
"""The bytes that are added to the size of each part when QUANTUM is checked, because every part costs time."""


async def stream(request: Request, response: "Response", parts: Any) -> None:
    """Send the parts of a body at the client's pace. The head is sent with the first part, so that an exception raised
    before the first part becomes a 500.

    An event stream ends when the server begins to stop, because it would never end by itself.
    """
    events = sends_events(response.headers.lines())
    sender = Sender(request, response)
    try:
        if request.method == "HEAD":
            pass
        elif events:
            await until_stop(request, _send_parts(sender, parts))
        else:
            await _send_parts(sender, parts)
        if not request.started:
            response.begin(request)
        sender.end()
        request.end(getattr(parts, "trailers", None))
    finally:
        await close_parts(parts)


async def _send_parts(sender: "Sender", parts: Any) -> None:
    if hasattr(parts, "__aiter__"):
        async for part in parts:
            if not sender.send(part):
                await sender.pause()
    else:
        for part in parts:
            if not sender.send(part):
                await sender.pause()


async def until_stop(request: Request, work: Coroutine[Any, Any, Any], otherwise: Any = None) -> Any:
    """Run a coroutine that produces parts of an event stream. Return `otherwise` if a stop of the server ends it."""
    events = request.end_at_stop()
    if events is None:  # None if the exchange has ended
        return await work
    if request.is_stopped():
        work.close()
        return otherwise
    events.produces(True)
    try:
        return await work
    except CancelledError:
        if request.gone or not request.is_stopped():
            raise
        request.uncancel()
        return otherwise
    finally:
        events.produces(False)


class Sender:
    """Sends the parts of one body, and reports when the caller must pause."""

    __slots__ = ("_encode", "_full", "_quantum", "_request", "_response")

    def __init__(self, request: Request, response: "Response") -> None:
        self._encode: Callable[..., bytes] | None = None
        """Encodes str parts. Set when the first str is sent."""
        self._request = request
        self._response = response
        self._full = False
        self._quantum = QUANTUM

    def send(self, part: Any) -> bool:
        """Send a part. Return False if the caller must await `pause` before the next one."""
        data = part if isinstance(part, bytes) else self._octets(part)
        if not self._request.started:
            self._response.take_type_of(part)
            self._response.begin(self._request)
        if data:
            self._full = not self._request.write(data)
        self._quantum -= len(data) + PART_COST
        return not self._full and self._quantum > 0

    def end(self) -> None:
        """Send the bytes that some charsets need at the end of a text."""
        if self._encode is not None and self._encode is not octets:
            last = self._encode("", True)
            if last:
                self._request.write(last)

    def _octets(self, part: Any) -> bytes:
        if not part or not isinstance(part, str):
            return octets(part)
        if self._encode is None:
            if not self._request.started:
                self._response.take_type_of(part)
            codec = codec_for(self._response.headers.content_type())
            self._encode = octets if codec == UTF_8 else encoder(codec)
        return self._encode(part)

    async def pause(self) -> None:
        """Wait until the send queue has room. If it already has, let other requests run."""
        if self._full:
            await self._request.writable()
        else:
            await ReactorTurn()
        self._quantum = QUANTUM


async def close_parts(parts: Any) -> None:
    """Close an iterator or generator of parts, if it can be closed."""
    if hasattr(parts, "aclose"):
        await parts.aclose()
    elif hasattr(parts, "close"):
        parts.close()
