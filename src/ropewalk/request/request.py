"""A request: what the client asked, read when somebody asks for it, and the way to answer."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from copy import copy
from datetime import datetime, timedelta
from io import BufferedReader, BytesIO, FileIO
from types import SimpleNamespace, TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Literal, TypeVar, cast, overload
from urllib.parse import parse_qsl, unquote

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ropewalk._engine import PENDING, Endpoint, Exchange
from ropewalk.charsets import UTF_8, codec_for, encoder, find_codec
from ropewalk.cookies import format_twisted_cookie, parse_cookies
from ropewalk.errors import (
    AnswerOver,
    BadBody,
    Disconnected,
    HandlerError,
    HTTPError,
    InvalidField,
    RopewalkError,
    interrupts,
    is_status,
    named,
    phrase,
    shown,
)
from ropewalk.headers import (
    Headers,
    Text,
    content_type,
    location,
    reason_phrase,
    text,
)
from ropewalk.json_values import read_json
from ropewalk.producing import Producer, PulledProducer, PullProducer
from ropewalk.waiting import Waiter, call_soon, failed, ready

if TYPE_CHECKING:
    from ropewalk.calling.settling import BegunBody, Settled
    from ropewalk.response import Response

__all__ = ["PENDING", "Address", "BodyStream", "Endpoint", "Query", "Request"]

Type = TypeVar("Type")

PART: Final = 64 * 1024
"""Bytes of one part of a stream where the body is whole already."""

_UNREAD: Final = "The answer was complete before the body."
_UNWANTED: Final = "The answer is complete, and there is nothing more to be written."

_PLAIN: Final = ((b"content-type", b"text/plain; charset=utf-8"),)

_TYPE: Final = "content-type"
_TYPE_LENGTH: Final = len(_TYPE)
_STOPS: Final = "The server stops."

BODILESS: Final = (204, 205, 304)
"""Statuses of answers that have no body (RFC 9110, sections 6.4.1 and 15.3.6)."""

Address = tuple[str, int] | str | None
"""A host and port, the path of a UNIX socket, or None where there is no address."""


class Request(Exchange):
    """One request and its answer, made by the engine.

    From the engine: `method`, `path` (decoded), `raw_path` (bytes as sent), `query_string`, `target`, `http_version`,
    `scheme`, `host`, `client`, `server` and `peer` (`(host, port)`, a UNIX socket's path, or None), `content_length`
    (bytes), `has_body`, `params` (the path's parameters), and `header(name)` for one field without making `headers`.

    `peer` is the other end of the connection. It is the `client`, unless an app has `TrustedProxies` and it is one of
    them; then `client` is whom the proxy tells of, with port 0 or as None where it does not tell.

    Twisted's names for resources that answer by themselves and return `NOT_DONE_YET`: `setResponseCode`, `setHeader`,
    `getHeader`, `addCookie`, `redirect`, `write`, `finish`, `processingFailed`, `notifyFinish`, `registerProducer`,
    `unregisterProducer`, `isSecure`, `args`, `prepath`, `postpath` and `uri`. Status and headers that are set in this
    way count over those of any value that a handler returns; an error forgets them.
    """

    __slots__ = (
        "_args",
        "_arrival",
        "_body",
        "_content",
        "_cookies",
        "_detached",
        "_encode",
        "_end_stream",
        "_endings",
        "_failing",
        "_failure",
        "_fields",
        "_half_close_waits",
        "_half_closed",
        "_headers",
        "_leaving",
        "_postpath",
        "_prepath",
        "_producer",
        "_query",
        "_running",
        "_space",
        "_state",
        "_status",
        "_stop",
        "_stopped",
        "_streamed",
        "_streams",
        "begun",
        "settled",
    )

    # Slots start unset: nothing is paid for what a handler does not use.
    _args: dict[bytes, list[bytes]]
    _arrival: Waiter[None]
    _body: bytes
    _content: BinaryIO
    _cookies: dict[str, str]
    _detached: bool
    _encode: Callable[..., bytes]
    _end_stream: Callable[[], object]
    _endings: list[Waiter[None]]
    _failing: bool
    _failure: "tuple[Response, TracebackType | None]"
    _fields: Headers
    _half_close_waits: list[Waiter[None]]
    _half_closed: bool
    _headers: Headers
    _leaving: list[Waiter[None]]
    _postpath: list[str]
    _prepath: list[str]
    _producer: Producer
    _query: "Query"
    _running: Any
    _space: list[Waiter[None]]
    _state: SimpleNamespace
    _status: int
    _stop: Waiter[None]
    _stopped: bool
    _streamed: bool
    _streams: bool
    begun: "Sequence[BegunBody]"
    """Streamed bodies whose first part was made inside of middleware."""
    settled: "Settled"
    """The response that `next` gave last."""

    # What was asked

    @property
    def headers(self) -> Headers:
        """The header fields."""
        try:
            return self._headers
        except AttributeError:
            self._headers = Headers.received(self.raw_headers())
            return self._headers

    @property
    def query(self) -> "Query":
        """The parameters of the query, decoded as UTF-8."""
        try:
            return self._query
        except AttributeError:
            self._query = Query(self.query_string)
            return self._query

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies by name (RFC 6265, section 5.4)."""
        try:
            return self._cookies
        except AttributeError:
            given = self.header("cookie") and "; ".join(self.headers.all("cookie"))
            self._cookies = parse_cookies(given)
            return self._cookies

    @property
    def url(self) -> str:
        """The whole address that was asked for, as the client sees it where no proxy rewrites it."""
        query = b"?" + self.query_string if self.query_string else b""
        return f"{self.scheme}://{self.host}{(self.raw_path + query).decode('ascii')}"

    @property
    def state(self) -> SimpleNamespace:
        """A place for what middleware and handlers want to tell each other."""
        try:
            return self._state
        except AttributeError:
            self._state = SimpleNamespace()
            return self._state

    def url_for(self, name: str, /, **params: Any) -> str:
        """The path of a named route of the app that serves this request. Raises TreeError where there is none."""
        return cast("str", self.service.app.url_for(name, **params))

    # Its body

    def body(self, limit: int | None = None) -> Waiter[bytes]:
        """The whole body. `limit` (bytes) stands in place of the route's and the engine's.

        Fails with BodyTooLarge, with BadBody where the body is malformed, with Disconnected, and with AnswerOver where
        the answer was complete before the body: the rest of it is dropped.
        """
        try:
            return ready(self._body)
        except AttributeError:
            pass
        try:
            self._refuse_streamed()
            if not self.body_complete:
                self.collect(limit)
                if not self.body_complete:
                    return cast("Waiter[bytes]", self._readable().addCallback(self._whole))
            return ready(self._whole())
        except Exception as error:  # noqa: BLE001 - a caller gets every failure at the same place: from the Waiter
            return failed(error)

    def text(self, limit: int | None = None) -> Waiter[str]:
        """The whole body as str, by the charset of its Content-Type, else UTF-8.

        Fails with HTTPError 415 for a charset that is not on the list (see `ropewalk.charsets`), with 400 where the
        body is not in it, and as `body` does.
        """
        return cast("Waiter[str]", self.body(limit).addCallback(self._decode))

    @overload
    def json(self, type: type[Type], *, limit: int | None = None) -> Waiter[Type]: ...
    @overload
    def json(self, type: Any = Any, *, limit: int | None = None) -> Waiter[Any]: ...
    def json(self, type: Any = Any, *, limit: int | None = None) -> Waiter[Any]:
        """The whole body read as JSON (RFC 8259) and checked against a type that msgspec knows.

        Fails with HTTPError 400 where it is not JSON or has more than 200 arrays and objects within each other, with
        422 where it is not of the type, with HandlerError (RW211) where no JSON is, and as `body` does.
        """
        return cast("Waiter[Any]", self.body(limit).addCallback(read_json, type))

    def stream(self, limit: int | None = None) -> "BodyStream":
        """The body part by part, as it comes: `async for part in request.stream()`. Unread, it halts the client.

        Where the body has been read whole, as it is for plain handlers, the parts are of that.
        """
        self._refuse_streamed()
        if self.body_complete:
            self.content.seek(0)
            return BodyStream(self, self.content)
        self.receive(limit)
        self._streamed = True
        return BodyStream(self, None)

    @property
    def content(self) -> BinaryIO:
        """The body as a file at its start: in plain handlers, which are called when all of it is there."""
        try:
            return self._content
        except AttributeError:
            pass
        self._refuse_streamed()
        if self.has_body and not self.body_complete:
            raise HandlerError("RW207", "The content is read before the body is whole.")
        body = getattr(self, "_body", None)
        if body is None and self.spool is not None:
            self._content = _take_over(self.spool)
        else:
            self._content = BytesIO(self._whole() if body is None else body)
        return self._content

    @property
    def disconnected(self) -> Waiter[None]:
        """A new wait for the moment from which the client takes no more of this exchange.

        It fires when the client leaves or is cut off, and when the answer is complete: at once where either is so
        already. `gone` tells which it was. It never fails.
        """
        self.notify_done = True
        return self.leaving()

    @property
    def stopping(self) -> Waiter[None]:
        """A new wait for the moment at which a stop of the server begins. What runs is then finished, up to a deadline.

        Streams of events (`text/event-stream`) are ended by themselves.
        """
        return cast("Waiter[None]", self.service.stopping.wait())

    # Twisted's names

    @property
    def uri(self) -> bytes:
        """The target as sent."""
        return self.target

    @property
    def prepath(self) -> list[str]:
        """The segments of the path that led to the resource."""
        try:
            return self._prepath
        except AttributeError:
            return [unquote(segment) for segment in self.raw_path.decode("ascii").split("/")[1:]]

    @property
    def postpath(self) -> list[str]:
        """The segments of the path behind a leaf."""
        try:
            return self._postpath
        except AttributeError:
            return []

    @property
    def args(self) -> dict[bytes, list[bytes]]:
        """The parameters of the query as bytes, each with all its values. Forms in the body are not among them."""
        try:
            return self._args
        except AttributeError:
            self._args = {}
            for name, value in _pairs(self.query_string, "latin-1"):
                self._args.setdefault(name.encode("latin-1"), []).append(value.encode("latin-1"))
            return self._args

    def isSecure(self) -> bool:
        """Whether the client came by TLS, as far as this server or a trusted proxy has undone it."""
        return self.scheme == "https"

    @overload
    def getHeader(self, name: str) -> str | None: ...
    @overload
    def getHeader(self, name: bytes) -> bytes | None: ...
    def getHeader(self, name: Text) -> Text | None:
        """One field of the request, of the type of `name`."""
        value = self.header(text(name))
        if value is None or isinstance(name, str):
            return value
        return value.encode("latin-1")

    def setResponseCode(self, code: int, message: Text | None = None) -> None:
        """The status of the answer; `message` is its reason, in place of the registered one (RFC 9112, section 4).

        Raises InvalidField for what is no status, and for a message with control characters.
        """
        check_status(code)
        if message is not None:
            self.set_reason(code, reason_phrase(message))
        self._status = code
        self.prepared = True

    def setHeader(self, name: Text, value: Text) -> None:
        """Set a field of the answer, over the one that the handler's value brings. May raise InvalidField."""
        self._own_fields()[name] = value

    def addCookie(
        self,
        k: Text,
        v: Text,
        expires: Text | datetime | None = None,
        domain: Text | None = None,
        path: Text | None = None,
        max_age: Text | int | timedelta | None = None,
        comment: Text | None = None,
        secure: bool | None = None,
        httpOnly: bool = False,
        sameSite: Text | None = None,
    ) -> None:
        """Set a cookie (RFC 6265, section 4.1), with twisted.web's names and defaults; `comment` is not sent.

        What is given is sent. Raises InvalidField only for what would be another cookie, or none: controls and
        semicolons, a name with an equals sign, and a SameSite that there is not. `Response.set_cookie` has safer
        defaults, and refuses what browsers drop.
        """
        del comment
        cookie = format_twisted_cookie(
            k,
            v,
            max_age=max_age,
            expires=expires,
            path=path,
            domain=domain,
            secure=bool(secure),
            http_only=httpOnly,
            same_site=sameSite,
        )
        self._own_fields().add("set-cookie", cookie)

    def redirect(self, url: Text) -> None:
        """302 to `url`; follow it by `finish`, or return b"". Encodes and refuses as `Response.redirect` does."""
        target = location(url)
        self.setResponseCode(302)
        self.setHeader("location", target)

    def write(self, data: Text, /) -> bool:
        """Send a part of the body, after the head where this is the first.

        False: the queue is over its high-water mark. Wait for `writable`. Raises AnswerOver after the end, WrongLength
        for more than Content-Length says, and HandlerError (RW201) for what is no body, or where there can be none.
        """
        try:
            part = data if isinstance(data, bytes) else self._text_part(data)
            status = getattr(self, "_status", 200) if self.status is None else self.status
            if part and status in BODILESS:
                what = f"A body was written to an answer of status {status}."
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
        """The answer is complete. After a disconnect it does nothing.

        Raises AnswerOver after the end, and WrongLength where less was written than Content-Length says.
        """
        self.unregisterProducer()
        if self.gone or (self.finished and self.is_stopped()):
            return
        try:
            if self.finished:
                raise AnswerOver("`finish` was called after the end of the answer.")
            if self.started:
                encode: Callable[..., bytes] = getattr(self, "_encode", octets)
                if encode is not octets:
                    Exchange.write(self, encode("", True))  # what the charset has at its end
                self.end()
            else:
                self.respond(getattr(self, "_status", 200), self._own_fields().encoded(), b"")
        except RopewalkError as error:
            self._refused(error)
            raise

    def begin(self, status: int, fields: Iterable[tuple[Text, Text]], length: int | None = None, /) -> None:
        """The head of a streamed response: by length where given, else chunked (close-delimited on HTTP/1.0)."""
        fields = list(fields)
        super().begin(status, fields, length)
        if sends_events(fields):
            self.end_at_stop()

    def processingFailed(self, reason: Failure) -> None:
        """Answer for what went wrong, as if the handler had raised it: `deferred.addErrback(request.processingFailed)`.

        Return the Deferred instead of NOT_DONE_YET, and this is done for you.
        """
        self.service.fail(self, reason.value)

    def notifyFinish(self) -> Waiter[None]:
        """Fires with None when the answer is complete; fails with Disconnected where the client left before.

        Where either has happened already, it does so at once.
        """
        if self.gone:
            return failed(Disconnected())
        if self.finished:
            return ready(None)
        self.notify_done = True
        return self._wait("_endings")

    def writable(self) -> Waiter[None]:
        """Fires when there is room for more: at once, or after a `write` that gave False when the client has taken it.

        Fails with Disconnected, and with AnswerOver when the answer is complete.
        """
        if self.finished:
            return failed(self._ended(_UNWANTED))
        if not self.pressure:
            return ready(None)
        self.notify_done = True
        return self._wait("_space")

    @overload
    def registerProducer(self, producer: Producer, streaming: Literal[True]) -> None: ...
    @overload
    def registerProducer(self, producer: PullProducer, streaming: Literal[False]) -> None: ...
    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Let a producer write the body as the client takes it: an IPushProducer where `streaming`, else IPullProducer.

        It is stopped when the client leaves, and at once where the answer is complete. Raises RuntimeError where there
        is one already.
        """
        if getattr(self, "_producer", None) is not None:
            raise RuntimeError("The request has a producer already; unregister that first.")
        if self.finished:
            producer.stopProducing()
            return
        self._producer = producer if streaming else PulledProducer(producer, self._give_up_producing)
        if self.pressure:
            self._pause_producer()
        elif not streaming:
            self._producer.resumeProducing()

    def unregisterProducer(self) -> None:
        """The producer has written all it has, which `finish` implies."""
        producer = _take(self, "_producer")
        if isinstance(producer, PulledProducer):
            producer.pauseProducing()

    def _give_up_producing(self, error: BaseException) -> None:
        self.unregisterProducer()
        self.service.fail(self, error)

    # Called by the engine

    def on_readable(self) -> None:
        _fire(self, "_arrival", None)

    def on_writable(self) -> None:
        _fire_all(self, "_space", None)
        producer = getattr(self, "_producer", None)
        if producer is not None and not self.pressure:
            self._guard(producer.resumeProducing)

    def on_half_close(self) -> None:
        self._half_closed = True
        _fire_all(self, "_half_close_waits", None)

    def on_gone(self, reason: str, /) -> None:
        self._forget_stop()
        _fire_all(self, "_leaving", None)
        running = _take(self, "_running")
        if running is not None:
            self._guard(running.cancel)
        producer = _take(self, "_producer")
        if producer is not None:
            self._guard(producer.stopProducing)
        error = Disconnected(f"The exchange is over: {reason}.")
        _fire(self, "_arrival", error)
        _fire_all(self, "_space", error)
        _fire_all(self, "_endings", error)

    def on_done(self) -> None:
        self._forget_stop()
        _fire_all(self, "_leaving", None)
        if hasattr(self, "_arrival"):
            _fire(self, "_arrival", AnswerOver(_UNREAD))
        if hasattr(self, "_space"):
            _fire_all(self, "_space", AnswerOver(_UNWANTED))
        _fire_all(self, "_endings", None)

    # For the rooms above

    def leaving(self) -> Waiter[None]:
        """As `disconnected`, but an answer that is complete is told only where `watched` is set."""
        return ready(None) if self.finished else self._wait("_leaving")

    @property
    def half_closed(self) -> bool:
        """Whether the client has closed its sending side before the head of the response, where endpoints respond."""
        return getattr(self, "_half_closed", False)

    def half_close_wait(self) -> Waiter[None]:
        """A new wait for that."""
        return self._wait("_half_close_waits")

    def run(self, running: Any) -> None:
        """Remember what works on the answer: its `cancel` is called when the client leaves."""
        self._running = running

    def ran(self) -> None:
        """It has ended."""
        _take(self, "_running")

    def detach(self) -> None:
        """The handler has returned, and whatever it has left behind answers."""
        self._detached = True

    def is_stopped(self) -> bool:
        """Whether this is a stream of events, and a stop has begun."""
        return getattr(self, "_stopped", False)

    def end_at_stop(self) -> None:
        """This is a stream of events. When a stop begins, have it end."""
        if getattr(self, "_stop", None) is None and not self.finished:
            self.notify_done = True  # so that it is told when it has ended, and need not wait for a stop any more
            self._stop = self.stopping
            self._stop.addCallbacks(self._stop_begins, _nothing)

    def end_stream_by(self, end: Callable[[], object]) -> None:
        """Where this is a stream of events, call `end` when a stop begins, instead of cancelling what runs."""
        if getattr(self, "_stop", None) is not None:
            self._end_stream = end

    def streams(self, on: bool) -> None:
        """Whether what runs makes parts of the body, and may be cancelled when a stop begins."""
        self._streams = on

    def uncancel(self) -> None:
        """The cancellation by a stop has been taken."""
        running: Any = getattr(self, "_running", None)
        if hasattr(running, "uncancel"):
            running.uncancel()

    def end_stream(self) -> None:
        """End a body whose maker cannot go on, for the client as it should be, for the maker as if the client left."""
        error = Disconnected(_STOPS)
        producer = _take(self, "_producer")
        if producer is not None:
            self._guard(producer.stopProducing)
        _fire_all(self, "_leaving", None)
        _fire_all(self, "_space", error)
        _fire_all(self, "_endings", error)
        if not self.finished:
            self._guard(self.end)

    def is_failing(self) -> bool:
        """Whether this was asked before: an answer for an error is being made, and has failed itself."""
        failing = getattr(self, "_failing", False)
        self._failing = True
        return failing

    def fail_with(self, error: BaseException, response: "Response") -> "Response":
        """Remember the response that an error has become, for a middleware that raises the error again."""
        response = response.with_error(error)
        self._failure = response, error.__traceback__
        return response

    def has_failed_with(self, error: BaseException) -> bool:
        """Whether a response was made of this very error."""
        failure = getattr(self, "_failure", None)
        return failure is not None and failure[0].error is error

    def failure(self) -> "Response":
        """That response. Frames of the middleware that has raised the error again do not stay in its traceback."""
        response, trace = self._failure
        assert response.error is not None
        response.error.__traceback__ = trace
        return response

    def leave_middleware(self) -> None:
        """All middleware is through. The traceback of an error leads back to the request, as the responses' may."""
        if hasattr(self, "settled"):
            del self.settled
        if hasattr(self, "_failure"):
            del self._failure

    def give_up(self) -> None:
        """Answer 500 in the plainest way, whatever has failed before."""
        self.forget()
        self.respond(500, _PLAIN, f"{phrase(500)}\n")

    def set_paths(self, prepath: list[str], postpath: list[str]) -> None:
        """Where in the path the resource stands."""
        self._prepath = prepath
        self._postpath = postpath

    def complete(self, response: "Response") -> "Response":
        """The response with what `setResponseCode` and `setHeader` said: a copy, as a handler may return one twice."""
        if not self.prepared:
            return response
        completed = copy(response)
        completed.status = getattr(self, "_status", response.status)
        completed.headers = response.headers.overlaid(getattr(self, "_fields", None) or Headers())
        self._unprepare()
        return completed

    def forget(self) -> None:
        """Drop what `setResponseCode` and `setHeader` said."""
        _take(self, "_encode")
        if self.prepared:
            self.set_reason(0, b"")
            self._unprepare()

    def _text_part(self, part: object) -> bytes:
        """A part of the body that is not bytes, in the charset of the Content-Type that was set, else UTF-8."""
        if not part or not isinstance(part, str):
            return octets(part)
        encode = getattr(self, "_encode", None)
        if encode is None:
            fields = getattr(self, "_fields", None)
            codec = UTF_8 if fields is None else codec_for(fields.get("content-type"))
            encode = self._encode = octets if codec == UTF_8 else encoder(codec)
        return encode(part)

    def _stop_begins(self, _: None) -> None:
        self._stopped = True
        call_soon(self._end_for_stop)  # what is in its first segment can be cancelled then

    def _end_for_stop(self) -> None:
        if self.finished:
            return
        end = _take(self, "_end_stream")
        running = getattr(self, "_running", None)
        streams = getattr(self, "_streams", None)
        if end is not None:
            self._guard(end)
        elif streams is None and getattr(self, "_detached", False):
            self.end_stream()
        elif running is not None and (self.started if streams is None else streams):
            self._guard(running.cancel)

    def _forget_stop(self) -> None:
        _take(self, "_end_stream")
        stop = _take(self, "_stop")
        if stop is not None:
            stop.cancel()

    def _unprepare(self) -> None:
        _take(self, "_status")
        _take(self, "_fields")
        self.prepared = False

    def _own_fields(self) -> Headers:
        try:
            return self._fields
        except AttributeError:
            self._fields = Headers()
            self.prepared = True
            return self._fields

    def _refused(self, error: RopewalkError) -> None:
        """Something cannot be written. Where the handler has returned already, nobody else can answer for it."""
        if self.endpoint is not None and not isinstance(error, Disconnected):
            error.blame(named(self.endpoint.call))
        if not getattr(self, "_detached", False) or self.finished:
            return
        with suppress(Disconnected):  # the engine may have cut the connection already
            if self.started:
                self.abort()
            else:
                self.give_up()

    def _guard(self, call: Callable[[], object]) -> None:
        """Call what a handler has left here. What it raises is the handler's failure, not the engine's."""
        try:
            call()
        except BaseException as error:
            if interrupts(error):
                raise
            self._give_up_producing(error)

    def _wait(self, slot: str) -> Waiter[None]:
        """A new wait beside those in a slot that have not been cancelled."""
        waiter: Waiter[None] = Waiter()
        setattr(self, slot, [*(other for other in getattr(self, slot, ()) if not other.called), waiter])
        return waiter

    def _pause_producer(self) -> None:
        producer = getattr(self, "_producer", None)
        if producer is not None:
            producer.pauseProducing()

    def _refuse_streamed(self) -> None:
        if getattr(self, "_streamed", False):
            raise HandlerError("RW207", "The body has been streamed.")

    def _ended(self, what: str) -> RopewalkError:
        """Why a wait is in vain: the exchange is over."""
        return Disconnected() if self.gone else AnswerOver(what)

    def _readable(self) -> Waiter[None]:
        if self.finished:
            return failed(self._ended(_UNREAD))
        arrival = getattr(self, "_arrival", None)
        if arrival is not None and not arrival.called:
            raise HandlerError("RW207", "The body is being read already.")
        self.notify_done = True
        self._arrival = Waiter()
        return self._arrival

    def _whole(self, _: None = None) -> bytes:
        body = self.take() or b""
        if self.spool is not None:
            place = self.content.tell()
            self.content.seek(0)
            body = self.content.read()
            self.content.seek(place)
        self._body = body
        return body

    def _decode(self, body: bytes) -> str:
        charset = content_type(self.header("content-type"))[1].get("charset", UTF_8)
        codec = find_codec(charset)
        if codec is None:
            raise HTTPError(415, "The charset of the body is unknown.")
        try:
            return body.decode(codec)
        except UnicodeDecodeError:
            raise BadBody(f"The body is not {charset}.") from None


def check_status(status: object) -> None:
    """Raises InvalidField for what is not the status of a final answer."""
    if not is_status(status):
        raise InvalidField(f"{shown(status)} is not the status of an answer.", "It is an int from 200 to 599.")


def octets(part: object) -> bytes:
    """A part of a body as it is sent: str in UTF-8. Raises HandlerError (RW201) for what is no part of a body."""
    if isinstance(part, bytes):
        return part
    if not isinstance(part, str):
        kind = type(part).__qualname__
        raise HandlerError("RW201", f"A body has a part of type {kind}.", "Write or yield bytes or str.")
    try:
        return part.encode()
    except UnicodeEncodeError:
        what = f"A body has a part that UTF-8 cannot express: {shown(part)}."
        raise HandlerError("RW201", what, "Write bytes, or text without lone surrogates.") from None


class BodyStream:
    """The parts of a body as they come, each of at least one byte. Raises what `Request.body` fails with."""

    __slots__ = ("_request", "_whole")

    def __init__(self, request: Request, whole: BinaryIO | None) -> None:
        self._request = request
        self._whole = whole

    def __aiter__(self) -> "BodyStream":
        return self

    async def __anext__(self) -> bytes:
        part: bytes | None
        if self._whole is not None:
            part = self._whole.read(PART)
        else:
            while (part := self._request.take()) is None:
                await self._request._readable()  # noqa: SLF001 - a part of Request
        if not part:
            raise StopAsyncIteration
        return part


class Query(Mapping[str, str]):
    """The parameters of a query by name. `query["tag"]` is the first value of a name, `all` gives every one."""

    __slots__ = ("_values",)

    def __init__(self, query_string: bytes) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in _pairs(query_string):
            self._values.setdefault(name, []).append(value)

    def __getitem__(self, name: str) -> str:
        return self._values[name][0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Query({self._values!r})"

    def all(self, name: str) -> list[str]:
        """Every value of a name, in order."""
        return list(self._values.get(name, ()))

    def pairs(self) -> list[tuple[str, str]]:
        """Every parameter; those of one name stand together."""
        return [(name, value) for name, values in self._values.items() for value in values]


def _pairs(query_string: bytes, encoding: str = "utf-8") -> list[tuple[str, str]]:
    return parse_qsl(query_string.decode("latin-1"), keep_blank_values=True, encoding=encoding)


class _Spool(BufferedReader):
    """A temporary file that is closed without a warning when nobody holds it any more."""

    def __del__(self) -> None:
        self.close()


class _SpoolFile(FileIO):
    """Of these two, the garbage collector may take either first."""

    def __del__(self) -> None:
        self.close()


def _take_over(file: Any) -> _Spool:
    with file:
        return _Spool(_SpoolFile(os.dup(file.fileno())))


def _take(request: Request, slot: str) -> Any:
    """The value of a slot, which is unset from now; None where it was unset."""
    value = getattr(request, slot, None)
    if value is not None:
        delattr(request, slot)
    return value


def sends_events(fields: Iterable[tuple[Text, Text]]) -> bool:
    """Whether the fields of a response say that it is a stream of events (the HTML standard, section 9.2)."""
    for name, value in fields:
        if len(name) == _TYPE_LENGTH and name.lower() == (b"content-type" if isinstance(name, bytes) else _TYPE):
            # Few responses have it, and `content_type` costs more than this.
            likely = b"event-stream" in value.lower() if isinstance(value, bytes) else "event-stream" in value.lower()
            return likely and content_type(text(value))[0] == "text/event-stream"
    return False


def _nothing(_: object) -> None:
    """A wait was cancelled."""


def _fire(request: Request, slot: str, result: RopewalkError | None) -> None:
    waiter = _take(request, slot)
    if waiter is not None:
        _settle(waiter, result)


def _fire_all(request: Request, slot: str, result: RopewalkError | None) -> None:
    for waiter in _take(request, slot) or ():
        _settle(waiter, result)


def _settle(waiter: Deferred[None], result: RopewalkError | None) -> None:
    if waiter.called:
        return
    if result is None:
        waiter.callback(None)
    else:
        waiter.errback(result)
