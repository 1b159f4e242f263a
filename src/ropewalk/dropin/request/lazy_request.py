"""A request that makes its attributes only when they are first read.

| attribute | is made |
|---|---|
| `requestHeaders`, `received_cookies`, `args` from a query, `content` of an empty body | when it is read |
| `client`, `host`, on our channel | when it is read |
| `client`, `host`, on other channels | at once, because these channels forget the addresses with the socket |
| `args` from a form | before `process`, as in Twisted, because a malformed form gets a 400 |
"""

from io import BytesIO
from typing import Any, Final

from twisted.web.http import OK, RESPONSES, parse_qs
from twisted.web.http import Request as TwistedHTTPRequest
from twisted.web.http_headers import Headers
from twisted.web.server import Request as TwistedRequest

from ropewalk._engine import Exchange
from ropewalk.dropin.request.headers import HeadSource, ReceivedHeaders, add_lines
from ropewalk.dropin.request.lazy_attribute import Lazy
from ropewalk.twisted_private import has_form_switch


class LazyRequest(TwistedRequest):
    """The base class of `Request`: a `twisted.web.server.Request` that makes its attributes when they are read.

    Names that Ropewalk adds begin with `_rw_`, so that they do not collide with names in subclasses.
    """

    channel: Any
    prepath: Any
    postpath: Any
    sitepath: list[bytes]
    _encoder: Any

    _rw_lazy = True
    """Whether attributes are made when they are read. It is false for a subclass that could observe the difference."""
    _rw_eager_attributes = False
    """Whether a subclass has replaced some of the lazy attributes. Then all of them are set at once, as in Twisted."""
    _rw_channel: Any = None
    """The channel, if it takes whole responses. It is kept, because `channel` is deleted after the response."""
    _rw_head: HeadSource | None = None
    """The head of the request, as long as the engine can read it."""
    _rw_exchange: Any = None
    """The engine's exchange, until the program reads the headers, which it may then change."""
    _rw_query: bytes | None = None
    _rw_no_body = False
    """Whether there is no body, and the program has not read `content`."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._rw_lazy = LazyRequest._rw_lazy and cls._rw_may_be_lazy()

    @classmethod
    def _rw_may_be_lazy(cls) -> bool:
        own: set[str] = set().union(*(vars(each) for each in cls.__mro__ if each not in LazyRequest.__mro__))
        cls._rw_eager_attributes = not _READ_EARLY.isdisjoint(own)
        makes_as_any_class = getattr(type(cls), "__call__") is type.__call__  # noqa: B004, B009 - for comparison
        return makes_as_any_class and LATE.isdisjoint(own)

    def __init__(self, channel: Any, queued: Any = False, *, parsePOSTFormSubmission: bool | None = None) -> None:
        self.channel = channel
        self.transport = channel.transport
        self.queued = queued
        self.responseHeaders = Headers()
        self.cookies = []
        self.notifications = []
        if getattr(channel, "takes_whole_responses", False):
            self._rw_channel = channel
        else:
            self.client = channel.getPeer()
            self.host = channel.getHost()
        if self._rw_eager_attributes:
            self.requestHeaders = Headers()
            self.received_cookies = {}
        if parsePOSTFormSubmission is not None:
            self._parsePOSTFormSubmission = parsePOSTFormSubmission

    # Attributes that are made when they are read

    @Lazy
    def requestHeaders(self) -> Headers:
        self._rw_exchange = None
        return Headers() if self._rw_head is None else ReceivedHeaders(self._rw_head)

    @Lazy
    def received_cookies(self) -> dict[bytes, bytes]:
        return {} if self._rw_head is None else parse_cookies(self._rw_head.values(b"cookie"))

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

    def arrive(self, head: HeadSource) -> None:
        """Take the head of a request without a body.

        It replaces the assignment of `requestHeaders` and the calls of `parseCookies` and `gotLength`.
        """
        if not self._rw_lazy or hasattr(getattr(self.channel, "site", None), "getContentFile"):
            self.take_headers(head)
            self.parseCookies()
            self.gotLength(0)
            return
        self._rw_head = head
        self._rw_no_body = True
        if isinstance(head, Exchange):
            self._rw_exchange = head
        # The class has the same attributes, but Python finds attributes of the instance faster.
        self.code = OK
        self.code_message = _OK_MESSAGE
        self.startedWriting = 0
        self.lastModified = None
        self.etag = None
        self.producer = None
        self._encoder = None
        self._inFakeHead = False

    def take_headers(self, head: HeadSource) -> None:
        """Take the field lines of a head. If `requestHeaders` was already made or read, add each line to it."""
        if self._rw_eager_attributes or "requestHeaders" in vars(self):
            add_lines(self, head)
        else:
            self.requestHeaders = ReceivedHeaders(head)

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
            TwistedHTTPRequest.gotLength(self, length)

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

    def getStateToCopyFor(self, issuer: Any) -> dict[str, Any]:
        """Return the state that Perspective Broker sends to the other side. All lazy attributes are made first."""
        for name in _LAZY:
            getattr(self, name)
        state = super().getStateToCopyFor(issuer)
        return {name: value for name, value in state.items() if not name.startswith("_rw_")}


def parse_cookies(lines: list[bytes]) -> dict[bytes, bytes]:
    """Return the cookies in these Cookie lines by name. As in twisted.web, the last cookie with a name wins."""
    pairs = (part.lstrip().partition(b"=") for line in lines for part in line.split(b";"))
    return {name: value for name, equals, value in pairs if equals}


_OK_MESSAGE: Final = RESPONSES[OK]
_QUESTION_MARK: Final = ord("?")
_LAZY: Final = [name for name, attribute in vars(LazyRequest).items() if isinstance(attribute, Lazy)]

ASSIGNED: Final = {
    "code": OK,
    "code_message": _OK_MESSAGE,
    "startedWriting": 0,
    "lastModified": None,
    "etag": None,
    "producer": None,
    "_encoder": None,
    "_inFakeHead": False,
}
"""The attributes that `arrive` sets, except those with the prefix `_rw_`."""

LATE: Final = {
    *_LAZY,
    *("__new__", "__init__", "__setattr__", "parseCookies", "gotLength", "handleContentChunk", "requestReceived"),
    *ASSIGNED,
}
"""Methods that a lazy request calls at another time than Twisted's request, and attributes that it sets differently."""

_READ_EARLY: Final = {*_LAZY, "__setattr__"}
"""A class that defines one of these names could observe that `__init__` sets fewer attributes than Twisted's. For such
a class, `__init__` sets the same attributes."""
