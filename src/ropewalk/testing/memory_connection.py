"""One connection of a test client to the engine, in memory."""

from typing import TYPE_CHECKING, Any, Final

from ropewalk._engine import Pipe
from ropewalk.calling import CallsOfRequest, HandlerTask
from ropewalk.clocks import using
from ropewalk.testing.handler_ends import end_of
from ropewalk.testing.handler_errors import HandlerErrors
from ropewalk.testing.idle_reactor import ReactorElsewhere, ReactorInUse
from ropewalk.testing.protocol_error import ProtocolError
from ropewalk.testing.response_parser import ResponseParser
from ropewalk.testing.timeouts import ClientTimeout, no_response
from ropewalk.waiting import Waiter

if TYPE_CHECKING:
    from ropewalk.testing.harness import Harness
    from ropewalk.testing.recording_service import RecordingService

CLIENT: Final = ("127.0.0.1", 50000)
SERVER: Final = ("127.0.0.1", 80)


class MemoryConnection:
    """One connection in memory. The engine writes the response to this object, which parses it."""

    def __init__(
        self, harness: "Harness", service: "RecordingService", method: str, target: str, *, secure: bool
    ) -> None:
        self.parser = ResponseParser(method)
        self.error: ProtocolError | ClientTimeout | ReactorElsewhere | ReactorInUse | None = None
        self.handler_errors = HandlerErrors()
        self.background: list[CallsOfRequest] = []
        """The background tasks of the request, including those that have ended."""
        self.flowing = True
        """Whether the engine accepts more bytes of the request."""
        self._harness = harness
        self._service = service
        self._asked = method, target
        self._timer: Any = None
        self._news: Waiter[None] | None = None
        self._over = False
        self._pipe: Pipe = service.engine.open_pipe(
            self, client=harness.address or CLIENT, server=SERVER, secure=secure
        )

    def send(self, data: bytes) -> None:
        """Send bytes of the request to the server."""
        with using(self._service.clock):
            self._pipe.feed(data)

    def news(self) -> Waiter[None]:
        """Return a Waiter that fires when the server has sent bytes, reads the request again, or ends the
        connection."""
        self._news = Waiter()
        return self._news

    def limit(self, seconds: float | None) -> None:
        """Set the timeout, in seconds from now; None for no limit. It replaces an earlier timeout."""
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        if seconds is not None and not self._over:
            self._timer = self._service.call_later(seconds, self._expire, seconds)

    def pause(self) -> None:
        """Stop reading the response."""
        self._pipe.pause()

    def resume(self) -> None:
        """Continue to read the response."""
        self._pipe.resume()

    async def leave_and_wait(self) -> None:
        """Close the connection at once, which cancels its handler, and wait a moment until the handler has ended."""
        request, _ = (None, None) if self._over else self._service.find(self)
        task = getattr(request, "_running", None)
        self.leave()
        if isinstance(task, HandlerTask):
            await end_of({task})

    def leave(self) -> None:
        """Close the connection at once."""
        if not self._over:
            self._over = True
            self.limit(None)
            self._pipe.lost()
            self.background.clear()  # their requests refer to this object
            self._harness.closed(self)

    def fail(self, error: ClientTimeout | ReactorElsewhere | ReactorInUse) -> None:
        """Let the request fail with an error, unless its response is complete."""
        if not self.parser.done:
            self.error = error
            self._tell()

    # The following methods are called by the engine.

    def write(self, data: bytes, /) -> None:
        """Parse bytes of the response that the server has sent."""
        try:
            self.parser.feed(data)
        except ProtocolError as error:
            self.error = error
        self._tell()

    def end_writing(self) -> None:
        """End the response: the server has closed its sending side, and still reads."""
        self.close()

    def close(self) -> None:
        """End the response: the server has closed the connection."""
        try:
            self.parser.end()
        except ProtocolError as error:
            self.error = error
        self._tell()

    def abort(self) -> None:
        """End the response: the server has aborted the connection."""
        self.close()

    def pause_reading(self) -> None:
        """Record that the server has stopped reading the request."""
        self.flowing = False

    def resume_reading(self) -> None:
        """Record that the server reads the request again."""
        self.flowing = True
        self._tell()

    def _expire(self, seconds: float) -> None:
        self._timer = None
        found = self._service.find(self)
        self.fail(no_response(*self._asked, seconds, *found, self._service.clock.advanced))

    def _tell(self) -> None:
        news, self._news = self._news, None
        if news is not None and not news.called:
            news.callback(None)
