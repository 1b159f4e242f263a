"""A leaner request with the face of twisted.web's, to stand in for it.

It does for a request what the application asks for, and leaves the rest undone:

| what | is made |
|---|---|
| `requestHeaders`, `received_cookies`, `args` of a query, `content` where there is no body | when asked for |
| `client`, `host` | when asked for, on our channel; on others at once, for they forget them with the socket |
| `args` of a form | before `process` as ever, for a form may be a bad request |
| Date | once a second |

Where a resource returns the whole answer, `render` sends it by itself, on our channel by one call. Whatever is not the
common case is Twisted's own code: a HEAD, an answer without a body, an encoder, a method that the resource does not
know. So is everything where somebody has put a `write`, `finish` or `setHeader` of his own into the request.

Names of our own begin with `_rw_`, so that they do not meet those of subclasses.
"""

import os
from contextlib import suppress
from io import BytesIO
from operator import attrgetter
from time import time
from types import FunctionType
from typing import Any, Final, TypeVar
from urllib.parse import unquote_to_bytes

from twisted.python.failure import Failure
from twisted.web import http, resource, server
from twisted.web.error import UnsupportedMethod
from twisted.web.http import NO_BODY_CODES, OK, RESPONSES, datetimeToString, parse_qs, stringToDatetime
from twisted.web.http import Request as HTTPRequest
from twisted.web.http_headers import Headers
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site
from twisted.web.server import Request as Stock

from ropewalk._engine import Exchange
from ropewalk.dropin.graft.tree_check import explained
from ropewalk.dropin.request.access_log import log
from ropewalk.dropin.request.headers import Received, ReceivedHeaders, add_lines
from ropewalk.dropin.request.lazy import Lazy
from ropewalk.twisted_private import IEncodingResource, has_form_switch

Kind = TypeVar("Kind", bound=type)


def named_like_stock(kind: Kind) -> Kind:
    """Give a class the name of the one that it stands in for.

    Perspective Broker knows by that what it copies, on the other side too, and pages of errors show it.
    """
    kind.__module__, kind.__qualname__, kind.__name__ = Stock.__module__, Stock.__qualname__, Stock.__name__
    return kind


@named_like_stock
class Request(Stock):
    """A `twisted.web.server.Request`, for any channel.

    A channel whose `responds` is true is given an answer that is whole by one call: `respond(request, code, reason,
    headers, body)`, with the headers as `Headers` keeps them. It knows its addresses for as long as a request may ask.
    """

    channel: Any
    prepath: Any
    postpath: Any
    sitepath: list[bytes]
    _encoder: Any

    _rw_lazy = True
    """Whether nothing is made before it is asked for. In a subclass with ways of its own of coming to what is not there
    yet, everything is made as ever."""
    _rw_eager_attributes = False
    """Whether a subclass has attributes of its own in the place of some that are made late: it is given all of those as
    Twisted's request is."""
    _rw_channel: Any = None
    """The channel, if it responds: `channel` goes with the answer."""
    _rw_head: Received | None = None
    """The head, where it can still be asked."""
    _rw_exchange: Any = None
    """The engine's exchange, as long as nobody has asked for the headers, which he may have changed."""
    _rw_query: bytes | None = None
    _rw_no_body = False
    """Whether there is no body, and nobody has asked for it."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._rw_lazy = Request._rw_lazy and cls._rw_may_be_lazy()

    @classmethod
    def _rw_may_be_lazy(cls) -> bool:
        own: set[str] = set().union(*(vars(each) for each in cls.__mro__ if each not in Request.__mro__))
        cls._rw_eager_attributes = not _SEEN_EARLY.isdisjoint(own)
        makes_as_any_class = getattr(type(cls), "__call__") is type.__call__  # noqa: B004, B009 - not whether it has one
        return makes_as_any_class and _LATE.isdisjoint(own)

    def __init__(self, channel: Any, queued: Any = False, *, parsePOSTFormSubmission: bool | None = None) -> None:
        self.channel = channel
        self.transport = channel.transport
        self.queued = queued
        self.responseHeaders = Headers()
        self.cookies = []
        self.notifications = []
        if getattr(channel, "responds", False):
            self._rw_channel = channel
        else:
            self.client = channel.getPeer()
            self.host = channel.getHost()
        if self._rw_eager_attributes:
            self.requestHeaders = Headers()
            self.received_cookies = {}
        if parsePOSTFormSubmission is not None:
            self._parsePOSTFormSubmission = parsePOSTFormSubmission

    # Made when asked for

    @Lazy
    def requestHeaders(self) -> Headers:
        self._rw_exchange = None
        return Headers() if self._rw_head is None else ReceivedHeaders(self._rw_head)

    @Lazy
    def received_cookies(self) -> dict[bytes, bytes]:
        return {} if self._rw_head is None else _cookies(self._rw_head.values(b"cookie"))

    @Lazy
    def args(self) -> dict[bytes, list[bytes]] | None:
        return None if self._rw_query is None else parse_qs(self._rw_query, 1)

    @Lazy
    def content(self) -> Any:
        if not self._rw_no_body:
            return None
        self._rw_no_body = False
        return BytesIO()

    @Lazy
    def client(self) -> Any:
        return self._rw_channel.getPeer()

    @Lazy
    def host(self) -> Any:
        return self._rw_channel.getHost()

    if has_form_switch():

        @Lazy
        def _parsePOSTFormSubmission(self) -> Any:
            return self.channel.site._parsePOSTFormSubmission  # noqa: SLF001 - as in Twisted

    @Lazy
    def _adapterCache(self) -> dict[str, Any]:
        return {}

    # Called by the channel

    def arrive(self, source: Received) -> None:
        """Take the head of a request without a body. It stands for `requestHeaders`, `parseCookies` and `gotLength`."""
        if not self._rw_lazy or hasattr(getattr(self.channel, "site", None), "getContentFile"):
            self.take_headers(source)
            self.parseCookies()
            self.gotLength(0)
            return
        self._rw_head = source
        self._rw_no_body = True
        if isinstance(source, Exchange):
            self._rw_exchange = source
        # The class has these too. They are here for speed: all are looked at, and an instance is where Python looks
        # first.
        self.code = OK
        self.code_message = _OK
        self.startedWriting = 0
        self.lastModified = None
        self.etag = None
        self.producer = None
        self._encoder = None
        self._inFakeHead = False

    def take_headers(self, source: Received) -> None:
        """Take the lines of a head. Where the program has made or seen `requestHeaders`, that object is given each."""
        if self._rw_eager_attributes or "requestHeaders" in vars(self):
            add_lines(self, source)
        else:
            self.requestHeaders = ReceivedHeaders(source)

    def parseCookies(self) -> None:
        headers = self.requestHeaders
        if self._rw_lazy and type(headers) is ReceivedHeaders and headers.source is not None:
            self._rw_head = headers.source
        else:
            super().parseCookies()

    def gotLength(self, length: int | None) -> None:
        if hasattr(getattr(self.channel, "site", None), "getContentFile"):
            super().gotLength(length)
        elif length == 0 and self._rw_lazy:
            self._rw_no_body = True
        else:
            HTTPRequest.gotLength(self, length)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        if not self._rw_no_body:
            if command == b"POST":
                super().requestReceived(command, path, version)
                return
            self.content.seek(0, 0)
        self.method = command
        self.uri = path
        self.clientproto = version
        if _QUESTION_MARK in path:
            self.path, self._rw_query = path.split(b"?", 1)
        else:
            self.path = path
            self._rw_query = b""
        if not self._rw_lazy:
            self.args = parse_qs(self._rw_query, 1) if self._rw_query else {}
        self.process()

    def process(self) -> None:
        """Find the resource and render it."""
        site = self.site = self.channel.site
        path = self.path
        if getattr(self.setHeader, "__func__", None) is _set_header and type(self.responseHeaders) is Headers:
            lines = self.responseHeaders._rawHeaders  # noqa: SLF001 - as Twisted's channels do
            lines[b"Server"] = [server.version]
            lines[b"Date"] = [_date.now()]
        else:
            self.setHeader(b"Server", server.version)
            self.setHeader(b"Date", _date.now())
        self.prepath = []
        self.postpath = path[1:].split(b"/")
        if _PERCENT_SIGN in path:
            self.postpath = list(map(unquote_to_bytes, self.postpath))
        if path == b"*":
            self._handleStar()
            return
        try:
            if getattr(site.getResourceFor, "__func__", None) is _get_resource_for:
                self.sitepath = []
                found = self._rw_find_resource(site.resource)
                if found is None:
                    return
            else:
                found = site.getResourceFor(self)
            if hasattr(found, "getEncoder") and IEncodingResource.providedBy(found):
                encoder = found.getEncoder(self)
                if encoder is not None:
                    self._encoder = encoder
            self.render(found)
        except BaseException as error:  # noqa: BLE001 - as in Twisted: even SystemExit is the request's
            told = explained(error, getattr(site, "resource", None), (*self.prepath, *self.postpath))
            self.processingFailed(Failure() if told is error else Failure(told))

    def _rw_find_resource(self, found: Any) -> Any:
        """What `resource.getChildForRequest` finds; None where the engine sends a file and that is all."""
        while self.postpath and not found.isLeaf:
            if type(found).__module__ == _FILES and self.method == b"GET" and self._rw_can_send_files():
                from ropewalk.dropin.request import static_files  # which imports what few programs need

                if static_files.is_plain(found) and static_files.send(found, self):
                    return None
                break
            name = self.postpath.pop(0)
            self.prepath.append(name)
            found = found.getChildWithDefault(name, self)
        return resource.getChildForRequest(found, self)

    def _rw_can_send_files(self) -> bool:
        channel = self._rw_channel
        sends = channel is self.channel and getattr(channel, "sends_files", False)
        if not (sends and self.code == OK and self._rw_has_plain_body()):  # Twisted sets the code for a file
            return False
        try:
            return _called_for_a_file(self) == _CALLED_FOR_A_FILE
        except AttributeError:
            return False

    # The answer

    def send_file(self, content: bytes | int, size: int) -> None:
        """Send the whole answer, all of whose headers are set, with a file's bytes or an open file behind them.

        The descriptor of an open file is given away with this call.
        """
        if self.etag is not None or self.cookies:
            self.lastModified = None
            try:
                self._rw_set_validators()
            except BaseException:
                if not isinstance(content, bytes):
                    os.close(content)
                raise
        self.startedWriting = 1
        self.sentLength += size
        lines = self.responseHeaders._rawHeaders  # noqa: SLF001 - as Twisted's channels do
        if isinstance(content, bytes):
            self.channel.respond(self, self.code, self.code_message, lines, content)
        else:
            self.channel.respond_with_file(self.code, self.code_message, lines, content, size)
        self._rw_end()

    def render(self, resrc: Any) -> None:
        """Have a resource answer, and send what it returns."""
        render = resrc.render
        if getattr(render, "__func__", None) is _render and self.method in _RENDERERS:
            render = getattr(resrc, _RENDERERS[self.method], None) or render
        try:
            body = render(self)
        except UnsupportedMethod as error:
            self._rw_leave_to_twisted(resrc, error)
            return
        if body is NOT_DONE_YET:
            return
        if (
            type(body) is bytes
            and not self.startedWriting
            and self.channel is not None
            and self._rw_has_plain_body()
            and self._rw_is_unmodified()
        ):
            self._rw_send(body)
        else:
            self._rw_leave_to_twisted(resrc, body)

    def _rw_leave_to_twisted(self, resrc: Any, outcome: Any) -> None:
        """Leave to Twisted what a resource has returned, or the UnsupportedMethod that it has raised."""
        super().render(Rendered(resrc, outcome))

    def _rw_render_again(self, resrc: Any) -> Any:
        """What a resource says that Twisted asks as for GET, to answer HEAD."""
        return resrc.render(self)

    def _rw_has_plain_body(self) -> bool:
        return (
            not self._encoder
            and not self._inFakeHead
            and self.code not in NO_BODY_CODES
            and self.method != b"HEAD"
            and type(self.responseHeaders) is Headers
        )

    def _rw_is_unmodified(self) -> bool:
        """Whether what Twisted's own `render` calls is as it is here, in this class and this instance."""
        own: Any = self
        try:
            return (
                own.write.__func__ is _write
                and own.finish.__func__ is _finish
                and own.setHeader.__func__ is _set_header
            )
        except AttributeError:
            return False

    def _rw_send(self, body: bytes) -> None:
        """Send the whole answer: what `setHeader`, `write` and `finish` would."""
        headers = self.responseHeaders
        lines = headers._rawHeaders  # noqa: SLF001 - as Twisted's channels do
        lines[b"Content-Length"] = [b"%d" % len(body)]
        if body and not lines.get(b"Content-Type"):
            self._rw_set_default_content_type()
        if self.lastModified is not None or self.etag is not None or self.cookies:
            self._rw_set_validators()
        self.startedWriting = 1
        self.sentLength += len(body)
        channel = self.channel
        if self._rw_channel is channel:  # and the program has put none of its own around it
            channel.respond(self, self.code, self.code_message, lines, body)
        else:
            channel.writeHeaders(self.clientproto, b"%d" % self.code, self.code_message, headers)
            if body:
                channel.write(body)
        self._rw_end()

    def write(self, data: bytes) -> None:
        """Send a part of the body; before the first, the head. Raises RuntimeError after `finish`."""
        if self.finished or self._disconnected or not self._rw_has_plain_body():
            super().write(data)
            return
        if not self.startedWriting:
            self._rw_send_head()
        self.sentLength += len(data)
        if data and self.chunked:
            self.channel.writeSequence((b"%x" % len(data), b"\r\n", data, b"\r\n"))
        elif data:
            self.channel.write(data)

    def _rw_send_head(self) -> None:
        headers = self.responseHeaders
        lines = headers._rawHeaders  # noqa: SLF001 - as Twisted's channels do
        length = lines.get(b"Content-Length")
        if not lines.get(b"Content-Type") and not (length and length[0] == b"0"):
            self._rw_set_default_content_type()
        self.startedWriting = 1
        if not length and self.clientproto == b"HTTP/1.1":
            lines[b"Transfer-Encoding"] = [b"chunked"]
            self.chunked = 1
        if self.lastModified is not None or self.etag is not None or self.cookies:
            self._rw_set_validators()
        self.channel.writeHeaders(self.clientproto, b"%d" % self.code, self.code_message, headers)

    def _rw_set_default_content_type(self) -> None:
        default: Any = self.defaultContentType
        if default is _HTML:
            self.responseHeaders._rawHeaders[b"Content-Type"] = [default]  # noqa: SLF001 - as Twisted's channels do
        elif default is not None:
            self.responseHeaders.setRawHeaders(b"Content-Type", [default])

    def _rw_set_validators(self) -> None:
        headers = self.responseHeaders
        if self.lastModified is not None:
            if headers.hasHeader(b"Last-Modified"):
                self._log.info("Warning: last-modified specified both in header list and lastModified attribute.")
            else:
                changed = modified_line(self.lastModified, _date_of(headers))
                if changed is not None:
                    headers.setRawHeaders(b"Last-Modified", [changed])
        if self.etag is not None:
            headers.setRawHeaders(b"ETag", [self.etag])
        if self.cookies:
            headers.setRawHeaders(b"Set-Cookie", self.cookies)

    def finish(self) -> None:
        """End the answer. Raises RuntimeError where the connection is lost."""
        if self.finished or self._disconnected or self._encoder:
            super().finish()
            return
        if not self.startedWriting:
            self.write(b"")
        if self.chunked:
            self.channel.write(b"0\r\n\r\n")
        self._rw_end()

    def _rw_end(self) -> None:
        factory = getattr(self.channel, "factory", None)
        if factory is not None:
            log(factory, self)
        self.finished = 1
        if not self.queued:
            self._cleanup()

    def _cleanup(self) -> None:
        if self.producer:
            super()._cleanup()
            return
        self.channel.requestDone(self)
        del self.channel
        if self._rw_no_body:
            self._rw_no_body = False
        elif self.content is not None:
            with suppress(OSError):
                self.content.close()
            del self.content
        if self.notifications:
            for waiting in self.notifications:
                waiting.callback(None)
            self.notifications = []

    def getStateToCopyFor(self, issuer: Any) -> dict[str, Any]:
        """What Perspective Broker tells the other side, all of it made."""
        for name in _LAZY:
            getattr(self, name)
        state = super().getStateToCopyFor(issuer)
        return {name: value for name, value in state.items() if not name.startswith("_rw_")}


def can_replace(factory: object) -> bool:
    """Whether a site's request factory is Twisted's own class, and as Twisted has written it.

    Where a program has put functions of its own into that class, they are to be called.
    """
    return factory is Stock and _attributes(Stock) == _ATTRIBUTES and not _replaced()


def may_be_lazy(factory: object) -> bool:
    """Whether a request factory is a class that derives from `Request`, in which a program has not set what `arrive`
    would pass by or hide.
    """
    return (
        isinstance(factory, type)
        and issubclass(factory, Request)
        and _attributes(factory) == _ATTRIBUTES
        and all(getattr(factory, name) is _OWN[name] for name in _PASSED_BY)
    )


def respect_patches() -> None:
    """Have no function of `Request` hide one that a program has put into Twisted's classes meanwhile.

    Programs derive from `Request` under `ropewalk exec`, and may do so by its own name; what they put into
    `twisted.web.http.Request` is theirs to be called all the same. Once that is gone, ours is back.
    """
    global _seen
    seen = _look_at_stock(Stock), _look_at_http(HTTPRequest)
    if seen == _seen:
        return
    _seen = seen
    replaced = _replaced()
    for name, ours in _OWN.items():
        if name in replaced and vars(Request).get(name) is ours:
            delattr(Request, name)
        elif name not in replaced and name not in vars(Request):
            setattr(Request, name, ours)
    Request._rw_lazy = _LATE.isdisjoint(replaced)  # noqa: SLF001 - ours
    waiting = Request.__subclasses__()
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        kind._rw_lazy = Request._rw_lazy and kind._rw_may_be_lazy()  # noqa: SLF001 - ours


def _replaced() -> set[str]:
    """The names of what ours hides in Twisted's classes and Twisted has not written."""
    return {
        name
        for each, written_in in ((Stock, vars(server)), (HTTPRequest, vars(http)))
        for name in _OWN
        if name in vars(each) and getattr(vars(each)[name], "__globals__", None) is not written_in
    }


class Rendered:
    """A resource that has been rendered once. Twisted's code, which renders it, gets the outcome of that."""

    def __init__(self, resrc: Any, outcome: Any) -> None:
        self._resource = resrc
        self._outcome = outcome
        self._asked = False

    def render(self, request: Request) -> Any:
        """Return what the resource has returned, or raise what it has raised; the next time, render it."""
        if self._asked:
            return request._rw_render_again(self._resource)  # noqa: SLF001 - ours
        self._asked = True
        if isinstance(self._outcome, UnsupportedMethod):
            raise self._outcome
        return self._outcome

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "_resource" not in vars(self):  # as in a copy that is being made
            raise AttributeError(name)
        return getattr(self._resource, name)

    def __repr__(self) -> str:
        return repr(self._resource)

    def __str__(self) -> str:
        return str(self._resource)


def modified_line(modified: int, date: int) -> bytes | None:
    """The Last-Modified of what was changed at this time, in a response of this Date, both in seconds since 1970.

    A time that is still to come is replaced by the Date (RFC 9110, section 8.8.2.1). None for what no date can say.
    """
    modified = min(modified, date)
    return bytes(datetimeToString(modified)) if modified >= _YEAR_1000 else None


def date_now() -> int:
    """Seconds since 1970 of the Date of a request that has just been given to a program."""
    return _date.second or int(time())


def _date_of(headers: Headers) -> int:
    lines = headers.getRawHeaders(b"Date")
    try:
        return int(stringToDatetime(lines[0])) if lines else int(time())
    except (IndexError, KeyError, ValueError):  # whatever a program has put there
        return int(time())


class _Date:
    """The Date of this second."""

    def __init__(self) -> None:
        self._since = self._until = 0
        self._make: Any = None
        self._line = b""

    @property
    def second(self) -> int:
        """The one of the line that was made last."""
        return self._since

    def now(self) -> bytes:
        now = time()
        make = server.datetimeToString  # type: ignore[attr-defined] # which Twisted's tests replace
        if not self._since <= now < self._until or self._make is not make:
            self._since = int(now)
            self._until = self._since + 1
            self._make = make
            # Of this second: without a time, Twisted reads another clock, which may be in the second before still.
            line = make(self._since) if make is datetimeToString else make()
            self._line = line if isinstance(line, bytes) else line.encode()
        return self._line


def _cookies(lines: list[bytes]) -> dict[bytes, bytes]:
    """The cookies of these Cookie fields as twisted.web has them: by name, the last one counts."""
    pairs = (part.lstrip().partition(b"=") for line in lines for part in line.split(b";"))
    return {name: value for name, equals, value in pairs if equals}


_OWN: Final = {
    name: function
    for name, function in vars(Request).items()
    if isinstance(function, FunctionType) and hasattr(Stock, name)
}
"""The functions here that hide some of Twisted's."""
_look_at_stock: Final = attrgetter(*(name for name in _OWN if name in vars(Stock)))
_look_at_http: Final = attrgetter(*(name for name in _OWN if name in vars(HTTPRequest)))
_seen: Any = None
"""What Twisted's classes had for these when that was looked at last."""
_LAZY: Final = [name for name, attribute in vars(Request).items() if isinstance(attribute, Lazy)]
_SET: Final = ("code", "code_message", "startedWriting", "lastModified", "etag", "producer", "_encoder", "_inFakeHead")
_attributes: Final = attrgetter(*_SET)
_ATTRIBUTES: Final = (OK, RESPONSES[OK], 0, None, None, None, None, False)
"""What `arrive` sets, and to what."""
_LATE: Final = {
    *_LAZY,
    *("__new__", "__init__", "__setattr__", "parseCookies", "gotLength", "handleContentChunk", "requestReceived"),
    *_SET,
}
"""The names of what a lean request does, or makes, in another way than Twisted's until the request is processed."""
_SEEN_EARLY: Final = {*_LAZY, "__setattr__"}
"""By which a class would see what Twisted's `__init__` sets."""

_PASSED_BY: Final = tuple(_LATE & _OWN.keys())
"""The functions of a lean request that its channel does not call, or that make what is made late."""

_YEAR_1000: Final = -30_610_224_000
"""In seconds since 1970. The years before have no four digits."""
_date: Final = _Date()
_HTML: Final[Any] = Stock.defaultContentType
_OK: Final = RESPONSES[OK]
_RENDERERS: Final = {
    method.encode(): f"render_{method}" for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
}
_QUESTION_MARK: Final = ord("?")
_PERCENT_SIGN: Final = ord("%")

# What is looked for, to see whether anybody has put his own in its place.
_get_resource_for: Final = Site.getResourceFor
_FILES: Final = "twisted.web.static"
_render: Final = Resource.render
_write: Final = Request.write
_finish: Final = Request.finish
_set_header: Final = Request.setHeader
_CALLS: Final = (
    *("render", "getHeader", "setHeader", "setLastModified", "setResponseCode"),
    *("registerProducer", "unregisterProducer", "write", "finish"),
)
_called_for_a_file: Final = attrgetter(*(f"{name}.__func__" for name in _CALLS))
_CALLED_FOR_A_FILE: Final = tuple(getattr(Request, name) for name in _CALLS)
"""What twisted.web calls to send a file."""
