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
from functools import partial
from threading import Lock
from typing import Any, ClassVar, Final

from twisted.internet.interfaces import ISSLTransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web import http
from twisted.web.http import Request as StockRequest
from twisted.web.http_headers import Headers
from twisted.web.iweb import INonQueuedRequestFactory

from ropewalk._engine import Engine, Pipe
from ropewalk.dropin.accepted import is_new, log_handed_over, mark_used
from ropewalk.dropin.addresses import from_twisted
from ropewalk.dropin.channel_overrides import READ, Overrides
from ropewalk.dropin.driver import driver_of, limits_of, lone_driver
from ropewalk.dropin.exchange import Incoming
from ropewalk.dropin.headers import ReceivedHeaders
from ropewalk.dropin.pulling import Pulled
from ropewalk.dropin.request import Request, give_way, is_as_written, may_be_lean, stands_in_for
from ropewalk.dropin.sink import Sink, is_on_socket
from ropewalk.dropin.thread_calls import ThreadCalls
from ropewalk.dropin.transport import SocketTransport
from ropewalk.dropin.unsendable import explained
from ropewalk.errors import (
    AnswerOver,
    BadBody,
    BodyTooLarge,
    Disconnected,
    HostedError,
    RopewalkError,
    WrongThread,
    phrase,
)
from ropewalk.server.sites import end_writing, is_plain_socket, let_go

log = Logger(namespace="ropewalk.dropin")

_EVENTS: Final = b"text/event-stream"
_MOST_HEADERS: Final = READ["maxHeaders"]
_HEAD_SIZE: Final = READ["totalHeadersSize"]
"""twisted.web's own bounds, in place of which the engine's `Limits` hold; a program's are held to besides."""

_threads: Final = Lock()
"""Held where the first call of another thread meets that of a third."""


class HTTPChannel(http.HTTPChannel):
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

    transport: Any
    factory: Any = None
    site: Any = None
    _networkProducer: Any

    _ends: tuple[Any, Any] | None = None
    """The addresses of a transport of Twisted's, which does not know them any more when it is closed."""
    _driver: Any = None
    """A Driver, once there is something for it to drive."""
    _socket: SocketTransport | None = None
    _pipe: Pipe | None = None
    _sink: Sink
    _exchange: Incoming | None = None
    """The one whose request is being received or answered."""
    _factory: Any = None
    """The request factory for which this is so: what makes a request for a channel, and whether that is a lean one."""
    _make: Callable[[Any], Any]
    _leans = False
    _line: tuple[bytes, bytes, bytes]
    """Method, target and version of a request whose body is on its way."""
    _time_out: Any = http.HTTPChannel.timeOut
    _full = False
    """The engine's queue is over its high-water mark."""
    _flushing = False
    """Bytes are being passed on to the transport."""
    _abroad: ThreadCalls | None = None
    """What was said in other threads, once anything was."""
    _losing = False
    _lost = False
    """The connection is over, and the program was told."""
    _kept = True
    """Whether the last request has left the connection open."""
    _upgraded = False
    """The connection speaks something else by now."""
    _pulled: Pulled | None = None
    """A producer that is asked when the program has returned."""
    _closing = False
    """The connection is to be closed when the program has returned."""
    _refused = False
    """A response could not be sent. What the program still writes belongs to it, and the connection is closed."""
    _serving = False
    """A program is at work on a request that has just come."""
    _stays_twisted = ""
    """Why the connection is served by Twisted's own channel; empty where the engine serves it."""
    hooked = False
    """Whether every call of twisted.web's is made, for a program has overridden what else is not called."""

    # From the transport

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
        """The connection is over, and with it the requests that were not answered."""
        pipe, self._pipe = self._pipe, None
        self._exchange = None
        if pipe is not None:
            self._sink.let_go()
            pipe.part()
            self._driver.rest()
        if self._driver is not None:
            self._driver.endless.discard(self)
        self._losing = self._lost = True
        producer = self._requestProducer
        if isinstance(producer, Pulled):
            producer.end()
        super().connectionLost(reason)

    def resumeProducing(self) -> None:
        """The transport has room again."""
        if self._full:
            self._waitingForTransport = False
        else:
            super().resumeProducing()

    # From the engine

    def begin(self, exchange: Incoming) -> None:
        """The head of a request is in."""
        exchange.channel = self
        self._exchange = exchange
        if self.maxHeaders != _MOST_HEADERS or self.totalHeadersSize != _HEAD_SIZE:
            lines = exchange.raw_headers()
            size = sum(map(len, exchange.opening[:3])) + 2  # as twisted.web counts: each line without its end
            size += sum(len(name) + 2 + len(value) for name, value in lines)
            if len(lines) > self.maxHeaders or size > self.totalHeadersSize:
                self._refuse(exchange)
                return
        command, path, version, keeps, length = exchange.opening
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
        self._fill(request, ReceivedHeaders(exchange))
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

    def readable(self, exchange: Incoming) -> None:
        """Some of what follows a head is here."""
        if exchange is self._exchange:
            self._take_body(exchange)
        elif self._socket is not None:
            self._socket.deliver()

    def writable(self) -> None:
        """What was written is on its way, or enough of it."""
        if self._exchange is None:
            if self._socket is not None:
                self._socket.has_room()
            return
        if not self._full:
            return
        self._full = False
        if self._flushing:
            self.later(self._let_produce)  # a program is in `write`, within which no transport resumes a producer
        else:
            self._let_produce()

    def _let_produce(self) -> None:
        if self._requestProducer is not None and not self._full and not self._waitingForTransport:
            self._requestProducer.resumeProducing()

    def gone(self, exchange: Incoming) -> None:
        """The exchange is over without an answer; the end of its connection follows."""
        if exchange is self._exchange:
            self._exchange = None

    def give_up(self, exchange: Incoming, error: BaseException) -> None:
        """What the program is made of has failed, so that nobody there will answer."""
        self._exchange = None
        for request in self._take_requests():
            request.connectionLost(Failure(error))
        with suppress(AnswerOver, Disconnected):
            self._answer_plainly(exchange, 500)

    def last_answer_sent(self, *, reads_on: bool = False) -> None:
        """Close, unless a program has said meanwhile that the connection lives on, for something else than HTTP.

        `reads_on`: the client is sending still, and would not get to read the answer.
        """
        if not (self._losing or self._kept or not self.persistent):
            return
        if not (reads_on and is_on_socket(self.transport)):
            # The transport may have paused us for the last bytes, and nobody else lets it read on to the client's end.
            self._networkProducer.resumeProducing()
            super().loseConnection()
            return
        self._networkProducer.unregisterProducer()
        end_writing(self.transport)
        self._networkProducer.resumeProducing()

    @property
    def timeOut(self) -> Any:
        """Seconds for which the client may be silent, None for ever. Programs set it at any time."""
        return self._time_out

    @timeOut.setter
    def timeOut(self, period: Any) -> None:
        self._time_out = period
        if self._socket is None or not self._socket.connected:
            return
        set_timeout = partial(self._socket.connection.set_idle_timeout, period or 0)
        if self._driver.engine.at_home:
            set_timeout()
        else:
            self._bring_home(set_timeout)

    def setTimeout(self, period: Any) -> Any:
        """Let the connection be idle for so many seconds, None for ever; how many it was before."""
        if self._socket is None:
            return super().setTimeout(period)
        before, self.timeOut = self.timeOut, period
        if self._socket.connected:
            self._socket.connection.set_idle_timeout(period or 0)
        return before

    def getPeer(self) -> Any:
        """The other end, also when the connection is gone."""
        if self._stays_twisted:
            return super().getPeer()
        return self.transport.getPeer() if self._ends is None else self._ends[0]

    def getHost(self) -> Any:
        """Our end, also when the connection is gone."""
        if self._stays_twisted:
            return super().getHost()
        return self.transport.getHost() if self._ends is None else self._ends[1]

    @property
    def takes_descriptors(self) -> bool:
        """To `Request`: there is a `respond_with_file`. A transport of Twisted's has no use for a descriptor."""
        return self._socket is not None

    def isSecure(self) -> bool:
        """Whether the transport is TLS. A socket of the engine's is not."""
        return self._socket is None and super().isSecure()

    def later(self, call: Callable[[], None]) -> None:
        """Call something when others have had their turn."""
        self.callLater(0, call)

    # From the request

    def writeHeaders(self, version: bytes, code: bytes, reason: bytes, headers: Any) -> None:
        """Send the head of an answer as it is given."""
        exchange = self._exchange
        if exchange is None:
            if self._socket is None and not self._refused:
                super().writeHeaders(version, code, reason, headers)
            return
        if not isinstance(headers, Headers):
            headers = _sanitized(headers)
        if code == b"101":
            self._switch(exchange, version, reason, headers)
            return
        fields = headers._rawHeaders if type(headers) is Headers else dict(headers.getAllRawHeaders())  # noqa: SLF001
        try:
            exchange.relay_head(int(code), reason, fields)
        except WrongThread:
            self._bring_home(partial(_WRITE_HEADERS, self, version, code, reason, Headers(dict(fields))))
            return
        except RopewalkError as error:
            self._refuse_answer(exchange, error)
        for kind in fields.get(b"Content-Type", ()):
            if kind.startswith(_EVENTS):
                self._driver.endless.add(self)
        self._flush()

    def write(self, data: bytes) -> None:
        """Send a part of the body as the request has framed it; before any head, whatever the program says itself."""
        if self._abroad is not None and not self._came_home():
            self._abroad.add(bytes(data))
            return
        exchange = self._exchange
        if exchange is None:
            if self._socket is not None and self.transport is self._socket:
                self._socket.write(data)
            elif self._socket is None and not self._refused:
                super().write(data)
            return
        try:
            if not exchange.started:
                exchange.take_over()
            room = exchange.relay_write(data if type(data) is bytes else bytes(data))
        except WrongThread:
            self._bring_home(bytes(data))
            return
        except RopewalkError as error:
            self._refuse_answer(exchange, error)
            return
        pipe = self._pipe
        self._flush()
        # The bytes of a pipe are with the transport by now, which says itself when it is full.
        if not room and (pipe is None or exchange.pressure):
            self._full = True
            if self._requestProducer is not None:
                self._requestProducer.pauseProducing()

    def writeSequence(self, iovec: Any) -> None:
        """Send several at once."""
        if self._stays_twisted:
            super().writeSequence(iovec)
        else:
            _WRITE(self, b"".join(iovec))

    def respond(self, request: Any, code: int, reason: bytes, headers: dict[bytes, list[bytes]], body: bytes) -> None:
        """Send a whole answer, whose headers say how it is framed."""
        exchange = self._exchange
        if exchange is None:
            self.writeHeaders(request.clientproto, b"%d" % code, reason, Headers(headers))
            self.write(body)
            return
        try:
            exchange.relay(code, reason, headers, body)
        except WrongThread:
            self._bring_home(partial(HTTPChannel.respond, self, request, code, reason, dict(headers), body))
        except RopewalkError as error:
            self._refuse_answer(exchange, error)

    def respond_with_file(
        self, code: int, reason: bytes, headers: dict[bytes, list[bytes]], descriptor: int, size: int
    ) -> None:
        """Send a whole answer whose body is an open file, of which the engine keeps a descriptor of its own."""
        exchange = self._exchange
        if exchange is None:
            return
        try:
            exchange.relay_head(code, reason, headers)
            exchange.relay_file(descriptor, 0, size)
        except RopewalkError as error:
            self._refuse_answer(exchange, error)

    def requestDone(self, request: Any) -> None:
        """The answer is complete, and the next request may come. Raises TypeError for one that is not its turn."""
        if self._socket is None:
            if self._stays_twisted:
                super().requestDone(request)
                return
            self._look_for_upgrade()
        if self._upgraded:
            return
        driver = self._driver
        if (self._abroad is not None or (driver is not None and not driver.engine.at_home)) and not self._came_home():
            self._bring_home(partial(_REQUEST_DONE, self, request))
            return
        if not self.requests or request != self.requests[0]:
            raise TypeError(f"{request!r} is not the request that is being answered.")
        del self.requests[0]
        if driver is not None and driver.endless:
            driver.endless.discard(self)
        exchange, self._exchange = self._exchange, None
        self._handlingRequest = self._full = False
        if self._socket is None:
            self._be_ready()
        if exchange is None:
            if not self.persistent:
                self.loseConnection()
            return
        if exchange.finished:
            pass
        elif not exchange.started:
            exchange.abort()
        else:
            if not self.persistent:
                exchange.close_after()
            self._end(exchange)
        self._flush()

    def stays_twisted(self) -> str:
        """Why Twisted's own channel serves the connection, decided before that is made; empty where the engine does."""
        reason, _ = _OVERRIDES.decide(self)
        if reason:
            self._stays_twisted = reason
            self.responds = False  # type: ignore[misc] # an instance's own, for its requests
        return self._stays_twisted

    def write_log(self, file: Any, line: str) -> None:
        """Write a line to a log of the factory's."""
        self._driver.write_log(file, line)

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Have what writes the body told when to wait, or asked for more. Raises RuntimeError where there is one."""
        if not self._came_home():
            self._bring_home(partial(_REGISTER_PRODUCER, self, producer, streaming))
            return
        if streaming or self._requestProducer is not None or self._stays_twisted:
            super().registerProducer(producer, streaming)
            return
        if self._lost:  # Twisted would ask it for ever
            producer.stopProducing()
            return
        pulled = Pulled(producer, self)
        self._requestProducer = pulled
        self._requestProducerStreaming = False
        if self._serving and self._socket is not None:
            self._pulled = pulled
        else:
            self.later(pulled.startStreaming)

    def loseConnection(self) -> None:
        """Close behind what was written, whether it is a whole answer or not."""
        if not self._came_home():
            self._bring_home(partial(_LOSE_CONNECTION, self))
            return
        if self.closes_later():
            if self._socket is not None:
                self._socket.unregisterProducer()
            return
        self._losing = True
        pipe = self._pipe
        if pipe is not None:
            pipe.close()
        elif self.transport is not None:
            super().loseConnection()

    def closes_later(self) -> bool:
        """Whether the connection is closed when the program has returned: it may say so first and answer then."""
        self._closing = self._serving and self._exchange is not None
        return self._closing

    def abortConnection(self) -> None:
        """Close at once."""
        self._losing = True
        if self.transport is not None:
            self.transport.abortConnection()

    def _respondToBadRequestAndDisconnect(self) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is None or exchange.finished:
            super()._respondToBadRequestAndDisconnect()
            return
        exchange.take_over()
        exchange.relay_write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        exchange.end()
        self._flush()

    def _protocolUpgradeForWebsockets(self, protocol: Any) -> None:
        if self._socket is not None:
            self._socket.protocol = protocol
            protocol.makeConnection(self._socket)
            return
        rest = b"" if self._stays_twisted else self._part_with_pipe()
        super()._protocolUpgradeForWebsockets(protocol)
        if rest:
            self.later(partial(protocol.dataReceived, rest))

    def hand_over(self) -> Incoming | None:
        """The exchange that is running, which is the caller's from now on. None where none is."""
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            self._upgraded = True
        return exchange

    def end_stream(self) -> None:
        """End a response that would not end by itself: its producer is stopped, as by the end of the connection."""
        self.stopProducing()
        self.loseConnection()

    def lend(self, request: Any) -> Incoming | None:
        """The exchange of the request that is being answered, for somebody who answers by that. None for any other."""
        return self._exchange if self.requests and self.requests[0] is request else None

    def resume_body(self) -> None:
        """The program wants more of the body."""
        if self._exchange is not None and not self._handlingRequest:
            self._take_body(self._exchange)

    # Programs that write from threads, as they should not

    def _bring_home(self, call: Callable[[], None] | bytes) -> None:
        """Have the reactor's thread make a call, before whatever it has to say of the same answer by itself."""
        if self._abroad is None:
            with _threads:
                if self._abroad is None:
                    self._abroad = ThreadCalls(self._write_joined, self._reactor)
        self._abroad.add(call)

    def _write_joined(self, parts: list[bytes]) -> None:
        """Write pieces as one, unless that would be refused where the first of them would not."""
        data = b"".join(parts)
        exchange, announced = self._exchange, None
        if exchange is not None and self.requests:
            announced = self.requests[0].responseHeaders.getRawHeaders(b"content-length")
        if announced and exchange is not None and exchange.bytes_sent + len(data) > int(announced[0]):
            for part in parts:
                _WRITE(self, part)
        else:
            _WRITE(self, data)

    def _came_home(self) -> bool:
        """Whether this is the reactor's thread; then the calls that wait have been made."""
        if self._driver is not None and not self._driver.engine.at_home:
            return False
        if self._abroad is not None:
            self._abroad.make()
        return True

    @property
    def _reactor(self) -> Any:
        return getattr(self.factory, "reactor", None) or self._driver.reactor

    # The two ways of being connected

    def _sit_on(self, transport: SocketTransport) -> None:
        self._socket = transport
        self._driver = transport.driver
        self._networkProducer = transport
        limits = self._driver.engine.limits
        idle = self.timeOut or 0
        if idle != limits.idle_timeout or 0 < idle < max(limits.head_timeout, limits.body_timeout):
            transport.connection.set_idle_timeout(idle)  # which bounds silences within a request, too

    def _adopted(self, transport: Any) -> bool:
        """Whether the engine has taken over a socket that Twisted has accepted."""
        factory = self.factory
        if factory is None or not self.adopts or not is_plain_socket(transport):
            return False
        if not is_new(transport, self):
            log_handed_over(factory)
            return False
        driver = driver_of(factory, transport.reactor, limits_of(factory, self.limits))
        if not driver.can_watch():
            return False
        driver.wake()
        ours = SocketTransport.of(driver, from_twisted(transport.getPeer()), transport.protocol, self)
        try:
            connection = driver.engine.adopt(transport.fileno(), owner=ours, half_close=driver.half_close)
        except OSError:
            driver.rest()
            return False
        transport.protocol = Protocol()  # which is told that the transport is gone
        let_go(transport)
        self.transport = ours
        if connection is None:
            ours.closed("cut")
            return True
        ours.sit_on(connection)
        self._sit_on(ours)
        return True

    def _open_pipe(self, transport: Any) -> Pipe:
        factory = self.factory
        if factory is not None and is_on_socket(transport):
            self._driver = driver_of(factory, factory.reactor, limits_of(factory, self.limits))
            self._driver.wake()
        else:
            self._driver = lone_driver(factory, self.limits)
        engine: Engine = self._driver.engine
        self._sink = Sink(self, transport)
        self._ends = peer, host = transport.getPeer(), transport.getHost()
        self._pipe = pipe = engine.open_pipe(
            self._sink,
            client=from_twisted(peer),
            server=from_twisted(host),
            secure=ISSLTransport.providedBy(transport),
            half_close=self._driver.half_close,
        )
        pipe.set_idle_timeout(0)
        return pipe

    # A request

    def sending_overrides(self) -> set[str]:
        """The methods by which responses are sent that a program has overridden."""
        return _OVERRIDES.on(self) & {"write", "writeHeaders", "writeSequence"}

    def _decide_hooked(self) -> bool:
        """Whether every call is to be made. Raises HostedError (RW741) where a method was overridden too late."""
        reason, hooked = _OVERRIDES.decide(self)
        if reason:
            raise HostedError("RW741", f"A channel was changed when it was connected already: {reason}.")
        if hooked:
            self.responds = False  # type: ignore[misc] # an instance's own, for its requests
        return hooked

    def _begin_hooked(self, exchange: Incoming, request: Any, length: int | None) -> None:
        """The head of a request is in, on a channel that makes every call of twisted.web's."""
        for name, value in exchange.raw_headers():
            request.requestHeaders.addRawHeader(name, value)
        self.length = length
        self.allHeadersReceived()
        self._kept = bool(self.persistent)
        if exchange is not self._exchange:
            return
        if length == 0:
            self.allContentReceived()
        else:
            self._receive_body(exchange)

    def _receive_body(self, exchange: Incoming) -> None:
        try:
            exchange.receive()
        except BodyTooLarge as error:
            self._refuse_body(exchange, error)
        except Disconnected:
            pass
        else:
            self._take_body(exchange)

    def _take_body(self, exchange: Incoming) -> None:
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

    def _refuse_body(self, exchange: Incoming, error: BodyTooLarge | BadBody) -> None:
        """The request will never be whole, and the program hears of it as of a lost connection."""
        self._exchange = None
        for request in self._take_requests():
            request.connectionLost(Failure(error))
        if self._socket is None and error.status == 400 and not exchange.started:
            self._refuse(exchange)
        else:
            self._answer_plainly(exchange, error.status)

    def _refuse(self, exchange: Incoming) -> None:
        """Answer 400 as twisted.web does, though the request is not all here."""
        self._exchange = None
        exchange.close_after()
        exchange.relay(400, b"Bad Request", {}, b"")
        self._flush()

    def _refuse_answer(self, exchange: Incoming, error: RopewalkError) -> None:
        """What the program says cannot be sent. Nobody above knows what to do about that."""
        if type(error) is Disconnected:  # and no mistake of the program's, as ParentsRequest is
            return
        log.failure(
            "{channel} cannot send what a program says.", Failure(explained(error, self.requests)), channel=self
        )
        self._exchange = None
        self._refused = True
        with suppress(AnswerOver, Disconnected):
            self._answer_plainly(exchange, 500)

    def _answer_plainly(self, exchange: Incoming, status: int) -> None:
        if exchange.started:
            exchange.abort()
        else:
            exchange.close_after()
            exchange.answer(status, (), f"{phrase(status)}\n")
        self._flush()

    def _end(self, exchange: Incoming) -> None:
        try:
            if exchange.status == 101:
                exchange.end()
            else:
                exchange.relay_end()
        except RopewalkError as error:
            self._refuse_answer(exchange, error)

    def _be_ready(self) -> None:
        """For the next request, or the rest of one."""
        if not self._waitingForTransport:
            self._networkProducer.resumeProducing()
        if self.persistent and self._savedTimeOut:
            self.setTimeout(self._savedTimeOut)

    def push(self) -> None:
        """See that what was written to a pipe is with the transport."""
        if self._pipe is not None:
            self._pipe.push()

    def _flush(self) -> None:
        """Where a program expects its bytes to be with its transport at once, see that they are.

        Where the reactor turns the engine, nobody else's requests are served by that: the program may be in the middle
        of something.
        """
        pipe = self._pipe
        if pipe is None:
            return
        flushing, self._flushing = self._flushing, True
        try:
            if self._driver.watched:
                pipe.settle()
            else:
                while self._pipe is not None and pipe.flush():
                    pass
        finally:
            self._flushing = flushing

    # The end of HTTP

    def _switch(self, exchange: Incoming, version: bytes, reason: bytes, headers: Headers) -> None:
        """101: what the program says behind its head is not for us to understand."""
        head = b"%b 101 %b\r\n" % (version, reason)
        lines = [
            b"%b: %b\r\n" % (name, value)
            for name, values in headers.getAllRawHeaders()
            if name not in _FRAMING  # a 1xx has none (RFC 9112, section 6.1)
            for value in values
        ]
        answer = b"%b%b\r\n" % (head, b"".join(lines))
        exchange.take_over()
        if self._socket is None:
            self.push()  # such as 100 Continue
            self.transport.write(answer)  # whoever has the transport next must not be before it
        else:
            exchange.relay_write(answer)

    def _look_for_upgrade(self) -> None:
        """Whether a program has given its transport to another protocol, in the ways that programs have."""
        if self._pipe is not None and self._exchange is not None and not self._sink.is_ours():
            self._sink.pass_on(self._part_with_pipe())

    def _part_with_pipe(self) -> bytes:
        """The transport is another protocol's. What has come for it already is returned."""
        exchange, self._exchange = self._exchange, None
        pipe, self._pipe = self._pipe, None
        self._upgraded = True
        self.setTimeout(None)
        if exchange is None or pipe is None:
            return b""
        if exchange.status != 101:
            exchange.take_over()
        rest = exchange.take()
        self._sink.let_go()
        pipe.part()
        self._driver.rest()
        self._networkProducer.unregisterProducer()
        self._networkProducer.resumeProducing()
        return rest or b""

    def _maker(self, factory: Any) -> tuple[Callable[[Any], Any], bool]:
        """What makes a request for a channel as a factory would, and whether it makes a lean one."""
        give_way()
        if (factory is self.lean and is_as_written(factory)) or stands_in_for(factory):
            return self.lean, not self.hooked
        if may_be_lean(factory):
            if factory.__init__ is Request.__init__ and factory.__new__ is object.__new__:
                return factory, not self.hooked
            return (lambda channel: factory(channel, len(channel.requests))), not self.hooked
        if INonQueuedRequestFactory.providedBy(factory):
            return factory, False
        return lambda channel: factory(channel, len(channel.requests)), False

    @staticmethod
    def _fill(request: Any, headers: ReceivedHeaders) -> None:
        if isinstance(request, StockRequest):
            request.requestHeaders = headers
            return
        for name, values in headers.getAllRawHeaders():  # something that stands before a request
            for value in values:
                request.requestHeaders.addRawHeader(name, value)

    def _take_requests(self) -> list[Any]:
        taken = list(self.requests)
        self.requests.clear()
        return taken


_FRAMING: Final = (b"Content-Length", b"Transfer-Encoding")
_OVERRIDES: Final = Overrides(HTTPChannel)

# What is made again in the reactor's thread, where an override of it has been called already.
_WRITE: Final = HTTPChannel.write
_WRITE_HEADERS: Final = HTTPChannel.writeHeaders
_REQUEST_DONE: Final = HTTPChannel.requestDone
_REGISTER_PRODUCER: Final = HTTPChannel.registerProducer
_LOSE_CONNECTION: Final = HTTPChannel.loseConnection


def _sanitized(pairs: Any) -> Headers:
    headers = Headers()
    for name, value in pairs:
        headers.addRawHeader(name, value)
    return headers
