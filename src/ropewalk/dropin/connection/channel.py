"""`HTTPChannel` on the engine: it connects twisted.web's requests with the engine's exchanges.

A channel is one connection. Its `Link` handles the differences between the kinds of connections. On each kind, the
calls for a request are the same:

    begin -> requestFactory(channel), requestHeaders, parseCookies, gotLength
    readable (only with a body) -> handleContentChunk ...
    requestReceived -> writeHeaders, write ... -> requestDone

`connectionLost(Failure)` is called if the connection ends before `requestDone`.
"""

import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar, Final

from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.logfile import BaseLogFile
from twisted.web.http_headers import Headers

from ropewalk.dropin.connection.adoption import mark_used
from ropewalk.dropin.connection.channel_state import ChannelState
from ropewalk.dropin.connection.exchange import RelayedExchange
from ropewalk.dropin.connection.link import TWISTED
from ropewalk.dropin.connection.override_check import Overrides
from ropewalk.dropin.connection.producers import PullAdapter, resume_producer
from ropewalk.dropin.connection.response_errors import cut_response, refuse_response
from ropewalk.dropin.connection.socket_link import SocketLink, adopt
from ropewalk.dropin.connection.socket_transport import SocketTransport
from ropewalk.dropin.connection.thread_queue import Call, Chunk, queue_of
from ropewalk.dropin.connection.upgrade import switch_head
from ropewalk.dropin.request.headers import headers_of
from ropewalk.dropin.request.request import Request
from ropewalk.dropin.request.site_log import SiteLogs
from ropewalk.errors import (
    BeyondLength,
    HostedError,
    RopewalkError,
    WrongThread,
)
from ropewalk.request import is_event_stream

log = Logger(namespace="ropewalk.dropin")


class HTTPChannel(ChannelState):
    """twisted.web's channel, served by the engine. Subclass it and use it like twisted.web's channel.

    It reads the attributes that programs set on twisted.web's channel: `requestFactory`, `site`, `factory`, `timeOut`,
    `callLater`, `persistent`. The engine adopts plain sockets that a port of the factory has accepted.
    """

    takes_whole_responses: ClassVar = True
    """For `Request`: whether a whole response may be sent with one call of `respond`. It is set to False on a channel
    that Twisted serves, or that must make every call of twisted.web's channel."""
    serves_static_files: ClassVar = True
    """For `Request`: whether the channel can serve the files of a `twisted.web.static.File` itself."""
    adopts_sockets: ClassVar = True
    """Whether the engine adopts plain sockets that Twisted has accepted."""
    limits: ClassVar[Mapping[str, float]] = {}
    """Limits by their names in `Limits`, for connections whose factory has no limits."""
    request_class: ClassVar[type[Request]] = Request
    """The class that replaces the stock `twisted.web.server.Request`."""

    def connectionMade(self) -> None:
        """Attach the link for this kind of connection."""
        transport = self.transport
        if isinstance(transport, SocketTransport) and transport.is_for(self):
            SocketLink.attach(self, transport)
        elif self.stays_twisted() or not adopt(self, transport):
            mark_used(transport)
            super().connectionMade()

    def dataReceived(self, data: bytes) -> None:
        """Take bytes that a transport of Twisted has read."""
        self._link.receive(self, data)

    def connectionLost(self, reason: Any = connectionDone) -> None:
        """End the requests without a complete response, because the connection has ended."""
        self._exchange = None
        self._link.lost(self)
        if self._factory_engine is not None:
            self._factory_engine.endless.discard(self)
        self._losing = self._lost = True
        producer = self._requestProducer
        if isinstance(producer, PullAdapter):
            producer.end()
        super().connectionLost(reason)

    def stays_twisted(self) -> str:
        """Decide whether Twisted's own channel serves the connection. Returns the reason, or an empty string."""
        reason, _ = OVERRIDES.decide(self)
        if reason:
            self._stays_twisted = reason
            self._link = TWISTED
            self.takes_whole_responses = False  # type: ignore[misc] # set on the instance, for its requests
        return self._stays_twisted

    def uses(self, transport: SocketTransport) -> bool:
        """Whether the channel uses the engine's transport that it was given, and not a program's wrapper around it."""
        return self._link.socket_transport is transport and self.transport is transport

    def leave_to_twisted(self) -> None:
        """From now on, take bytes from `dataReceived` and write to `transport`, because a program has wrapped the
        engine's transport."""
        self._link.leave_to_twisted(self)

    def getPeer(self) -> Any:
        """Return the address of the client, even after the connection is closed."""
        if self._stays_twisted:
            return super().getPeer()
        return self.transport.getPeer() if self._ends is None else self._ends[0]

    def getHost(self) -> Any:
        """Return the server's address, even after the connection is closed."""
        if self._stays_twisted:
            return super().getHost()
        return self.transport.getHost() if self._ends is None else self._ends[1]

    @property
    def takes_descriptors(self) -> bool:
        """For `Request`: whether the connection can send an open file, so that `respond_with_file` may be called."""
        return self._link.takes_descriptors

    def isSecure(self) -> bool:
        """Whether the connection uses TLS."""
        return self._link.may_be_secure and super().isSecure()

    def later(self, call: Callable[[], None]) -> None:
        """Call a function in the reactor's next iteration."""
        self.callLater(0, call)

    @property
    def timeOut(self) -> Any:
        """The seconds for which the client may be silent; None for no limit. Programs may set it at any time."""
        timeout = self._link.timeout
        return self._time_out if timeout is None else timeout(self)

    @timeOut.setter
    def timeOut(self, period: Any) -> None:
        set_timeout = self._link.set_timeout
        if set_timeout is None:
            self._time_out = period
        else:
            set_timeout(self, period)

    def setTimeout(self, period: Any) -> Any:
        """Set the seconds for which the client may be silent; None for no limit. Returns the previous value."""
        restart = self._link.restart_timeout
        return super().setTimeout(period) if restart is None else restart(self, period)

    def loseConnection(self) -> None:
        """Close the connection after all written bytes are sent, whether or not the response is complete."""
        if not self.is_reactor_thread():
            self.call_in_reactor(partial(_LOSE_CONNECTION, self))
        elif self.close_after_handler():
            self._link.drop_producer()
        else:
            self._losing = True
            self._link.close(self)

    def close_after_handler(self) -> bool:
        """If the program's handler is running, close the connection only after the handler has returned.

        Returns whether the handler is running. The delay is necessary, because a program may first close the connection
        and then respond.
        """
        self._closing = self._serving and self._exchange is not None
        return self._closing

    def abortConnection(self) -> None:
        """Close the connection at once."""
        self._losing = True
        if self.transport is not None:
            self.transport.abortConnection()

    # The request

    def allHeadersReceived(self) -> None:
        """Handle the complete head of `requests[-1]`. Called only if `makes_all_calls` is true."""
        if self._stays_twisted:
            super().allHeadersReceived()
            return
        request = self.requests[-1]
        request.parseCookies()
        self.persistent = self.checkPersistence(request, self._version)
        request.gotLength(self.length)

    def allContentReceived(self) -> None:
        """Pass `requests[-1]`, which is complete, to the program. Called only if `makes_all_calls` is true."""
        if self._stays_twisted:
            super().allContentReceived()
            return
        line = self._command, self._path, self._version
        self.length = 0
        del self._command, self._path, self._version
        self._link.handle_request(self, self.requests[-1].requestReceived, *line)

    def readable(self, exchange: RelayedExchange) -> None:
        """Take the bytes that follow a head: a part of the body, or raw bytes."""
        if exchange is not self._exchange:
            self._link.deliver_raw()
        elif self._handlingRequest:
            self._link.read_ahead(self, exchange)
        else:
            self._receiver.take_body(exchange)

    def resume_body(self) -> None:
        """Read more of the body, because the program has resumed it."""
        if self._exchange is not None and not self._handlingRequest:
            self._receiver.take_body(self._exchange)

    def gone(self, exchange: RelayedExchange) -> None:
        """Forget the exchange, because it has ended without a response. `connectionLost` follows."""
        if exchange is self._exchange:
            self._exchange = None

    def fail_request(self, exchange: RelayedExchange, error: BaseException) -> None:
        """Respond with 500 to a request that could not be passed to the program."""
        self._receiver.fail_request(exchange, error)

    def exchange_of(self, request: Any) -> RelayedExchange | None:
        """Return the exchange that an app uses to respond to a request. None if the channel handles another request."""
        return self._exchange if self.requests and self.requests[0] is request else None

    def sending_overrides(self) -> set[str]:
        """Return the names of overridden methods that send responses."""
        return OVERRIDES.overridden_names(self) & {"write", "writeHeaders", "writeSequence"}

    def decide_calls(self) -> bool:
        """Return whether to make every call that twisted.web's channel makes.

        Raises HostedError (RW741) if a method was overridden too late.
        """
        reason, makes_all_calls = OVERRIDES.decide(self)
        if reason:
            raise HostedError("RW741", f"A channel was changed after it was connected: {reason}.")
        ours = self._link.socket_transport
        if ours is not None and self.transport is not ours:
            raise HostedError("RW741", "A channel was changed after it was connected: it has another transport.")
        if makes_all_calls:
            self.takes_whole_responses = False  # type: ignore[misc] # set on the instance, for its requests
        return makes_all_calls

    def _respondToBadRequestAndDisconnect(self) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is None or exchange.finished:
            super()._respondToBadRequestAndDisconnect()
            return
        exchange.switch_without_response()
        exchange.relay_write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        exchange.end()
        self._link.flush(self)

    # The response

    def respond(self, request: Any, code: int, reason: bytes, headers: dict[bytes, list[bytes]], body: bytes) -> None:
        """Send a whole response. Its headers frame the body."""
        exchange = self._exchange
        if exchange is None:
            self.writeHeaders(request.clientproto, b"%d" % code, reason, Headers(headers))
            self.write(body)
            return
        try:
            exchange.relay(code, reason, headers, body)
        except WrongThread:
            self.call_in_reactor(partial(_RESPOND, self, request, code, reason, dict(headers), body))
        except BeyondLength as error:
            cut_response(self, error)
        except RopewalkError as error:
            refuse_response(self, exchange, error)

    def respond_with_file(
        self, code: int, reason: bytes, headers: dict[bytes, list[bytes]], descriptor: int, size: int
    ) -> None:
        """Send a whole response whose body is an open file. The engine owns the descriptor, and always closes it.

        The descriptor is not duplicated, because a duplication could fail after the head was sent.
        """
        exchange = self._exchange
        if exchange is None:
            os.close(descriptor)
            return
        try:
            try:
                exchange.relay_head(code, reason, headers)
            except BaseException:
                os.close(descriptor)
                raise
            exchange.relay_file(descriptor, 0, size)
        except RopewalkError as error:
            refuse_response(self, exchange, error)

    def writeHeaders(self, version: bytes, code: bytes, reason: bytes, headers: Any) -> None:
        """Send the head of a response unchanged."""
        exchange = self._exchange
        if exchange is None:
            self._link.write_headers(self, version, code, reason, headers)
            return
        if not isinstance(headers, Headers):
            headers = headers_of(headers)
        fields = headers._rawHeaders if type(headers) is Headers else dict(headers.getAllRawHeaders())
        try:
            if code == b"101":
                exchange.switch_without_response()
                self._link.write_switch(self, exchange, switch_head(version, reason, headers.getAllRawHeaders()))
                self._link.read_ahead(self, exchange)
                return
            exchange.relay_head(int(code), reason, fields)
        except WrongThread:
            self.call_in_reactor(partial(_WRITE_HEADERS, self, version, code, reason, Headers(dict(fields))))
            return
        except RopewalkError as error:
            refuse_response(self, exchange, error)
        for kind in fields.get(b"Content-Type", ()):
            if is_event_stream(kind):
                self._factory_engine.endless.add(self)
        self._link.flush(self)

    def write(self, data: bytes) -> None:
        """Send a part of the body, which the request has already framed. If no head was written, send raw bytes."""
        if self._thread_queue is not None and not self.is_reactor_thread():
            self._thread_queue.add((self._write_joined, bytes(data)))
            return
        exchange = self._exchange
        if exchange is None:
            self._link.write(self, data)
            return
        try:
            if not exchange.started:
                exchange.switch_without_response()
                self._link.read_ahead(self, exchange)
            room = exchange.relay_write(data if type(data) is bytes else bytes(data))
        except WrongThread:
            self.call_in_reactor((self._write_joined, bytes(data)))
            return
        except BeyondLength as error:
            cut_response(self, error)
            return
        except RopewalkError as error:
            refuse_response(self, exchange, error)
            return
        link = self._link
        link.flush(self)
        if not room and link.is_full(exchange):
            self._full = True
            if self._requestProducer is not None:
                self._requestProducer.pauseProducing()

    def writeSequence(self, iovec: Any) -> None:
        """Send several parts at once."""
        if self._stays_twisted:
            super().writeSequence(iovec)
        else:
            _WRITE(self, b"".join(iovec))

    def requestDone(self, request: Any) -> None:
        """End the response, so that the next request can follow.

        Raises TypeError for any request other than the one that is being handled.
        """
        intercept = self._link.intercept
        if intercept is not None and intercept(self, request):
            return
        if self._upgraded:
            self._link.resume_reading()
            return
        factory_engine = self._factory_engine
        elsewhere = factory_engine is not None and not factory_engine.engine.on_engine_thread
        if (elsewhere or self._thread_queue is not None) and not self.is_reactor_thread():
            self.call_in_reactor(partial(_REQUEST_DONE, self, request))
            return
        if not self.requests or request != self.requests[0]:
            raise TypeError(f"{request!r} is not the request that is being handled.")
        del self.requests[0]
        if factory_engine is not None and factory_engine.endless:
            factory_engine.endless.discard(self)
        exchange, self._exchange = self._exchange, None
        self._handlingRequest = self._full = False
        self._link.response_done(self, exchange)

    def write_log(self, logs: SiteLogs, file: Any, line: str) -> None:
        """Write a line to a log of the factory, in the reactor's thread."""
        factory_engine = self._factory_engine
        if factory_engine is None:  # Twisted's own channel serves the connection
            logs.write(file, line)
        elif not factory_engine.engine.on_engine_thread:
            self.call_in_reactor(partial(_WRITE_LOG, self, logs, file, line))
        elif self.takes_whole_responses and isinstance(file, BaseLogFile):
            factory_engine.write_log(file, line)
        else:
            logs.write(file, line)

    def end_stream(self) -> None:
        """End an endless response, such as an event stream. Its producer is stopped, as when the connection ends."""
        self.stopProducing()
        self.loseConnection()

    # Back-pressure

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Register a producer. It is paused while too many bytes are queued.

        Raises RuntimeError if the channel already has a producer.
        """
        if not self.is_reactor_thread():
            self.call_in_reactor(partial(_REGISTER_PRODUCER, self, producer, streaming))
        elif streaming or self._requestProducer is not None:
            super().registerProducer(producer, streaming)
        else:
            self._link.register_pull_producer(self, producer)

    def unregisterProducer(self) -> None:
        """Unregister the producer, because it has written everything."""
        if self._thread_queue is not None and not self.is_reactor_thread():
            # Queued, because the call that registers the producer may still be in the queue.
            self.call_in_reactor(partial(_UNREGISTER_PRODUCER, self))
        else:
            super().unregisterProducer()

    def writable(self) -> None:
        """Resume the producer, because the engine's queue is below its high-water mark again."""
        if self._exchange is None:
            self._link.resume_raw_producer()
        elif self._full:
            self._full = False
            if self._link.flushing:
                self.later(self._resume_producer)  # as in Twisted: no transport resumes a producer inside `write`
            else:
                self._resume_producer()

    def resumeProducing(self) -> None:
        """Resume the producer, because Twisted's transport has space again. If the engine's queue is still full, the
        producer stays paused."""
        if self._full:
            self._waitingForTransport = False
        else:
            super().resumeProducing()

    def stopProducing(self) -> None:
        """Stop the producer, because the connection has ended."""
        self._link.stop_producer(self)

    def _resume_producer(self) -> None:
        if self._requestProducer is not None and not self._full and not self._waitingForTransport:
            resume_producer(self._requestProducer, partial(self._link.fail, self))

    # Upgrades

    def _protocolUpgradeForWebsockets(self, protocol: Any) -> None:
        if self.is_reactor_thread():
            self._link.upgrade(self, protocol)
        else:
            self.call_in_reactor(partial(_UPGRADE, self, protocol))

    def hand_over(self) -> RelayedExchange | None:
        """Give up the running exchange and return it, for another protocol. None if no exchange is running."""
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            self._upgraded = True
        return exchange

    def call_in_reactor(self, call: Call | Chunk) -> None:
        """Queue a call for the reactor's thread. It runs before later calls that the reactor's thread makes itself."""
        if self._thread_queue is None:
            self._thread_queue = queue_of(self)
        self._thread_queue.add(call)

    def is_reactor_thread(self) -> bool:
        """Return whether this is the reactor's thread. If it is, run the queued calls before returning."""
        if self._factory_engine is not None and not self._factory_engine.engine.on_engine_thread:
            return False
        if self._thread_queue is not None:
            self._thread_queue.run()
        return True

    def _write_joined(self, parts: list[bytes]) -> None:
        _WRITE(self, b"".join(parts))


# The functions that the reactor's thread calls for another thread. They are not looked up on the channel, because the
# other thread has already called the program's override, which must not be called twice.
_RESPOND: Final = HTTPChannel.respond
_WRITE: Final = HTTPChannel.write
_WRITE_HEADERS: Final = HTTPChannel.writeHeaders
_WRITE_LOG: Final = HTTPChannel.write_log
_REQUEST_DONE: Final = HTTPChannel.requestDone
_REGISTER_PRODUCER: Final = HTTPChannel.registerProducer
_UNREGISTER_PRODUCER: Final = HTTPChannel.unregisterProducer
_LOSE_CONNECTION: Final = HTTPChannel.loseConnection
_UPGRADE: Final = HTTPChannel._protocolUpgradeForWebsockets

OVERRIDES: Final = Overrides(HTTPChannel)
"""Decides whether the engine or Twisted serves the connections of a channel."""
