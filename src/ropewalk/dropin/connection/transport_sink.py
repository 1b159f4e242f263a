"""Writes the output of an engine without a socket to a transport of Twisted."""

from typing import TYPE_CHECKING, Any

from twisted.internet.abstract import FileDescriptor
from twisted.protocols.policies import ProtocolWrapper

from ropewalk._engine import Pipe
from ropewalk.dropin.connection.exchange import RelayedExchange
from ropewalk.dropin.connection.link import STOCK
from ropewalk.dropin.connection.request_receiver import RequestReceiver
from ropewalk.server.sites import end_writing, is_plain_socket

if TYPE_CHECKING:
    from ropewalk.dropin.connection.channel import HTTPChannel


class TransportSink:
    """Receives the engine's calls for one channel: to begin requests, to write output and to close the transport."""

    pipe: Pipe

    def __init__(self, channel: "HTTPChannel", transport: Any, receiver: RequestReceiver) -> None:
        self._channel = channel
        self._receiver = receiver
        self._transport = transport
        self._protocol = self._current_protocol()
        self._released = False
        self._over = False
        self._read_on = False
        """Whether all output is written, while the client may still be sending.

        The client's bytes are read and dropped.
        """
        self.exhausted = False
        """Whether the longest time for reading and dropping the client's bytes has passed."""
        self._plain = is_plain_socket(transport)

    def begin(self, exchange: RelayedExchange) -> None:
        """Begin a request. First write all earlier output, because the program may write to the transport itself."""
        if self._released:  # ignore a request that was read before the transport was closed or upgraded
            exchange.channel = self._channel
            return
        self.pipe.flush_output()
        if self.is_closing():  # Twisted's channel does not read further either
            self._over = True
            exchange.channel = self._channel
            exchange.abort()
        else:
            self._receiver.begin(exchange)

    def write(self, data: bytes, /) -> None:
        """Write bytes to the client."""
        if self._over:
            return
        transport = self._transport
        waits = self._plain and (transport.dataBuffer or transport._tempDataLen or transport.disconnecting)
        if self._plain and not waits and not transport.TLS:
            # Written directly, which is faster: `transport.write` would add the socket to the poller, and remove it
            # again.
            sent = transport.writeSomeData(data)
            if isinstance(sent, int) and sent > 0:
                data = data[sent:]
        if data:
            transport.write(data)

    def end_writing(self) -> None:
        """End the connection after the last response. The client may still be sending, so keep reading."""
        if not self._over:
            self._read_on = True
            self._last_response_sent(reads_on=True)

    def close(self) -> None:
        """End the connection after the last response."""
        if not self._over:
            self.exhausted = self._read_on
            self._last_response_sent(reads_on=False)

    def abort(self) -> None:
        """Close the connection at once."""
        if not self._over:
            self._channel.abortConnection()

    def refuse(self) -> None:
        """Respond to bytes that are not a request."""
        if not self._over:
            self._channel._respondToBadRequestAndDisconnect()  # a method that programs override

    def pause_reading(self) -> None:
        """Do nothing, because `PipeLink.receive` pauses the transport if too many bytes arrive."""

    def resume_reading(self) -> None:
        """Do nothing, like `pause_reading`."""

    def is_closing(self) -> bool:
        """Whether the program has called `loseConnection`. The transport stays open until its output is sent."""
        # Compared with 1 and True, because transports in tests may have any other object there, such as a function.
        return getattr(self._transport, "disconnecting", False) in (1, True)

    def is_ours(self) -> bool:
        """Whether the channel still has the transport, and the transport still has its first protocol."""
        return self._channel.transport is self._transport and self._current_protocol() is self._protocol

    def pass_on(self, data: bytes) -> None:
        """Pass bytes to the protocol that has the transport now."""
        if data:
            self._current_protocol().dataReceived(data)

    def let_go(self) -> None:
        """Write nothing more, because the transport was closed, or belongs to another protocol."""
        self._over = self._released = True

    def _last_response_sent(self, *, reads_on: bool) -> None:
        """Close the connection, unless a program keeps it open for another protocol.

        `reads_on`: the client may still be sending. Its bytes must be read, because a reset could destroy the response.
        """
        channel = self._channel
        if not (channel._losing or channel._kept or not channel.persistent):
            return
        if not (reads_on and is_on_socket(channel.transport)):
            # The transport may be paused. It must be resumed, because otherwise it would not notice that the client
            # closes the connection.
            channel._networkProducer.resumeProducing()
            STOCK.loseConnection(channel)
            return
        channel._networkProducer.unregisterProducer()
        end_writing(channel.transport)
        channel._networkProducer.resumeProducing()

    def _current_protocol(self) -> Any:
        transport = self._transport
        name = "wrappedProtocol" if isinstance(transport, ProtocolWrapper) else "protocol"
        return getattr(transport, name, None)


def is_on_socket(transport: Any) -> bool:
    """Whether a transport uses a socket in the reactor, directly or through wrappers such as TLS."""
    while isinstance(transport, ProtocolWrapper):
        transport = transport.transport
    return isinstance(transport, FileDescriptor)
