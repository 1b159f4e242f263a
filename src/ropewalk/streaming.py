"""Bodies that are sent part by part, as the client takes them."""

from asyncio import CancelledError
from collections.abc import Callable, Coroutine, Generator
from typing import TYPE_CHECKING, Any, Final

from ropewalk.charsets import UTF_8, codec_for, encoder
from ropewalk.request import Request, octets, sends_events

if TYPE_CHECKING:
    from ropewalk.response import Response

SHARE: Final = 256 * 1024
"""Bytes that one streamed body may send before others have a turn, where the client takes all of it."""
PART: Final = 256
"""What a part costs of that besides its size."""


async def stream(request: Request, response: "Response", parts: Any) -> None:
    """Send parts as the client takes them. The head leaves with the first part, so that an error before it is a 500.

    A stream of events ends when a stop begins, since it would else end never.
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
                await sender.rest()
    else:
        for part in parts:
            if not sender.send(part):
                await sender.rest()


async def until_stop(request: Request, work: Coroutine[Any, Any, Any], otherwise: Any = None) -> Any:
    """Run a coroutine that makes parts of a stream of events. If a stop of the server ends it: `otherwise`."""
    events = request.end_at_stop()
    if events is None:  # the exchange has ended
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
    """Sends the parts of one body, and says when it is time to rest."""

    __slots__ = ("_encode", "_full", "_request", "_response", "_share")

    def __init__(self, request: Request, response: "Response") -> None:
        self._encode: Callable[..., bytes] | None = None
        """What makes bytes of str, once there was a part of that."""
        self._request = request
        self._response = response
        self._full = False
        self._share = SHARE

    def send(self, part: Any) -> bool:
        """Send a part. False: call `rest` before the next one."""
        data = part if isinstance(part, bytes) else self._octets(part)
        if not self._request.started:
            self._response.take_type_of(part)
            self._response.begin(self._request)
        if data:
            self._full = not self._request.write(data)
        self._share -= len(data) + PART
        return not self._full and self._share > 0

    def end(self) -> None:
        """Send what the charset has at its end."""
        if self._encode is not None and self._encode is not octets:
            rest = self._encode("", True)
            if rest:
                self._request.write(rest)

    def _octets(self, part: Any) -> bytes:
        if not part or not isinstance(part, str):
            return octets(part)
        if self._encode is None:
            if not self._request.started:
                self._response.take_type_of(part)
            codec = codec_for(self._response.headers.content_type())
            self._encode = octets if codec == UTF_8 else encoder(codec)
        return self._encode(part)

    async def rest(self) -> None:
        """Wait until the client has taken enough; and let others have their turn where it takes all."""
        if self._full:
            await self._request.writable()
        else:
            await _Turn()
        self._share = SHARE


class _Turn:
    """Awaited by a handler, gives the reactor a turn."""

    def __await__(self) -> Generator[None, None, None]:
        yield


async def close_parts(parts: Any) -> None:
    if hasattr(parts, "aclose"):
        await parts.aclose()
    elif hasattr(parts, "close"):
        parts.close()
