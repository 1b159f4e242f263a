"""The link of a channel whose socket the engine owns."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from twisted.internet.protocol import Protocol

from ropewalk.dropin.connection.adoption import is_new, log_handed_over
from ropewalk.dropin.connection.exchange import RelayedExchange
from ropewalk.dropin.connection.factory_engine import engine_of_factory, limits_of
from ropewalk.dropin.connection.link import STOCK, Link
from ropewalk.dropin.connection.producers import PullAdapter
from ropewalk.dropin.connection.request_receiver import RequestReceiver
from ropewalk.dropin.connection.response_errors import respond_plainly
from ropewalk.dropin.connection.socket_transport import SocketTransport
from ropewalk.server.addresses import from_twisted_address
from ropewalk.server.sites import is_plain_socket, let_go

if TYPE_CHECKING:
    from ropewalk.dropin.connection.channel import HTTPChannel


class SocketLink(Link):
    """The link to the engine's own socket. The engine reads and writes, and enforces the idle timeout."""

    __slots__ = ("_pull_adapter", "deliver_raw", "resume_raw_producer", "socket_transport")

    takes_descriptors: ClassVar = True
    may_be_secure: ClassVar = False
    socket_transport: SocketTransport

    def __init__(self, transport: SocketTransport) -> None:
        self.socket_transport = transport
        # These methods are bound once, because they are called for all bytes of upgraded connections.
        self.deliver_raw = transport.deliver  # type: ignore[method-assign]
        self.resume_raw_producer = transport.has_room  # type: ignore[method-assign]
        self._pull_adapter: PullAdapter | None = None
        """A pull producer that must be started when the program has returned from handling the request."""

    @staticmethod
    def attach(channel: "HTTPChannel", transport: SocketTransport) -> None:
        """Create the link between a channel and a connection of the engine."""
        idle = channel.timeOut or 0
        channel._link = SocketLink(transport)
        channel._factory_engine = transport.factory_engine
        channel._networkProducer = transport
        channel._receiver = RequestReceiver(channel)
        if not transport.disconnecting:  # the program may have closed the transport already, in its `connectionMade`
            transport.begin = channel._receiver.begin
        limits = transport.factory_engine.engine.limits
        if idle != limits.idle_timeout or 0 < idle < max(limits.head_timeout, limits.body_timeout):
            # Even if it equals the engine's limit: the timeout of a connection also limits the client's pauses within a
            # request.
            transport.connection.set_idle_timeout(idle)

    def receive(self, channel: "HTTPChannel", data: bytes) -> None:
        """Drop the bytes, because the program has written its response directly to the transport."""

    @property
    def paused(self) -> bool:  # type: ignore[override] # a constant in the base class
        """Whether the program has paused the transport."""
        return self.socket_transport.paused

    def handle_request(self, channel: "HTTPChannel", receive: Callable[..., None], *request_line: bytes) -> None:
        """Pass a complete request to the program."""
        channel._handlingRequest = True
        channel._serving = True
        try:
            receive(*request_line)
        finally:
            channel._serving = False
        if channel._closing:
            channel._closing = False
            self.socket_transport.connection.close()
        if self._pull_adapter is not None:
            adapter, self._pull_adapter = self._pull_adapter, None
            adapter.startStreaming()

    def refuse_body(self, channel: "HTTPChannel", exchange: RelayedExchange, status: int) -> None:
        """Send a plain response with this status, because the request's body is too large or malformed."""
        respond_plainly(channel, exchange, status)

    def write(self, channel: "HTTPChannel", data: bytes) -> None:
        """Write raw bytes, unless the program has wrapped the engine's transport."""
        if channel.transport is self.socket_transport:
            self.socket_transport.write(data)

    def read_ahead(self, channel: "HTTPChannel", exchange: RelayedExchange) -> None:
        """Take the raw bytes. The engine reports the end of a connection only after all its bytes were taken, so
        otherwise the program would not notice that the client has left."""
        if channel._handlingRequest:  # otherwise the bytes belong to the body
            self.socket_transport.read_ahead(exchange)

    def resume_reading(self) -> None:
        """Continue to read, as Twisted's channel does."""
        if self.socket_transport.paused:
            self.socket_transport.resumeProducing()

    def write_headers(self, channel: "HTTPChannel", *head: Any) -> None:
        """Do nothing, because the response was refused, or another protocol has the connection."""

    def write_switch(self, channel: "HTTPChannel", exchange: RelayedExchange, head: bytes) -> None:
        """Write the head of a 101 response."""
        exchange.relay_write(head)

    def is_full(self, exchange: RelayedExchange) -> bool:
        """Return True, because every write that exceeds the high-water mark pauses the producer."""
        return True

    def response_done(self, channel: "HTTPChannel", exchange: RelayedExchange | None) -> None:
        """End a response, and prepare the channel for the next request."""
        if self.socket_transport.paused:
            self.resume_reading()
        if channel._savedTimeOut is not None:
            self._restore_timeout(channel)
        if exchange is None or not exchange.finished:
            self._end_response(channel, exchange)

    def start_producer(self, channel: "HTTPChannel", adapter: PullAdapter) -> None:
        """Start a pull producer, when the program has returned from handling the request."""
        if channel._serving:
            self._pull_adapter = adapter
        else:
            channel.later(adapter.startStreaming)

    # As on Twisted's channel, no timeout runs while a program handles a request. A timeout that the program sets in
    # this time applies until the end of the response.

    def timeout(self, channel: "HTTPChannel") -> Any:
        """Return the timeout. It is None during a request, unless the program has set a timeout for this request."""
        if channel._handlingRequest and channel._savedTimeOut is None:
            return None
        return channel._time_out

    def set_timeout(self, channel: "HTTPChannel", period: Any) -> None:
        """Set the timeout of the connection or, during a request, of the running response."""
        if channel._handlingRequest and channel._savedTimeOut is None:
            channel._savedTimeOut = channel._time_out or 0
        channel._time_out = period
        if not self.socket_transport.connected:
            return
        set_timeout = partial(self.socket_transport.connection.set_idle_timeout, period or 0)
        if channel._factory_engine.engine.on_engine_thread:
            set_timeout()
        else:
            channel.call_in_reactor(set_timeout)

    def restart_timeout(self, channel: "HTTPChannel", period: Any) -> Any:
        """Set the timeout. During a request, a delayed call of the reactor replaces the engine's timeout."""
        if channel._handlingRequest:
            return STOCK.setTimeout(channel, period)
        before, channel.timeOut = channel.timeOut, period
        return before

    def _restore_timeout(self, channel: "HTTPChannel") -> None:
        """Restore the timeout of the connection after the program has set another timeout for one response."""
        saved, channel._savedTimeOut = channel._savedTimeOut, None
        period = saved or channel._time_out
        STOCK.setTimeout(channel, None)
        channel.timeOut = period

    def drop_producer(self) -> None:
        """Unregister the channel from the transport."""
        self.socket_transport.unregisterProducer()

    def fail(self, channel: "HTTPChannel", error: BaseException) -> None:
        """Close the connection at once. `connectionLost` is called with the exception."""
        channel._losing = True
        self.socket_transport.fail(error)

    def leave_to_twisted(self, channel: "HTTPChannel") -> None:
        """Let the channel get its bytes from Twisted's transport, which is already set."""
        from ropewalk.dropin.connection.pipe_link import UNOPENED

        channel._link = UNOPENED
        channel._factory_engine = None
        channel.setTimeout(channel.timeOut)
        channel._networkProducer.registerProducer(channel, True)

    def upgrade(self, channel: "HTTPChannel", protocol: Any) -> None:
        """Give the connection to another protocol."""
        self.socket_transport.protocol = protocol
        protocol.makeConnection(self.socket_transport)


def adopt(channel: "HTTPChannel", transport: Any) -> bool:
    """Let the engine adopt the socket of a transport of Twisted. Returns False if Twisted keeps the socket."""
    factory = channel.factory
    if factory is None or not channel.adopts_sockets or not is_plain_socket(transport):
        return False
    if not is_new(transport, channel):
        log_handed_over(factory)
        return False
    factory_engine = engine_of_factory(factory, transport.reactor, limits_of(factory, channel.limits))
    if not factory_engine.can_watch():
        return False
    factory_engine.start_watching()
    ours = SocketTransport.of(factory_engine, from_twisted_address(transport.getPeer()), transport.protocol, channel)
    try:
        connection = factory_engine.engine.adopt(transport.fileno(), owner=ours, half_close=factory_engine.half_close)
    except OSError:
        factory_engine.leave_if_idle()
        return False
    transport.protocol = Protocol()  # a substitute, because `let_go` calls the protocol's `connectionLost`
    let_go(transport)
    channel.transport = ours
    if connection is None:
        ours.closed("cut")
    else:
        ours.set_connection(connection)
        SocketLink.attach(channel, ours)
    return True
