"""Responses of type `text/event-stream`. They never end by themselves, so they end when the server begins to stop.

How such a response ends depends on the source of its body:

- an ASGI application registers a function with `end_by`, which is called;
- an iterator, generator or coroutine that produces parts is cancelled;
- if the handler has returned and callbacks write the body, the response is ended;
- a producer is stopped when the response ends.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from ropewalk.headers import Text, content_type, text
from ropewalk.waiting import Waiter, call_soon

if TYPE_CHECKING:
    from ropewalk.request.body_writer import BodyWriter

_TYPE: Final = "content-type"
_TYPE_LENGTH: Final = len(_TYPE)


class EventStream:
    """One response of type `text/event-stream` whose head has been sent."""

    __slots__ = ("_end", "_produces", "_request", "_wait", "stopped")

    def __init__(self, request: "BodyWriter") -> None:
        self.stopped = False
        """Whether the server began to stop while the response was being sent."""
        self._end: Callable[[], object] | None = None
        self._produces: bool | None = None
        self._request = request
        self._wait: Waiter[None] | None = request.stopping
        self._wait.addCallbacks(self._stop_begins, _ignore)

    def end_by(self, end: Callable[[], object]) -> None:
        """Call `end` when the server begins to stop, instead of cancelling the handler."""
        if self._wait is not None:
            self._end = end

    def produces(self, on: bool) -> None:
        """Set whether the handler's coroutine is producing parts of the body, so that a stop of the server cancels this
        coroutine."""
        self._produces = on

    def close(self) -> None:
        """Stop waiting for a stop of the server, because the exchange has ended."""
        self._end = None
        wait, self._wait = self._wait, None
        if wait is not None:
            wait.cancel()

    def _stop_begins(self, _: None) -> None:
        self.stopped = True
        call_soon(self._end_for_stop)  # later, because a handler cannot be cancelled before its first await

    def _end_for_stop(self) -> None:
        request = self._request
        if request.finished:
            return
        if self._end is not None:
            end, self._end = self._end, None
            request.guard(end)
        elif self._produces is None and request.is_detached():
            request.end_stream()
        elif request.started if self._produces is None else self._produces:
            request.cancel_handler()


def sends_events(fields: Iterable[tuple[Text, Text]]) -> bool:
    """Whether the header fields of a response announce an event stream (HTML standard, section 9.2)."""
    for name, value in fields:
        if len(name) == _TYPE_LENGTH and name.lower() == (b"content-type" if isinstance(name, bytes) else _TYPE):
            return is_event_stream(value)
    return False


def is_event_stream(value: Text) -> bool:
    """Whether a Content-Type is `text/event-stream`."""
    # Few responses are event streams, and a search in the value is faster than `content_type`, which parses it.
    likely = b"event-stream" in value.lower() if isinstance(value, bytes) else "event-stream" in value.lower()
    return likely and content_type(text(value))[0] == "text/event-stream"


def _ignore(_: object) -> None:
    """Ignore the error of the cancelled wait."""
