"""Receives the requests of a channel: makes a request object for the program from the engine's exchange."""

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from twisted.python.failure import Failure
from twisted.web.iweb import INonQueuedRequestFactory

from ropewalk.dropin.connection.exchange import RelayedExchange
from ropewalk.dropin.connection.override_check import READ
from ropewalk.dropin.connection.response_errors import refuse_request, respond_plainly
from ropewalk.dropin.request.headers import ReceivedHeaders, add_lines
from ropewalk.dropin.request.lazy_check import can_replace, may_be_lazy, respect_patches
from ropewalk.dropin.request.request import Request
from ropewalk.errors import BadBody, BodyTooLarge, Disconnected, ResponseEnded

if TYPE_CHECKING:
    from ropewalk.dropin.connection.channel import HTTPChannel

_MAX_HEADERS: Final = READ["maxHeaders"]
_MAX_HEAD_SIZE: Final = READ["totalHeadersSize"]
"""twisted.web's default limits for heads.

The engine's `Limits` replace them, but limits that a program sets still apply.
"""


class RequestReceiver:
    """Receives the requests of one channel, one after another."""

    __slots__ = ("_channel", "_factory", "_make", "_makes_lazy", "_request_line")

    _make: Callable[[Any], Any]
    """Makes a request for a channel."""
    _makes_lazy: bool
    """Whether the request is one of our `Request`s, which read their head on demand."""
    _request_line: tuple[bytes, ...]
    """Method, target and version of the request whose body is being received."""

    def __init__(self, channel: "HTTPChannel") -> None:
        self._channel = channel
        self._factory: Any = None
        """The request factory to which `_make` and `_makes_lazy` belong."""

    def begin(self, exchange: RelayedExchange) -> None:
        """Make a request from a head that the engine has read. The engine calls this."""
        channel = self._channel
        exchange.channel = channel
        channel._exchange = exchange
        own_limits = channel.maxHeaders != _MAX_HEADERS or channel.totalHeadersSize != _MAX_HEAD_SIZE
        if own_limits and _exceeds_limits(channel, exchange):
            refuse_request(channel, exchange)
            return
        command, path, version, keeps, length = exchange.start_and_framing
        factory = channel.requestFactory
        if factory is not self._factory:
            channel.makes_all_calls = channel.decide_calls()
            self._factory = factory
            self._make, self._makes_lazy = _request_maker(channel, factory)
        request = self._make(channel)
        channel.requests.append(request)
        if channel.makes_all_calls:
            channel._command, channel._path, channel._version = command, path, version
            self._begin_with_all_calls(exchange, request, length)
            return
        plain = keeps and version == b"HTTP/1.1"
        if self._makes_lazy and plain and length == 0:
            channel.persistent = channel._kept = True
            request.arrive(exchange)
            channel._link.handle_request(channel, request.requestReceived, command, path, version)
            return
        if self._makes_lazy and request._rw_lazy:
            request.requestHeaders = ReceivedHeaders(exchange)
        elif isinstance(request, Request):
            request.take_headers(exchange)
        else:
            add_lines(request, exchange)
        request.parseCookies()
        channel.persistent = channel._kept = plain or channel.checkPersistence(request, version)
        channel.length = length
        request.gotLength(length)
        if exchange is not channel._exchange:
            return
        if length == 0:
            channel._link.handle_request(channel, request.requestReceived, command, path, version)
        else:
            self._request_line = command, path, version
            self._begin_body(exchange)

    def _begin_with_all_calls(self, exchange: RelayedExchange, request: Any, length: int | None) -> None:
        channel = self._channel
        add_lines(request, exchange)
        channel.length = length
        channel.allHeadersReceived()
        channel._kept = bool(channel.persistent)
        if exchange is not channel._exchange:
            return
        if length == 0:
            channel.allContentReceived()
        elif not channel._link.is_closing():  # otherwise 100 Continue would follow the program's last bytes
            self._begin_body(exchange)

    def _begin_body(self, exchange: RelayedExchange) -> None:
        try:
            exchange.receive()
        except BodyTooLarge as error:
            self._refuse_body(exchange, error)
        except Disconnected:
            pass
        else:
            self.take_body(exchange)

    def take_body(self, exchange: RelayedExchange) -> None:
        """Pass the arrived part of the body to the request. If it was the last, pass the request to the program."""
        channel = self._channel
        request, link = channel.requests[-1], channel._link
        while not link.paused:
            try:
                data = exchange.take()
            except (BodyTooLarge, BadBody) as error:
                self._refuse_body(exchange, error)
                return
            except Disconnected:
                return
            if data is None:
                return
            if not data:
                if channel.makes_all_calls:
                    channel.allContentReceived()
                else:
                    link.handle_request(channel, request.requestReceived, *self._request_line)
                return
            request.handleContentChunk(data)
            if exchange is not channel._exchange:
                return

    def _refuse_body(self, exchange: RelayedExchange, error: BodyTooLarge | BadBody) -> None:
        """Give up a request whose body is too large or malformed. The request's `connectionLost` notifies the
        program."""
        self._lose_requests(error)
        self._channel._link.refuse_body(self._channel, exchange, error.status)

    def fail_request(self, exchange: RelayedExchange, error: BaseException) -> None:
        """Respond with 500 to a request that could not be passed to the program."""
        self._lose_requests(error)
        with suppress(ResponseEnded, Disconnected):
            respond_plainly(self._channel, exchange, 500)

    def _lose_requests(self, error: BaseException) -> None:
        channel = self._channel
        channel._exchange = None
        requests = list(channel.requests)
        channel.requests.clear()
        for request in requests:
            request.connectionLost(Failure(error))


def _request_maker(channel: "HTTPChannel", factory: Any) -> tuple[Callable[[Any], Any], bool]:
    """Return a function that makes requests for a channel, and whether these requests read their head on demand."""
    respect_patches()
    if can_replace(factory):
        return channel.request_class, not channel.makes_all_calls
    if may_be_lazy(factory):
        if factory.__init__ is Request.__init__ and factory.__new__ is object.__new__:
            return factory, not channel.makes_all_calls
        return (lambda channel: factory(channel, len(channel.requests))), not channel.makes_all_calls
    if INonQueuedRequestFactory.providedBy(factory):
        return factory, False
    return lambda channel: factory(channel, len(channel.requests)), False


def _exceeds_limits(channel: "HTTPChannel", exchange: RelayedExchange) -> bool:
    """Whether a head exceeds the limits that a program has set."""
    lines = exchange.raw_headers()
    size = sum(map(len, exchange.start_and_framing[:3])) + 2  # counted as in twisted.web, without line ends
    size += sum(len(name) + 2 + len(value) for name, value in lines)
    return len(lines) > channel.maxHeaders or size > channel.totalHeadersSize
