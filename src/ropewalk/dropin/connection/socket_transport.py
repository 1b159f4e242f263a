"""The transport of a connection whose socket the engine owns."""

import socket
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import (
    IConsumer,
    ILoggingContext,
    IPushProducer,
    ITCPTransport,
    IUNIXTransport,
)
from twisted.logger import Logger
from zope.interface import implementer

from ropewalk._engine import Connection
from ropewalk.dropin.connection.connection_lost import end_connection, reason_for
from ropewalk.dropin.connection.exchange import RelayedExchange
from ropewalk.dropin.connection.producers import PullAdapter, resume_producer
from ropewalk.dropin.connection.thread_queue import in_reactor_thread
from ropewalk.dropin.connection.twisted_attributes import BorrowedSocket, TransportAttributes
from ropewalk.dropin.connection.upgrade import end_http
from ropewalk.errors import Disconnected, ResponseEnded, interrupts
from ropewalk.request import Address
from ropewalk.server.addresses import to_twisted_address

if TYPE_CHECKING:
    from ropewalk.dropin.connection.channel import HTTPChannel
    from ropewalk.dropin.connection.factory_engine import FactoryEngine

log = Logger(namespace="ropewalk.dropin")


@implementer(IConsumer, IPushProducer, ILoggingContext)
class SocketTransport(TransportAttributes):
    """The transport of one connection. It carries HTTP until the program writes to it or sets another `protocol`.

    Then it carries raw bytes. It has the attributes of `twisted.internet.tcp.Server`, and programs may set any other
    attributes.
    """

    connected = 1
    disconnected = 0
    disconnecting = 0

    connection: Connection
    """The engine's connection."""

    def __init__(self, factory_engine: "FactoryEngine", client: Address, protocol: Any, channel: "HTTPChannel") -> None:
        self.reactor = factory_engine.reactor
        self.begin: Callable[[RelayedExchange], None] = self._ignore
        """A function that the engine calls for each request. `SocketLink.attach` sets it."""
        self.factory_engine = factory_engine
        self._client = client
        self._protocol = protocol
        self._channel = channel
        self._raw: RelayedExchange | None = None
        """The exchange that carries raw bytes, once another protocol has the connection."""
        self._read_ahead = b""
        """Raw bytes that arrived before the program gave the connection to another protocol."""
        self.paused = False
        self._producer: Any = None
        self._channel_is_producer = True
        """Whether the channel still is the registered producer, as it is at first on Twisted's transports."""
        self._reason: BaseException | None = None
        """The reason for the end of the connection, if it is more precise than the engine's."""
        self._server: Address = None
        self._peer: Any = None
        self._host: Any = None

    @staticmethod
    def of(engine: "FactoryEngine", client: Address, protocol: Any, channel: "HTTPChannel") -> "SocketTransport":
        """Make the transport for a TCP or UNIX socket. Call `set_connection` afterwards."""
        kind = TCPTransport if isinstance(client, tuple) else UNIXTransport
        return kind(engine, client, protocol, channel)

    @property
    def protocol(self) -> Any:
        """The protocol that has the connection. Setting it ends HTTP on the connection."""
        return self._protocol

    @protocol.setter
    def protocol(self, protocol: Any) -> None:
        self._protocol = protocol
        if self._raw is None and self.connected:
            if self._channel.is_reactor_thread():
                self.switch_to_raw_bytes()
            else:
                self._channel.call_in_reactor(self._switch_if_still_http)

    def switch_to_raw_bytes(self) -> RelayedExchange | None:
        """Carry raw bytes from now on. Returns the running exchange, which gets no response, or None."""
        exchange = self._channel.hand_over()
        if exchange is not None:
            self._raw = exchange
            self.factory_engine.upgraded.add(self)
            with suppress(Disconnected, ResponseEnded):  # the program may have aborted the connection
                end_http(exchange)
            # Later, because the program is still changing the protocol.
            self.reactor.callLater(0, self.deliver)
        return exchange

    # ITransport. Calls from other threads are put into the channel's queue, in order.

    def write(self, data: bytes) -> None:
        """Send raw bytes. While a request is handled, they replace its response."""
        if not self._channel.is_reactor_thread():
            self._channel.call_in_reactor((self._write_joined, bytes(data)))
            return
        exchange = self._raw or self.switch_to_raw_bytes()
        if exchange is None or not self.connected or not data:
            return
        try:
            room = exchange.relay_write(bytes(data))
        except (Disconnected, ResponseEnded):
            return
        if not room and self._producer is not None:
            self.producerPaused = True
            self._producer.pauseProducing()

    def writeSequence(self, iovec: Any) -> None:
        """Send several parts, joined."""
        self.write(b"".join(iovec))

    @in_reactor_thread
    def loseConnection(self) -> None:
        """Close the connection after all written bytes are sent.

        A registered producer that is paused may write the rest first.
        """
        if not self.connected or self.disconnecting:
            return
        self.disconnecting = 1
        if self._raw is None:
            self.begin = self._ignore  # requests that the engine has already read are ignored too
        if not self._awaits_producer():
            self._close()

    @in_reactor_thread
    def abortConnection(self) -> None:
        """Close the connection at once, with a reset."""
        if self.connected:
            self.disconnecting = 1
            self.connection.abort()

    def loseWriteConnection(self) -> None:
        """Close the connection, because closing only the sending side is not supported."""
        self.loseConnection()

    def connectionLost(self, reason: Any) -> None:
        """Call `abortConnection`, because some programs call `connectionLost` to abort."""
        del reason
        self.abortConnection()

    def getPeer(self) -> Any:
        """Return the address of the client."""
        if self._peer is None:
            self._peer = to_twisted_address(self._client)
        return self._peer

    def getHost(self) -> Any:
        """Return the server's address."""
        if self._host is None:
            self._host = to_twisted_address(self._server)
        return self._host

    def getHandle(self) -> socket.socket:
        """Return a socket object for the connection. Bytes that a program reads from it do not reach the engine."""
        return BorrowedSocket.of(self.fileno())

    def fileno(self) -> int:
        """Return the descriptor; -1 after it is closed."""
        return self.connection.fileno() if self.connected else -1

    def logPrefix(self) -> str:
        """Return the name of the protocol, for Twisted's log."""
        return type(self._protocol).__name__

    # IPushProducer

    @in_reactor_thread
    def pauseProducing(self) -> None:
        """Stop passing bytes to the protocol. When the buffers are full, the client must wait."""
        self.paused = True

    @in_reactor_thread
    def resumeProducing(self) -> None:
        """Continue to pass bytes to the protocol."""
        if self.paused:
            self.paused = False
            if self._raw is not None:
                self.reactor.callLater(0, self.deliver)
            else:
                self._channel.resume_body()

    def stopProducing(self) -> None:
        """Call `loseConnection`."""
        self.loseConnection()

    # IConsumer

    @in_reactor_thread
    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Register a producer. It is paused while too many bytes are queued. Raises RuntimeError if one is registered
        already."""
        if self._producer is not None:
            raise RuntimeError(f"{producer!r} cannot be registered: {self._producer!r} is registered already.")
        if not self.connected:
            producer.stopProducing()
            return
        self._producer = producer if streaming else PullAdapter(producer, self)
        if not streaming:
            self._producer.resumeProducing()
        elif self._raw is not None and self._raw.pressure:
            self.producerPaused = True
            producer.pauseProducing()

    @in_reactor_thread
    def unregisterProducer(self) -> None:
        """Unregister the producer, because it has written everything."""
        producer, self._producer = self._producer, None
        self._channel_is_producer = self.producerPaused = False
        if isinstance(producer, PullAdapter):
            producer.stopStreaming()
        if self.disconnecting and self.connected:
            self._close()

    def set_connection(self, connection: Connection) -> None:
        """Become the transport of a connection.

        The local address is read now, because it is not available after the connection is closed.
        """
        self.connection = connection
        self._server = connection.server

    def later(self, call: Callable[[], None]) -> None:
        """Call a function in the reactor's next iteration."""
        self.reactor.callLater(0, call)

    def is_for(self, channel: Any) -> bool:
        """Whether the connection was opened for this channel. Another channel gets raw bytes, as any protocol does."""
        return channel is self._channel

    def read_ahead(self, exchange: RelayedExchange) -> None:
        """Read raw bytes for another protocol, which the program may set later.

        The engine reports the end of the connection only after all bytes were read. This method reads at most as many
        bytes ahead as Twisted's channel does while a request is handled.
        """
        while len(self._read_ahead) < self._channel._optimisticEagerReadSize:
            try:
                data = exchange.take()
            except Disconnected:
                return
            if not data:
                return
            self._read_ahead += data

    def deliver(self) -> None:
        """Pass arrived raw bytes to the protocol."""
        while self._raw is not None and self.connected and not self.paused:
            data, self._read_ahead = self._read_ahead, b""
            if not data:
                try:
                    data = self._raw.take() or b""
                except Disconnected:
                    return
            if not data:
                return
            try:
                self._protocol.dataReceived(data)
            except BaseException as error:
                if interrupts(error):
                    raise
                log.failure("{protocol} failed; its connection is closed.", protocol=self._protocol)
                self.fail(error)

    def fail(self, error: BaseException) -> None:
        """Close the connection at once, because a producer or the protocol has failed.

        The error is the reason in `connectionLost`.
        """
        self._reason = error
        self.abortConnection()

    def has_room(self) -> None:
        """Resume the producer, because the engine's queue is below its high-water mark again."""
        self.producerPaused = False
        if self._producer is not None:
            resume_producer(self._producer, self.fail)
        if self.disconnecting and self.connected and not self._awaits_producer():
            self._close()

    def _ignore(self, exchange: RelayedExchange) -> None:
        """Ignore a request that begins after the program has closed the connection."""
        exchange.channel = self._channel

    def cut(self) -> None:
        """Close the connection at once, because the server stops.

        The reason in `connectionLost` is `ConnectionLost`.
        """
        self._reason = ConnectionLost()
        self.abortConnection()

    def lingers(self) -> None:
        """End the connection for the program, because all bytes are sent.

        Only the engine waits until the client reads them.
        """
        self._end("done")

    def closed(self, how: str) -> None:
        """End the connection for the program.

        If no connection or port is left, the engine is removed from the reactor.
        """
        try:
            self._end(how)
        finally:
            self.factory_engine.leave_if_idle()

    def _end(self, how: str) -> None:
        """Notify the producer and then the protocol, in the same order as Twisted's transports."""
        if not self.connected:
            return
        self.connected = 0
        self.disconnected = 1
        self.factory_engine.upgraded.discard(self)
        producer, self._producer = self._producer, None
        if producer is None and self._channel_is_producer:
            producer = self._channel
        end_connection(producer, self._protocol.connectionLost, self._reason or reason_for(how))

    def _switch_if_still_http(self) -> None:
        if self._raw is None and self.connected:
            self.switch_to_raw_bytes()

    def _write_joined(self, parts: list[bytes]) -> None:
        _WRITE(self, b"".join(parts))

    def _awaits_producer(self) -> bool:
        """Whether the connection stays open until a registered producer has written the rest.

        As with Twisted's transports, it does not stay open for a push producer that is not paused.
        """
        return self.producerPaused or isinstance(self._producer, PullAdapter)

    def _close(self) -> None:
        if self._raw is None:
            if not self._channel.close_after_handler():
                self.connection.close()
        elif not self._raw.finished:
            with suppress(Disconnected):
                self._raw.end()


_WRITE: Final = SocketTransport.write
"""The function that the reactor's thread calls to write for another thread. It is not looked up on the transport:
if a program has replaced it there, the other thread has already called the replacement.
"""


@implementer(ITCPTransport)
class TCPTransport(SocketTransport):
    """The transport of a TCP connection."""

    def getTcpNoDelay(self) -> bool:
        """Return True, because the engine sets TCP_NODELAY on every connection."""
        return True

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Do nothing, because the engine sets TCP_NODELAY on every connection."""


@implementer(IUNIXTransport)
class UNIXTransport(SocketTransport):
    """The transport of a connection over a UNIX socket."""

    def sendFileDescriptor(self, descriptor: int) -> None:
        """Raise NotImplementedError, because the engine cannot send descriptors."""
        raise NotImplementedError("The engine's connections cannot send descriptors.")
