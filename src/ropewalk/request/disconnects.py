"""What happens when a client disconnects or its response is complete: the handler is cancelled, and Waiters of the
exchange fire."""

from ropewalk.errors import Disconnected, ResponseEnded
from ropewalk.request.body import UNREAD
from ropewalk.request.body_writer import BodyWriter
from ropewalk.request.waits import UNWANTED, fire, fire_all, take


class EndingExchange(BodyWriter):
    """An exchange with `on_...` methods, which the engine calls for events such as a disconnect."""

    __slots__ = ()

    def on_readable(self) -> None:
        fire(self, "_arrival", None)

    def on_writable(self) -> None:
        fire_all(self, "_space", None)
        producer = getattr(self, "_producer", None)
        if producer is not None and not self.pressure:
            self.guard(producer.resumeProducing)

    def on_half_close(self) -> None:
        self._half_closed = True
        fire_all(self, "_half_close_waits", None)

    def on_gone(self, reason: str, /) -> None:
        self._close_event_stream()
        fire_all(self, "_leaving", None)
        running = take(self, "_running")
        if running is not None:
            after = getattr(self, "_after", None)
            if after is not None:
                after.handler_is_cancelled = True
            self.guard(running.cancel)
        producer = take(self, "_producer")
        if producer is not None:
            self.guard(producer.stopProducing)
        error = Disconnected(f"The exchange is over: {reason}.")
        fire(self, "_arrival", error)
        fire_all(self, "_space", error)
        fire_all(self, "_endings", error)

    def on_done(self) -> None:
        self._close_event_stream()
        fire_all(self, "_leaving", None)
        if hasattr(self, "_arrival"):
            fire(self, "_arrival", ResponseEnded(UNREAD))
        if hasattr(self, "_space"):
            fire_all(self, "_space", ResponseEnded(UNWANTED))
        fire_all(self, "_endings", None)

    def _close_event_stream(self) -> None:
        stream = getattr(self, "_event_stream", None)
        if stream is not None:
            stream.close()
