"""`HTTPChannel` on the engine: between twisted.web's requests and the wire.

A channel is one connection. Where the engine has the socket, `transport` is a `SocketTransport` and nothing of
Twisted's is on the way; over any other transport the same codec is fed by `dataReceived`. In both a request goes

    begin -> requestFactory(channel), requestHeaders, parseCookies, gotLength
    readable (only with a body) -> handleContentChunk ...
    requestReceived -> writeHeaders, write ... -> requestDone

and `connectionLost(Failure)` whenever the connection is over before that.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, ClassVar, Final

from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.iweb import INonQueuedRequestFactory

from ropewalk.dropin.connection.adoption import mark_used
from ropewalk.dropin.connection.channel_responding import RespondingChannel
from ropewalk.dropin.connection.exchange import RelayedExchange
from ropewalk.dropin.connection.override_check import READ, Overrides
from ropewalk.dropin.connection.producers import PullAdapter
from ropewalk.dropin.connection.socket_transport import SocketTransport
from ropewalk.dropin.request.headers import ReceivedHeaders, add_lines
from ropewalk.dropin.request.patches import can_replace, may_be_lazy, respect_patches
from ropewalk.dropin.request.request import Request
from ropewalk.errors import (
    AnswerOver,
    BadBody,
    BodyTooLarge,
    Disconnected,
    HostedError,
)

log = Logger(namespace="ropewalk.dropin")

_MOST_HEADERS: Final = READ["maxHeaders"]
_HEAD_SIZE: Final = READ["totalHeadersSize"]
"""twisted.web's own bounds, in place of which the engine's `Limits` hold; a program's are held to besides."""


class HTTPChannel(RespondingChannel):
    """twisted.web's channel, to be subclassed and used like that, with the engine's codec in it.

    It reads attributes that programs set on twisted.web's: `requestFactory`, `site`, `factory`, `timeOut`, `callLater`,
    `persistent`. Over a plain socket of Twisted's that a factory has listened for, the engine takes the socket over.
    """

    responds: ClassVar = True
    """To `Request`: there is a `respond`."""
    sends_files: ClassVar = True
    """To `Request`: it need not leave folders of files to Twisted."""
    adopts: ClassVar = True
    """Whether the engine takes over plain sockets that Twisted has accepted."""
    limits: ClassVar[Mapping[str, float]] = {}
    """Limits of connections whose factory was not told any, by their names in `Limits`."""
    lean: ClassVar[type[Request]] = Request
    """What stands in for the stock `twisted.web.server.Request`."""
    _factory: Any = None
    """The request factory for which this is so: what makes a request for a channel, and whether that is a lean one."""
    _make: Callable[[Any], Any]
    _leans = False
    _line: tuple[bytes, bytes, bytes]
    """Method, target and version of a request whose body is on its way."""
    hooked = False
    """Whether every call of twisted.web's is made, for a program has overridden what else is not called."""

    def connectionMade(self) -> None:
        """The connection is there: by the engine's hands, or to be fed."""
        transport = self.transport
        if isinstance(transport, SocketTransport) and transport.is_for(self):
            self._sit_on(transport)
        elif self.stays_twisted() or not self._adopted(transport):
            mark_used(transport)
            super().connectionMade()

    def dataReceived(self, data: bytes) -> None:
        """Bytes from a transport of Twisted's."""
        pipe = self._pipe
        if pipe is None:
            if self._stays_twisted:
                super().dataReceived(data)
                return
            if self._losing or self._upgraded:
                return
            # Not before: what is connected may turn out to speak HTTP/2, and then this is not its channel any more.
            pipe = self._open_pipe(self.transport)
        elif self._sink.exhausted:
            self.abortConnection()
            return
        self.resetTimeout()
        pipe.feed(data)
        if not self._driver.watched:
            self._flush()
        if self._handlingRequest:
            if pipe.pending > self._optimisticEagerReadSize and not self._waitingForTransport:
                self._networkProducer.pauseProducing()
        elif self.totalHeadersSize != _HEAD_SIZE and self._exchange is None and pipe.pending > self.totalHeadersSize:
            self._respondToBadRequestAndDisconnect()

    def connectionLost(self, reason: Any = connectionDone) -> None:
        """The connection is over, and so are the requests that have no response yet."""
        pipe, self._pipe = self._pipe, None
        self._exchange = None
        if pipe is not None:
            self._sink.let_go()
            pipe.disconnect()
            self._driver.rest()
        if self._driver is not None:
            self._driver.endless.discard(self)
        self._losing = self._lost = True
        producer = self._requestProducer
        if isinstance(producer, PullAdapter):
            producer.end()
        super().connectionLost(reason)

    def begin(self, exchange: RelayedExchange) -> None:
        """The head of a request is in."""
        exchange.channel = self
        self._exchange = exchange
        if self.maxHeaders != _MOST_HEADERS or self.totalHeadersSize != _HEAD_SIZE:
            lines = exchange.raw_headers()
            size = sum(map(len, exchange.start_and_framing[:3])) + 2  # as twisted.web counts: each line without its end
            size += sum(len(name) + 2 + len(value) for name, value in lines)
            if len(lines) > self.maxHeaders or size > self.totalHeadersSize:
                self._refuse(exchange)
                return
        command, path, version, keeps, length = exchange.start_and_framing
        factory = self.requestFactory
        if factory is not self._factory:
            self.hooked = self._decide_hooked()
            self._factory = factory
            self._make, self._leans = self._maker(factory)
        request = self._make(self)
        self.requests.append(request)
        if self.hooked:
            self._command, self._path, self._version = command, path, version
            self._begin_hooked(exchange, request, length)
            return
        plain = keeps and version == b"HTTP/1.1"
        if self._leans and plain and length == 0:
            self.persistent = self._kept = True
            request.arrive(exchange)
            self._receive(request.requestReceived, command, path, version)
            return
        if self._leans and request._rw_lazy:  # noqa: SLF001 - nobody has had it in his hands yet
            request.requestHeaders = ReceivedHeaders(exchange)
        elif isinstance(request, Request):
            request.take_headers(exchange)
        else:
            add_lines(request, exchange)
        request.parseCookies()
        self.persistent = self._kept = plain or self.checkPersistence(request, version)
        self.length = length
        request.gotLength(length)
        if exchange is not self._exchange:
            return
        if length == 0:
            self._receive(request.requestReceived, command, path, version)
            return
        self._line = command, path, version
        self._receive_body(exchange)

    def allHeadersReceived(self) -> None:
        """The head of `requests[-1]` is in. Called on channels for which a program has overridden some method."""
        if self._stays_twisted:
            super().allHeadersReceived()
            return
        request = self.requests[-1]
        request.parseCookies()
        self.persistent = self.checkPersistence(request, self._version)
        request.gotLength(self.length)

    def allContentReceived(self) -> None:
        """All of `requests[-1]` is in: let the program have it. Called on the same channels."""
        if self._stays_twisted:
            super().allContentReceived()
            return
        line = self._command, self._path, self._version
        self.length = 0
        del self._command, self._path, self._version
        self._receive(self.requests[-1].requestReceived, *line)

    def readable(self, exchange: RelayedExchange) -> None:
        """Some of what follows a head is here."""
        if exchange is self._exchange:
            self._take_body(exchange)
        elif self._socket is not None:
            self._socket.deliver()

    def gone(self, exchange: RelayedExchange) -> None:
        """The exchange is over without a response; the end of its connection follows."""
        if exchange is self._exchange:
            self._exchange = None

    def give_up(self, exchange: RelayedExchange, error: BaseException) -> None:
        """The request could not be handed to the program, which will not respond."""
        self._exchange = None
        for request in self._take_requests():
            request.connectionLost(Failure(error))
        with suppress(AnswerOver, Disconnected):
            self._respond_plainly(exchange, 500)

    def stays_twisted(self) -> str:
        """Why Twisted's own channel serves the connection, decided before that is made; empty where the engine does."""
        reason, _ = OVERRIDES.decide(self)
        if reason:
            self._stays_twisted = reason
            self.responds = False  # type: ignore[misc] # an instance's own, for its requests
        return self._stays_twisted

    def resume_body(self) -> None:
        """The program wants more of the body."""
        if self._exchange is not None and not self._handlingRequest:
            self._take_body(self._exchange)

    def sending_overrides(self) -> set[str]:
        """The methods by which responses are sent that a program has overridden."""
        return OVERRIDES.on(self) & {"write", "writeHeaders", "writeSequence"}

    def _decide_hooked(self) -> bool:
        """Whether every call is to be made. Raises HostedError (RW741) where a method was overridden too late."""
        reason, hooked = OVERRIDES.decide(self)
        if reason:
            raise HostedError("RW741", f"A channel was changed when it was connected already: {reason}.")
        if self._socket is not None and self.transport is not self._socket:
            raise HostedError("RW741", "A channel was changed when it was connected already: its transport is another.")
        if hooked:
            self.responds = False  # type: ignore[misc] # an instance's own, for its requests
        return hooked

    def _begin_hooked(self, exchange: RelayedExchange, request: Any, length: int | None) -> None:
        """The head of a request is in, on a channel that makes every call of twisted.web's."""
        add_lines(request, exchange)
        self.length = length
        self.allHeadersReceived()
        self._kept = bool(self.persistent)
        if exchange is not self._exchange:
            return
        if length == 0:
            self.allContentReceived()
        elif self._pipe is None or not self._sink.is_closing():  # else 100 Continue would come behind its last words
            self._receive_body(exchange)

    def _receive_body(self, exchange: RelayedExchange) -> None:
        try:
            exchange.receive()
        except BodyTooLarge as error:
            self._refuse_body(exchange, error)
        except Disconnected:
            pass
        else:
            self._take_body(exchange)

    def _take_body(self, exchange: RelayedExchange) -> None:
        request = self.requests[-1]
        while self._socket is None or not self._socket.paused:
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
                if self.hooked:
                    self.allContentReceived()
                else:
                    self._receive(request.requestReceived, *self._line)
                return
            request.handleContentChunk(data)
            if exchange is not self._exchange:
                return

    def _receive(self, receive: Callable[..., None], *told: Any) -> None:
        """The request is whole: let the program have it."""
        self._handlingRequest = True
        if self._socket is None:
            self.length = 0
            if self.timeOut:
                self._savedTimeOut = self.setTimeout(None)
        self._serving = True
        try:
            receive(*told)
        finally:
            self._serving = False
        if self._closing:
            self._closing = False
            if self._socket is None:
                self.loseConnection()
            else:
                self._socket.connection.close()
        if self._pulled is not None:
            pulled, self._pulled = self._pulled, None
            pulled.startStreaming()
        if self._socket is None:
            self._look_for_upgrade()

    def _refuse_body(self, exchange: RelayedExchange, error: BodyTooLarge | BadBody) -> None:
        """The request will never be whole, and the program hears of it as of a lost connection."""
        self._exchange = None
        for request in self._take_requests():
            request.connectionLost(Failure(error))
        if self._socket is None and error.status == 400 and not exchange.started:
            self._refuse(exchange)
        else:
            self._respond_plainly(exchange, error.status)

    def _refuse(self, exchange: RelayedExchange) -> None:
        """Respond with 400 as twisted.web does, though the request is not all here."""
        self._exchange = None
        exchange.close_after()
        exchange.relay(400, b"Bad Request", {}, b"")
        self._flush()

    def _maker(self, factory: Any) -> tuple[Callable[[Any], Any], bool]:
        """What makes a request for a channel as a factory would, and whether it makes a lean one."""
        respect_patches()
        if can_replace(factory):
            return self.lean, not self.hooked
        if may_be_lazy(factory):
            if factory.__init__ is Request.__init__ and factory.__new__ is object.__new__:
                return factory, not self.hooked
            return (lambda channel: factory(channel, len(channel.requests))), not self.hooked
        if INonQueuedRequestFactory.providedBy(factory):
            return factory, False
        return lambda channel: factory(channel, len(channel.requests)), False

    def _take_requests(self) -> list[Any]:
        taken = list(self.requests)
        self.requests.clear()
        return taken


OVERRIDES: Final = Overrides(HTTPChannel)
"""Decides by which code the connections of a channel are served."""
