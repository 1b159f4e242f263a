"""Responses of type `text/event-stream`, which never end by themselves: they end when the server stops.

The sources of such a body differ, and so does its end, after a stop has begun:

- ASGI applications register `end`, which is called;
- an iterator, generator or coroutine that makes parts is cancelled;
- a handler that has returned, and left callbacks to write the body, has its response ended;
- a producer is stopped with the response.
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
    """One response of type `text/event-stream`, from its head on."""

    __slots__ = ("_end", "_produces", "_request", "_wait", "stopped")

    def __init__(self, request: "BodyWriter") -> None:
        self.stopped = False
        """Whether a stop began while the response was sent."""
        self._end: Callable[[], object] | None = None
        self._produces: bool | None = None
        self._request = request
        self._wait: Waiter[None] | None = request.stopping
        self._wait.addCallbacks(self._stop_begins, _ignore)

    def end_by(self, end: Callable[[], object]) -> None:
        """Call `end` when a stop begins, instead of cancelling the handler."""
        if self._wait is not None:
            self._end = end

    def produces(self, on: bool) -> None:
        """Set whether the handler's coroutine makes parts of the body now, and can be cancelled when a stop begins."""
        self._produces = on

    def close(self) -> None:
        """The exchange has ended."""
        self._end = None
        wait, self._wait = self._wait, None
        if wait is not None:
            wait.cancel()

    def _stop_begins(self, _: None) -> None:
        self.stopped = True
        call_soon(self._end_for_stop)  # a handler in its first segment can be cancelled later than that

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
    """Whether the header fields of a response are those of a stream of events (HTML standard, section 9.2)."""
    for name, value in fields:
        if len(name) == _TYPE_LENGTH and name.lower() == (b"content-type" if isinstance(name, bytes) else _TYPE):
            return is_event_stream(value)
    return False


def is_event_stream(value: Text) -> bool:
    """Whether a Content-Type is `text/event-stream`."""
    # Few responses have it, and parsing with `content_type` costs more than this search.
    likely = b"event-stream" in value.lower() if isinstance(value, bytes) else "event-stream" in value.lower()
    return likely and content_type(text(value))[0] == "text/event-stream"


def _ignore(_: object) -> None:
    """The wait was cancelled."""
