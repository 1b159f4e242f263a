"""The link of a channel to a transport of Twisted. The bytes pass through an engine without a socket."""

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from twisted.internet.interfaces import ISSLTransport

from ropewalk._engine import Pipe
from ropewalk.dropin.connection.factory_engine import (
    ChannelEngine,
    FactoryEngine,
    engine_of_channel,
    engine_of_factory,
    limits_of,
)
from ropewalk.dropin.connection.link import STOCK, Link
from ropewalk.dropin.connection.override_check import READ
from ropewalk.dropin.connection.request_receiver import RequestReceiver
from ropewalk.dropin.connection.transport_sink import TransportSink, is_on_socket
from ropewalk.dropin.connection.upgrade import arrived_bytes
from ropewalk.server.addresses import from_twisted_address

if TYPE_CHECKING:
    from ropewalk.dropin.connection.channel import HTTPChannel


class UnopenedPipe(Link):
    """The link before the first bytes arrive, and after the pipe was closed."""

    __slots__ = ()

    def receive(self, channel: "HTTPChannel", data: bytes) -> None:
        """Open the pipe, and pass the bytes to it."""
        if not (channel._losing or channel._upgraded):
            # The pipe is not opened earlier, because Twisted replaces this channel if TLS negotiates HTTP/2.
            link = open_pipe(channel)
            link.receive(channel, data)


UNOPENED: Final = UnopenedPipe()


class PipeLink(Link):
    """The link to a transport of Twisted. Programs may also use the transport directly, without the channel."""

    __slots__ = ("_factory_engine", "_pipe", "_sink", "flushing")

    def __init__(self, pipe: Pipe, sink: TransportSink, factory_engine: FactoryEngine) -> None:
        self._pipe = pipe
        self._sink = sink
        self._factory_engine = factory_engine
        self.flushing = False

    def receive(self, channel: "HTTPChannel", data: bytes) -> None:
        """Pass the bytes to the engine."""
        pipe = self._pipe
        if self._sink.exhausted:
            channel.abortConnection()
            return
        channel.resetTimeout()
        pipe.feed(data)
        if not self._factory_engine.watched:
            self.flush(channel)
        if channel._handlingRequest:
            if pipe.pending > channel._optimisticEagerReadSize and not channel._waitingForTransport:
                channel._networkProducer.pauseProducing()
        elif (
            channel.totalHeadersSize != READ["totalHeadersSize"]
            and channel._exchange is None
            and pipe.pending > channel.totalHeadersSize
        ):
            channel._respondToBadRequestAndDisconnect()

    def push(self) -> None:
        """Pass the engine's output to the transport."""
        self._pipe.flush_output()

    def flush(self, channel: "HTTPChannel") -> None:
        """Pass the written bytes to the transport.

        If the reactor runs the engine's turns, this call handles only the events of this connection.
        """
        if channel._link is not self:
            return
        flushing, self.flushing = self.flushing, True
        try:
            if self._factory_engine.watched:
                self._pipe.serve_events()
            else:
                while channel._link is self and self._pipe.run_turn():
                    pass
        finally:
            self.flushing = flushing

    def intercept(self, channel: "HTTPChannel", request: Any) -> bool:
        """Stop using the transport, if the program has given it to another protocol. Returns False."""
        if channel._link is self and channel._exchange is not None and not self._sink.is_ours():
            self._sink.pass_on(self._leave(channel))
        return False

    def register_pull_producer(self, channel: "HTTPChannel", producer: Any) -> None:
        """Register the producer. In a test without a factory, use Twisted's cooperator, which tests run themselves."""
        if self._factory_engine.factory is None and not channel._lost:
            STOCK.registerProducer(channel, producer, False)
        else:
            super().register_pull_producer(channel, producer)

    def is_closing(self) -> bool:
        """Whether a program has closed the transport directly, not through the channel."""
        return self._sink.is_closing()

    def close(self, channel: "HTTPChannel") -> None:
        """Close the connection after all written bytes are sent."""
        self._pipe.close()

    def lost(self, channel: "HTTPChannel") -> None:
        """Handle that the transport was closed."""
        channel._link = UNOPENED
        self._release()

    def upgrade(self, channel: "HTTPChannel", protocol: Any) -> None:
        """Give the connection to another protocol."""
        rest = self._leave(channel)
        STOCK._protocolUpgradeForWebsockets(channel, protocol)
        if rest:
            channel.later(partial(protocol.dataReceived, rest))

    def _leave(self, channel: "HTTPChannel") -> bytes:
        """Leave the transport to another protocol. Returns the bytes that have already arrived for that protocol."""
        exchange, channel._exchange = channel._exchange, None
        channel._link = UNOPENED
        channel._upgraded = True
        channel.setTimeout(None)
        self.push()  # the engine's output must be sent before the new protocol's
        rest = b"" if exchange is None else arrived_bytes(exchange)
        self._release()
        if exchange is not None:
            channel._networkProducer.unregisterProducer()
            channel._networkProducer.resumeProducing()
        return rest

    def _release(self) -> None:
        self._sink.let_go()
        self._pipe.disconnect()
        self._factory_engine.leave_if_idle()


def open_pipe(channel: "HTTPChannel") -> PipeLink:
    """Create the link between a channel and an engine that gets its bytes from the channel's transport."""
    factory, transport = channel.factory, channel.transport
    if factory is not None and is_on_socket(transport):
        factory_engine = engine_of_factory(factory, factory.reactor, limits_of(factory, channel.limits))
        factory_engine.start_watching()
    else:
        factory_engine = engine_of_channel(factory, channel.limits)
    channel._factory_engine = factory_engine
    channel._receiver = RequestReceiver(channel)
    sink = TransportSink(channel, transport, channel._receiver)
    channel._ends = peer, host = transport.getPeer(), transport.getHost()
    sink.pipe = pipe = factory_engine.engine.open_pipe(
        sink,
        client=from_twisted_address(peer),
        server=from_twisted_address(host),
        secure=ISSLTransport.providedBy(transport),
        half_close=factory_engine.half_close,
    )
    pipe.set_idle_timeout(0)
    if isinstance(factory_engine, ChannelEngine):
        factory_engine.pipe = pipe
    channel._link = link = PipeLink(pipe, sink, factory_engine)
    return link
