"""The link of a channel to its connection. It handles the differences between the kinds of connections.

| link | how bytes are read and written |
|---|---|
| `SocketLink` | by the engine, on its own socket |
| `PipeLink` | by a transport of Twisted, which passes them to an engine without a socket |
| `UnopenedPipe` | not known yet: it is replaced by a `PipeLink` when the first bytes arrive |
| `TwistedLink` | by Twisted's own channel and transport, without the engine |

A link uses the private state of its channel. Each method gets the channel as an argument, so that a link without state
can be one object for all channels.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, Final

from twisted.web import http

from ropewalk.dropin.connection.exchange import RelayedExchange
from ropewalk.dropin.connection.producers import PullAdapter, stop_producer
from ropewalk.dropin.connection.response_errors import refuse_request, refuse_response, respond_plainly
from ropewalk.errors import Disconnected, RopewalkError

if TYPE_CHECKING:
    from ropewalk.dropin.connection.channel import HTTPChannel
    from ropewalk.dropin.connection.socket_transport import SocketTransport

STOCK: Final[Any] = http.HTTPChannel
"""Twisted's own channel. `ropewalk.dropin.entry.monkeypatch` may replace it in `http`."""


class Link:
    """The base class of all links. Its methods suit a channel whose bytes pass through a transport of Twisted."""

    __slots__ = ()

    takes_descriptors: ClassVar = False
    """Whether a response can be sent from an open file."""
    may_be_secure: ClassVar = True
    """Whether the connection can use TLS."""
    socket_transport: "SocketTransport | None" = None
    """The engine's transport; None if the connection has a transport of Twisted."""
    paused: bool = False
    """Whether the program has paused the transport."""
    flushing: bool = False
    """Whether `flush` is running."""

    # Optional methods. They are None if Twisted's own code suffices, because a call would take time for each request.

    timeout: "Callable[[HTTPChannel], Any] | None" = None
    """Returns `channel.timeOut`."""
    set_timeout: "Callable[[HTTPChannel, Any], None] | None" = None
    """Sets `channel.timeOut`."""
    restart_timeout: "Callable[[HTTPChannel, Any], Any] | None" = None
    """Implements `channel.setTimeout(period)`. Returns the previous period."""
    intercept: "Callable[[HTTPChannel, Any], bool] | None" = None
    """Called with None when the program has returned from handling a request, and with a request before its response
    is finished. Returns True if the channel must do nothing else.
    """

    def receive(self, channel: "HTTPChannel", data: bytes) -> None:
        """Take bytes that a transport of Twisted has read."""
        raise NotImplementedError

    def handle_request(self, channel: "HTTPChannel", receive: Callable[..., None], *request_line: bytes) -> None:
        """Pass a complete request to the program."""
        channel._handlingRequest = True
        channel.length = 0
        if channel.timeOut:
            channel._savedTimeOut = channel.setTimeout(None)
        channel._serving = True
        try:
            receive(*request_line)
        finally:
            channel._serving = False
        if channel._closing:
            channel._closing = False
            channel.loseConnection()
        if self.intercept is not None:
            self.intercept(channel, None)

    def refuse_body(self, channel: "HTTPChannel", exchange: RelayedExchange, status: int) -> None:
        """Respond to a request whose body is too large (413) or malformed (400)."""
        if status == 400 and not exchange.started:
            refuse_request(channel, exchange)
        else:
            respond_plainly(channel, exchange, status)

    def deliver_raw(self) -> None:
        """Pass the bytes of an upgraded connection to its new protocol."""

    def read_ahead(self, channel: "HTTPChannel", exchange: RelayedExchange) -> None:
        """Take raw bytes that arrive before the program upgrades the connection. Some links leave them unread."""

    def resume_reading(self) -> None:
        """Resume the transport if a request has paused it. Does nothing if Twisted's own code resumes it."""

    def write(self, channel: "HTTPChannel", data: bytes) -> None:
        """Write bytes outside of any exchange."""
        if not channel._refused:
            STOCK.write(channel, data)

    def write_headers(self, channel: "HTTPChannel", *head: Any) -> None:
        """Write the head of a response outside of any exchange."""
        if not channel._refused:
            STOCK.writeHeaders(channel, *head)

    def write_switch(self, channel: "HTTPChannel", exchange: RelayedExchange, head: bytes) -> None:
        """Write the head of a 101 response before the new protocol can write."""
        self.push()  # for example, a 100 Continue that was not written yet
        channel.transport.write(head)

    def push(self) -> None:
        """Pass the engine's output to the transport."""

    def flush(self, channel: "HTTPChannel") -> None:
        """Pass written bytes to the transport at once. Only a `PipeLink` does so, because its programs may also write
        to the transport directly."""

    def is_full(self, exchange: RelayedExchange) -> bool:
        """Whether a producer must pause after a write that exceeded the high-water mark."""
        # Only the engine's queue matters: the transport, which has the flushed bytes, pauses the channel itself.
        return exchange.pressure

    def response_done(self, channel: "HTTPChannel", exchange: RelayedExchange | None) -> None:
        """End a response, and prepare the channel for the next request."""
        if not channel._waitingForTransport:
            channel._networkProducer.resumeProducing()
        if channel.persistent and channel._savedTimeOut:
            channel.setTimeout(channel._savedTimeOut)
        if exchange is None or not exchange.finished:
            self._end_response(channel, exchange)
        if exchange is not None:
            self.flush(channel)

    @staticmethod
    def _end_response(channel: "HTTPChannel", exchange: RelayedExchange | None) -> None:
        """End a response that the engine does not yet regard as finished."""
        if exchange is None:
            if not channel.persistent:
                channel.loseConnection()
            return
        if not exchange.started:
            with suppress(Disconnected):
                exchange.abort()
            return
        if not channel.persistent:
            with suppress(Disconnected):  # the connection is closed already
                exchange.close_after()
        try:
            if exchange.status == 101:
                exchange.end()
            else:
                exchange.relay_end()
        except RopewalkError as error:
            refuse_response(channel, exchange, error)

    def register_pull_producer(self, channel: "HTTPChannel", producer: Any) -> None:
        """Register a producer that writes once for each `resumeProducing`."""
        if channel._lost:  # otherwise Twisted would call the producer endlessly
            producer.stopProducing()
            return
        adapter = channel._requestProducer = PullAdapter(producer, channel)
        channel._requestProducerStreaming = False
        self.start_producer(channel, adapter)

    def start_producer(self, channel: "HTTPChannel", adapter: PullAdapter) -> None:
        """Start a pull producer."""
        channel.later(adapter.startStreaming)

    def stop_producer(self, channel: "HTTPChannel") -> None:
        """Stop the producer of a response.

        An exception is only logged, so that the transport can still call `connectionLost`.
        """
        if channel._requestProducer is not None:
            stop_producer(channel._requestProducer)

    def resume_raw_producer(self) -> None:
        """Resume the producer of an upgraded connection."""

    def is_closing(self) -> bool:
        """Whether a program has closed the transport directly, not through the channel."""
        return False

    def drop_producer(self) -> None:
        """Unregister the channel from the transport, because the program closes the connection inside a handler."""

    def close(self, channel: "HTTPChannel") -> None:
        """Close the connection after all written bytes are sent."""
        if channel.transport is not None:
            STOCK.loseConnection(channel)

    def fail(self, channel: "HTTPChannel", error: BaseException) -> None:
        """Close the connection at once, because a producer raised an exception."""
        channel.abortConnection()

    def lost(self, channel: "HTTPChannel") -> None:
        """Handle the end of the connection."""

    def leave_to_twisted(self, channel: "HTTPChannel") -> None:
        """Stop using the engine's socket, because a transport of Twisted uses it from now on."""

    def upgrade(self, channel: "HTTPChannel", protocol: Any) -> None:
        """Give the connection to another protocol."""
        channel._exchange = None
        channel._upgraded = True
        channel.setTimeout(None)
        STOCK._protocolUpgradeForWebsockets(channel, protocol)


class TwistedLink(Link):
    """The link of a channel that Twisted's own code serves. Its methods call the methods of Twisted's channel."""

    __slots__ = ()

    def receive(self, channel: "HTTPChannel", data: bytes) -> None:
        """Parse the bytes with Twisted's parser."""
        STOCK.dataReceived(channel, data)

    def intercept(self, channel: "HTTPChannel", request: Any) -> bool:
        """Let Twisted's channel finish the response."""
        STOCK.requestDone(channel, request)
        return True

    def register_pull_producer(self, channel: "HTTPChannel", producer: Any) -> None:
        """Register the producer with Twisted's cooperator."""
        STOCK.registerProducer(channel, producer, False)

    def stop_producer(self, channel: "HTTPChannel") -> None:
        """Stop the producer. The transport handles its exceptions."""
        STOCK.stopProducing(channel)

    def upgrade(self, channel: "HTTPChannel", protocol: Any) -> None:
        """Give the connection to another protocol."""
        STOCK._protocolUpgradeForWebsockets(channel, protocol)


TWISTED: Final = TwistedLink()
