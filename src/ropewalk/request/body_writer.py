"""The methods with which a handler writes the body of a response in parts: `write`, `finish`, and the methods for
producers."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Literal, overload

from ropewalk._engine import Exchange
from ropewalk.charsets import UTF_8, codec_for, encoder
from ropewalk.errors import Disconnected, HandlerError, ResponseEnded, RopewalkError, interrupts, named, phrase, shown
from ropewalk.headers import Text
from ropewalk.producing import Producer, PulledProducer, PullProducer
from ropewalk.request.event_stream import EventStream, sends_events
from ropewalk.request.twisted_names import TwistedNames
from ropewalk.request.waits import fire_all, take

if TYPE_CHECKING:
    from ropewalk.calling.background import CallsOfRequest

BODILESS: Final = (204, 205, 304)
"""Statuses of responses without a body (RFC 9110, sections 6.4.1 and 15.3.6)."""

_PLAIN: Final = ((b"content-type", b"text/plain; charset=utf-8"),)
_STOPS: Final = "The server is stopping."


class BodyWriter(TwistedNames):
    """An exchange whose response body the handler may write, or leave to a producer or to callbacks."""

    __slots__ = ("_after", "_detached", "_event_stream", "_producer", "_running")

    _after: "CallsOfRequest"
    """The functions that `Request.after` has added, to run after the response. Unset if there are none."""
    _detached: bool
    """Whether the handler has returned, so that its callbacks write the response."""
    _encode: Callable[..., bytes]
    """Encodes str parts in the response's charset. Set when the first str is written."""
    _event_stream: EventStream
    """Set if the response is an event stream."""
    _producer: Producer
    _running: Any
    """The Deferred or task of the running handler. It is cancelled if the client disconnects."""

    def write(self, data: Text, /) -> bool:
        """Send a part of the body. The first call sends the head, too.

        Returns False if the send queue is over its high-water mark: then wait for `writable`. Raises ResponseEnded
        after the end, WrongLength for more bytes than Content-Length announces, and HandlerError (RW201) for a value
        that is not bytes or str, or if the status allows no body.
        """
        try:
            part = data if isinstance(data, bytes) else self._text_part(data)
            status = getattr(self, "_status", 200) if self.status is None else self.status
            if part and status in BODILESS:
                what = f"A body was written to a response of status {status}."
                raise HandlerError("RW201", what, "Leave it out, or choose another status.")
            if not self.started:
                fields = getattr(self, "_fields", None)
                self.begin(status, () if fields is None else fields.encoded())
            room = Exchange.write(self, part)
        except RopewalkError as error:
            if self.is_stopped() and self.finished:
                raise Disconnected(_STOPS) from None
            self._refused(error)
            raise
        if not room:
            self._pause_producer()
        return room

    def finish(self) -> None:
        """End the response. If the client has disconnected, this does nothing.

        Raises ResponseEnded if the response has already ended, and WrongLength if Content-Length announces more bytes
        than were written.
        """
        self.unregisterProducer()
        if self.gone or (self.finished and self.is_stopped()):
            return
        try:
            if self.finished:
                raise ResponseEnded("`finish` was called after the end of the response.")
            if self.started:
                encode: Callable[..., bytes] = getattr(self, "_encode", octets)
                if encode is not octets:
                    Exchange.write(self, encode("", True))  # some charsets need additional bytes at the end of a text
                self.end()
            else:
                self.respond(getattr(self, "_status", 200), self._own_fields().encoded(), b"")
        except RopewalkError as error:
            self._refused(error)
            raise

    def begin(self, status: int, fields: Iterable[tuple[Text, Text]], length: int | None = None, /) -> None:
        """Send the head of a streamed response.

        The body is framed by `length` (bytes) if it is given, otherwise by chunks. For an HTTP/1.0 client, the end of
        the connection ends the body instead.
        """
        fields = list(fields)
        super().begin(status, fields, length)
        if sends_events(fields):
            self.end_at_stop()

    @overload
    def registerProducer(self, producer: Producer, streaming: Literal[True]) -> None: ...
    @overload
    def registerProducer(self, producer: PullProducer, streaming: Literal[False]) -> None: ...
    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Let a producer write the body at the client's pace: an IPushProducer if `streaming`, else an IPullProducer.

        The producer is stopped if the client disconnects, and at once if the response is already complete. Raises
        RuntimeError if there is a producer already.
        """
        if getattr(self, "_producer", None) is not None:
            raise RuntimeError("The request already has a producer. Unregister that first.")
        if self.finished:
            producer.stopProducing()
            return
        self._producer = producer if streaming else PulledProducer(producer, self._fail_producing)
        if self.pressure:
            self._pause_producer()
        elif not streaming:
            self._producer.resumeProducing()

    def unregisterProducer(self) -> None:
        """Remove the producer after it has written everything. `finish` does this too."""
        producer = take(self, "_producer")
        if isinstance(producer, PulledProducer):
            producer.pauseProducing()

    # The following methods are called by other modules of Ropewalk.

    def run(self, running: Any) -> None:
        """Set the Deferred or task of the running handler. Its `cancel` is called if the client disconnects."""
        self._running = running

    def ran(self) -> None:
        """Forget the running handler, because it has ended."""
        take(self, "_running")
        after = getattr(self, "_after", None)
        if after is not None:
            after.handler_is_cancelled = False
            after.note_end()

    def uncancel(self) -> None:
        """Undo one cancellation of the running handler after it has been handled. Only asyncio tasks count
        cancellations; for any other handler, this does nothing."""
        running: Any = getattr(self, "_running", None)
        if hasattr(running, "uncancel"):
            running.uncancel()

    def cancel_handler(self) -> None:
        """Cancel the running handler, if there is one."""
        running = getattr(self, "_running", None)
        if running is not None:
            self.guard(running.cancel)

    def detach(self) -> None:
        """Record that the handler has returned, and that its callbacks write the response."""
        self._detached = True

    def is_detached(self) -> bool:
        """Whether the handler has returned, so that its callbacks write the response."""
        return getattr(self, "_detached", False)

    def is_stopped(self) -> bool:
        """Whether the response is an event stream, and the server has begun to stop."""
        stream = getattr(self, "_event_stream", None)
        return stream is not None and stream.stopped

    def end_at_stop(self) -> EventStream | None:
        """Record that the response is an event stream, which ends when the server begins to stop. Return None if the
        response has already ended.
        """
        if getattr(self, "_event_stream", None) is None and not self.finished:
            self.notify_done = True  # so that `on_done` cancels the wait for a server stop
            self._event_stream = EventStream(self)
        return getattr(self, "_event_stream", None)

    def end_stream_by(self, end: Callable[[], object]) -> None:
        """For an event stream: call `end` when the server begins to stop, instead of cancelling the handler."""
        stream = getattr(self, "_event_stream", None)
        if stream is not None:
            stream.end_by(end)

    def end_stream(self) -> None:
        """End the body when the server begins to stop. The client gets a complete response. The source of the body is
        notified as if the client had disconnected.
        """
        error = Disconnected(_STOPS)
        producer = take(self, "_producer")
        if producer is not None:
            self.guard(producer.stopProducing)
        fire_all(self, "_leaving", None)
        fire_all(self, "_space", error)
        fire_all(self, "_endings", error)
        if not self.finished:
            self.guard(self.end)

    def give_up(self) -> None:
        """Respond with a plain 500, without calling code that may already have failed."""
        self.forget()
        self.respond(500, _PLAIN, f"{phrase(500)}\n")

    def guard(self, call: Callable[[], object]) -> None:
        """Call a callback of the handler.

        An exception counts as a failure of the handler, so that it does not reach the engine.
        """
        try:
            call()
        except BaseException as error:
            if interrupts(error):
                raise
            self._fail_producing(error)

    def _fail_producing(self, error: BaseException) -> None:
        self.unregisterProducer()
        self.service.fail(self, error)

    def _pause_producer(self) -> None:
        producer = getattr(self, "_producer", None)
        if producer is not None:
            producer.pauseProducing()

    def _text_part(self, part: object) -> bytes:
        """Encode a part that is not bytes, in the charset of the response's Content-Type, or else in UTF-8."""
        if not part or not isinstance(part, str):
            return octets(part)
        encode = getattr(self, "_encode", None)
        if encode is None:
            fields = getattr(self, "_fields", None)
            codec = UTF_8 if fields is None else codec_for(fields.get("content-type"))
            encode = self._encode = octets if codec == UTF_8 else encoder(codec)
        return encode(part)

    def _refused(self, error: RopewalkError) -> None:
        """Handle a failed write. If the handler has already returned, abort the response or send a 500, because no
        other code responds.
        """
        if self.engine_handler is not None and not isinstance(error, Disconnected):
            error.prefix(named(self.engine_handler.call))
        if not self.is_detached() or self.finished:
            return
        with suppress(Disconnected):  # the engine may have closed the connection
            if self.started:
                self.abort()
            else:
                self.give_up()


def octets(part: object) -> bytes:
    """Return a part of a body as bytes; str is encoded as UTF-8. Raises HandlerError (RW201) for any other type."""
    if isinstance(part, bytes):
        return part
    if not isinstance(part, str):
        kind = type(part).__qualname__
        raise HandlerError("RW201", f"A body has a part of type {kind}.", "Write or yield bytes or str.")
    try:
        return part.encode()
    except UnicodeEncodeError:
        what = f"A body has a part that UTF-8 cannot encode: {shown(part)}."
        raise HandlerError("RW201", what, "Write bytes, or text without lone surrogates.") from None
