"""How a channel sends responses, and gives its connection to another protocol."""

import os
from contextlib import suppress
from functools import partial
from threading import Lock
from typing import Any, ClassVar, Final

from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.python.logfile import BaseLogFile
from twisted.web.http_headers import Headers

from ropewalk.dropin.connection.channel_connection import ConnectedChannel
from ropewalk.dropin.connection.connection_lost import resume_producer
from ropewalk.dropin.connection.exchange import RelayedExchange
from ropewalk.dropin.connection.producers import PullAdapter
from ropewalk.dropin.connection.response_errors import explain
from ropewalk.dropin.connection.thread_queue import Call, Chunk, ThreadQueue
from ropewalk.dropin.request.headers import headers_of
from ropewalk.dropin.request.site_log import SiteLogs
from ropewalk.errors import (
    AnswerOver,
    BeyondLength,
    Disconnected,
    RopewalkError,
    WrongThread,
    phrase,
)
from ropewalk.request import is_event_stream

log = Logger(namespace="ropewalk.dropin")

_FRAMING: Final = (b"Content-Length", b"Transfer-Encoding")
_threads: Final = Lock()
"""Held while a channel's queue is made: two threads may need it at once."""


class RespondingChannel(ConnectedChannel):
    """The part of `HTTPChannel` that is about responses; nothing else derives from it."""

    responds: ClassVar[bool]
    _thread_calls: ThreadQueue | None = None
    """Calls of other threads than the reactor's, once there are any."""
    _pulled: PullAdapter | None = None
    """A producer that is asked when the program has returned."""
    _closing = False
    """The connection is to be closed when the program has returned."""
    _refused = False
    """A response could not be sent. What the program still writes belongs to it, and the connection is closed."""
    _serving = False
    """A program is at work on a request that has just come."""

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
            resume_producer(self._requestProducer, self._fail)

    def _fail(self, error: BaseException) -> None:
        if self._socket is not None:
            self._losing = True
            self._socket.fail(error)
        else:
            self.abortConnection()

    @property
    def timeOut(self) -> Any:
        """Seconds for which the client may be silent, None for ever. Programs set it at any time.

        As on Twisted's channel there is none while a program is at work on a request, and one that is set then ends
        with the response.
        """
        if self._handlingRequest and self._socket is not None and self._savedTimeOut is None:
            return None
        return self._time_out

    @timeOut.setter
    def timeOut(self, period: Any) -> None:
        if self._handlingRequest and self._socket is not None and self._savedTimeOut is None:
            self._savedTimeOut = self._time_out or 0
        self._time_out = period
        if self._socket is None or not self._socket.connected:
            return
        set_timeout = partial(self._socket.connection.set_idle_timeout, period or 0)
        if self._driver.engine.on_engine_thread:
            set_timeout()
        else:
            self.call_in_reactor(set_timeout)

    def setTimeout(self, period: Any) -> Any:
        """Let the connection be idle for so many seconds, None for ever; how many it was before."""
        if self._socket is None or self._handlingRequest:  # in which the engine keeps no time, but a call of ours does
            return super().setTimeout(period)
        before, self.timeOut = self.timeOut, period
        return before

    def writeHeaders(self, version: bytes, code: bytes, reason: bytes, headers: Any) -> None:
        """Send the head of a response as it is given."""
        exchange = self._exchange
        if exchange is None:
            if self._socket is None and not self._refused:
                super().writeHeaders(version, code, reason, headers)
            return
        if not isinstance(headers, Headers):
            headers = headers_of(headers)
        if code == b"101":
            self._switch(exchange, version, reason, headers)
            return
        fields = headers._rawHeaders if type(headers) is Headers else dict(headers.getAllRawHeaders())  # noqa: SLF001
        try:
            exchange.relay_head(int(code), reason, fields)
        except WrongThread:
            self.call_in_reactor(partial(_WRITE_HEADERS, self, version, code, reason, Headers(dict(fields))))
            return
        except RopewalkError as error:
            self._refuse_response(exchange, error)
        for kind in fields.get(b"Content-Type", ()):
            if b"event-stream" in kind and is_event_stream(kind):
                self._driver.endless.add(self)
        self._flush()

    def write(self, data: bytes) -> None:
        """Send a part of the body as the request has framed it; before any head, whatever the program says itself."""
        if self._thread_calls is not None and not self.is_reactor_thread():
            self._thread_calls.add((self._write_joined, bytes(data)))
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
            self.call_in_reactor((self._write_joined, bytes(data)))
            return
        except BeyondLength as error:
            self._cut(error)
            return
        except RopewalkError as error:
            self._refuse_response(exchange, error)
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
        """Send a whole response, whose headers say how it is framed."""
        exchange = self._exchange
        if exchange is None:
            self.writeHeaders(request.clientproto, b"%d" % code, reason, Headers(headers))
            self.write(body)
            return
        try:
            exchange.relay(code, reason, headers, body)
        except WrongThread:
            self.call_in_reactor(partial(RespondingChannel.respond, self, request, code, reason, dict(headers), body))
        except BeyondLength as error:
            self._cut(error)
        except RopewalkError as error:
            self._refuse_response(exchange, error)

    def respond_with_file(
        self, code: int, reason: bytes, headers: dict[bytes, list[bytes]], descriptor: int, size: int
    ) -> None:
        """Send a whole response whose body is an open file. The descriptor is taken over, and closed in any case.

        No second one is made: where that fails, the head would have been sent already.
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
            self._refuse_response(exchange, error)

    def requestDone(self, request: Any) -> None:
        """The response is complete, and the next request may come. Raises TypeError for one that is not its turn."""
        if self._socket is None:
            if self._stays_twisted:
                super().requestDone(request)
                return
            self._look_for_upgrade()
        if self._upgraded:
            return
        driver = self._driver
        elsewhere = driver is not None and not driver.engine.on_engine_thread
        if (elsewhere or self._thread_calls is not None) and not self.is_reactor_thread():
            self.call_in_reactor(partial(_REQUEST_DONE, self, request))
            return
        if not self.requests or request != self.requests[0]:
            raise TypeError(f"{request!r} is not the request that is being handled.")
        del self.requests[0]
        if driver is not None and driver.endless:
            driver.endless.discard(self)
        exchange, self._exchange = self._exchange, None
        self._handlingRequest = self._full = False
        if self._socket is None:
            self._be_ready()
        elif self._savedTimeOut is not None:
            self._restore_timeout()
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
                with suppress(Disconnected):  # it is closed already
                    exchange.close_after()
            self._end(exchange)
        self._flush()

    def write_log(self, logs: SiteLogs, file: Any, line: str) -> None:
        """Write a line to a log of the factory's, in the reactor's thread."""
        driver = self._driver
        if driver is None:  # Twisted's own channel serves the connection
            logs.write(file, line)
        elif not driver.engine.on_engine_thread:
            self.call_in_reactor(partial(RespondingChannel.write_log, self, logs, file, line))
        elif self.responds and isinstance(file, BaseLogFile):
            driver.write_log(file, line)
        else:
            logs.write(file, line)

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Have what writes the body told when to wait, or asked for more. Raises RuntimeError where there is one."""
        if not self.is_reactor_thread():
            self.call_in_reactor(partial(_REGISTER_PRODUCER, self, producer, streaming))
            return
        if streaming or self._requestProducer is not None or self._stays_twisted:
            super().registerProducer(producer, streaming)
            return
        if self._lost:  # Twisted would ask it for ever
            producer.stopProducing()
            return
        if self._pipe is not None and self._driver.factory is None:
            # No socket is below. A test turns the cooperator by which Twisted asks, and no reactor.
            super().registerProducer(producer, streaming)
            return
        pulled = PullAdapter(producer, self)
        self._requestProducer = pulled
        self._requestProducerStreaming = False
        if self._serving and self._socket is not None:
            self._pulled = pulled
        else:
            self.later(pulled.startStreaming)

    def unregisterProducer(self) -> None:
        """The producer has written all it has."""
        if self._thread_calls is not None and not self.is_reactor_thread():
            self.call_in_reactor(partial(_UNREGISTER_PRODUCER, self))  # after what may have registered it
        else:
            super().unregisterProducer()

    def loseConnection(self) -> None:
        """Close after what was written, whether it is a whole response or not."""
        if not self.is_reactor_thread():
            self.call_in_reactor(partial(_LOSE_CONNECTION, self))
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
        """Whether the connection is closed when the program has returned: it may say so first and respond then."""
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

    def hand_over(self) -> RelayedExchange | None:
        """The exchange that is running, which is the caller's from now on. None where none is."""
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            self._upgraded = True
        return exchange

    def end_stream(self) -> None:
        """End a response that would not end by itself: its producer is stopped, as by the end of the connection."""
        self.stopProducing()
        self.loseConnection()

    def lend(self, request: Any) -> RelayedExchange | None:
        """The exchange of the request that is being handled, for an app that responds by it. None for any other."""
        return self._exchange if self.requests and self.requests[0] is request else None

    def call_in_reactor(self, call: Call | Chunk) -> None:
        """Have the reactor's thread make a call, before its own calls for the same response."""
        if self._thread_calls is None:
            with _threads:
                if self._thread_calls is None:
                    self._thread_calls = ThreadQueue(self._reactor)
        self._thread_calls.add(call)

    def _write_joined(self, parts: list[bytes]) -> None:
        _WRITE(self, b"".join(parts))

    def is_reactor_thread(self) -> bool:
        """Whether this is the reactor's thread. If so, the calls that wait are made first."""
        if self._driver is not None and not self._driver.engine.on_engine_thread:
            return False
        if self._thread_calls is not None:
            self._thread_calls.make()
        return True

    @property
    def _reactor(self) -> Any:
        return getattr(self.factory, "reactor", None) or self._driver.reactor

    def _refuse_response(self, exchange: RelayedExchange, error: RopewalkError) -> None:
        """What the program says cannot be sent. Nobody above knows what to do about that."""
        if type(error) is Disconnected:  # and no mistake of the program's, as ParentsRequest is
            return
        log.failure("{channel} cannot send what a program says.", Failure(explain(error, self.requests)), channel=self)
        self._exchange = None
        self._refused = True
        with suppress(AnswerOver, Disconnected):
            self._respond_plainly(exchange, 500)

    def _cut(self, error: BeyondLength) -> None:
        """Close after a body of which no more is sent than its Content-Length says."""
        if not (self._losing or self._closing):  # more may come of what is too much
            log.failure("{channel} drops what is beyond the Content-Length.", Failure(error), channel=self)
            self._flush()
            self.loseConnection()

    def _respond_plainly(self, exchange: RelayedExchange, status: int) -> None:
        if exchange.started:
            exchange.abort()
        else:
            exchange.close_after()
            exchange.respond(status, (), f"{phrase(status)}\n")
        self._flush()

    def _end(self, exchange: RelayedExchange) -> None:
        try:
            if exchange.status == 101:
                exchange.end()
            else:
                exchange.relay_end()
        except RopewalkError as error:
            self._refuse_response(exchange, error)

    def _restore_timeout(self) -> None:
        """The program has set one while it was at work. The connection's own, if it has any, holds again."""
        saved, self._savedTimeOut = self._savedTimeOut, None
        period = saved or self._time_out
        super().setTimeout(None)
        self.timeOut = period

    def _be_ready(self) -> None:
        """For the next request, or the rest of one."""
        if not self._waitingForTransport:
            self._networkProducer.resumeProducing()
        if self.persistent and self._savedTimeOut:
            self.setTimeout(self._savedTimeOut)

    def _switch(self, exchange: RelayedExchange, version: bytes, reason: bytes, headers: Headers) -> None:
        """Send a 101: what the program writes after its head is another protocol's."""
        head = b"%b 101 %b\r\n" % (version, reason)
        lines = [
            b"%b: %b\r\n" % (name, value)
            for name, values in headers.getAllRawHeaders()
            if name not in _FRAMING  # a 1xx has none (RFC 9112, section 6.1)
            for value in values
        ]
        response = b"%b%b\r\n" % (head, b"".join(lines))
        exchange.take_over()
        if self._socket is None:
            self.push()  # such as 100 Continue
            self.transport.write(response)  # flush now, before the new protocol can write
        else:
            exchange.relay_write(response)

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
        pipe.disconnect()
        self._driver.rest()
        self._networkProducer.unregisterProducer()
        self._networkProducer.resumeProducing()
        return rest or b""


# What is made again in the reactor's thread, where an override of it has been called already.
_WRITE: Final = RespondingChannel.write
_WRITE_HEADERS: Final = RespondingChannel.writeHeaders
_REQUEST_DONE: Final = RespondingChannel.requestDone
_REGISTER_PRODUCER: Final = RespondingChannel.registerProducer
_UNREGISTER_PRODUCER: Final = RespondingChannel.unregisterProducer
_LOSE_CONNECTION: Final = RespondingChannel.loseConnection
