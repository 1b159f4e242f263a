"""The transport that a program finds where the engine has the socket."""

import socket
from collections.abc import Callable
from functools import partial
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
from ropewalk.dropin.connection.adoption import mark_used
from ropewalk.dropin.connection.connection_lost import end_connection, reason_for, resume_producer
from ropewalk.dropin.connection.exchange import RelayedExchange
from ropewalk.dropin.connection.producers import PullAdapter
from ropewalk.dropin.connection.twisted_attributes import BorrowedSocket, TransportAttributes
from ropewalk.errors import AnswerOver, Disconnected, interrupts
from ropewalk.request import Address
from ropewalk.server.addresses import to_twisted_address

if TYPE_CHECKING:
    from ropewalk.dropin.connection.channel import HTTPChannel
    from ropewalk.dropin.connection.factory_engine import FactoryEngine

log = Logger(namespace="ropewalk.dropin")


@implementer(IConsumer, IPushProducer, ILoggingContext)
class SocketTransport(TransportAttributes):
    """One connection: HTTP, until a program writes to it or gives it another `protocol`; from then on raw bytes.

    It has the attributes that programs know from `twisted.internet.tcp.Server`, and takes any others.
    """

    connected = 1
    disconnected = 0
    disconnecting = 0

    connection: Connection
    """What the engine calls it."""

    def __init__(self, driver: "FactoryEngine", client: Address, protocol: Any, channel: "HTTPChannel") -> None:
        self.reactor = driver.reactor
        self.begin = channel.begin
        self.driver = driver
        self._client = client
        self._protocol = protocol
        self._channel = channel
        self._raw: RelayedExchange | None = None
        """The exchange that carries raw bytes."""
        self._paused = False
        self._producer: Any = None
        self._feeds_channel = True
        """Nobody has unregistered the channel, which Twisted's transports have for their producer at first."""
        self._reason: BaseException | None = None
        """Why the connection ends, where the engine knows less."""
        self._server: Address = None
        self._peer: Any = None
        self._host: Any = None

    @staticmethod
    def of(driver: "FactoryEngine", client: Address, protocol: Any, channel: "HTTPChannel") -> "SocketTransport":
        """The one for this kind of socket, to be told its connection by `sit_on`."""
        kind = TCPTransport if isinstance(client, tuple) else UNIXTransport
        return kind(driver, client, protocol, channel)

    @property
    def protocol(self) -> Any:
        """Who is told what comes on the connection. Setting it takes the connection over from HTTP."""
        return self._protocol

    @protocol.setter
    def protocol(self, protocol: Any) -> None:
        self._protocol = protocol
        if self._raw is None and self.connected:
            if self._channel.is_reactor_thread():
                self.take_over()
            else:
                self._channel.call_in_reactor(self._take_over)

    def take_over(self) -> RelayedExchange | None:
        """From here raw bytes go both ways: the request that runs gets no response. None where there is none."""
        exchange = self._channel.hand_over()
        if exchange is not None:
            self._raw = exchange
            self.driver.upgraded.add(self)
            if exchange.status != 101:
                exchange.take_over()
            # Not at once: whoever takes over is still at it.
            self.reactor.callLater(0, self.deliver)
        return exchange

    # ITransport. What comes from other threads is queued with the channel's calls, in their order.

    def write(self, data: bytes) -> None:
        """Send bytes as they are; while a request is handled, in place of its response."""
        if not self._channel.is_reactor_thread():
            self._channel.call_in_reactor((self._write_joined, bytes(data)))
            return
        exchange = self._raw or self.take_over()
        if exchange is None or not self.connected or not data:
            return
        try:
            room = exchange.relay_write(bytes(data))
        except (Disconnected, AnswerOver):
            return
        if not room and self._producer is not None:
            self._producer.pauseProducing()

    def writeSequence(self, iovec: Any) -> None:
        """Send them joined."""
        self.write(b"".join(iovec))

    def loseConnection(self) -> None:
        """Close after what was written, and after what a registered producer has to write."""
        if not self._channel.is_reactor_thread():
            self._channel.call_in_reactor(partial(_LOSE_CONNECTION, self))
            return
        if not self.connected or self.disconnecting:
            return
        self.disconnecting = 1
        if self._raw is None:
            self.begin = self._leave  # what the engine has read already, too
        if self._producer is None:
            self._close()

    def abortConnection(self) -> None:
        """Close at once, by a reset."""
        if not self._channel.is_reactor_thread():
            self._channel.call_in_reactor(partial(_ABORT_CONNECTION, self))
            return
        if self.connected:
            self.disconnecting = 1
            self.connection.abort()

    def loseWriteConnection(self) -> None:
        """There is no half of a connection: close."""
        self.loseConnection()

    def connectionLost(self, reason: Any) -> None:
        """As `abortConnection`, for those who tell a transport so."""
        del reason
        self.abortConnection()

    def getPeer(self) -> Any:
        """The other end."""
        if self._peer is None:
            self._peer = to_twisted_address(self._client)
        return self._peer

    def getHost(self) -> Any:
        """Our end."""
        if self._host is None:
            self._host = to_twisted_address(self._server)
        return self._host

    def getHandle(self) -> socket.socket:
        """A socket object of its own for the connection. Whoever reads from it takes the engine's bytes."""
        return BorrowedSocket.of(self.fileno())

    def fileno(self) -> int:
        """The descriptor, -1 when it is closed."""
        return self.connection.fileno() if self.connected else -1

    def logPrefix(self) -> str:
        """For Twisted's log."""
        return type(self._protocol).__name__

    # IPushProducer

    def pauseProducing(self) -> None:
        """Hand over nothing more for now; the client is held up when the buffers are full."""
        if not self._channel.is_reactor_thread():
            self._channel.call_in_reactor(partial(_PAUSE_PRODUCING, self))
            return
        self._paused = True

    def resumeProducing(self) -> None:
        """Go on."""
        if not self._channel.is_reactor_thread():
            self._channel.call_in_reactor(partial(_RESUME_PRODUCING, self))
            return
        if self._paused:
            self._paused = False
            if self._raw is not None:
                self.reactor.callLater(0, self.deliver)
            else:
                self._channel.resume_body()

    def stopProducing(self) -> None:
        """As `loseConnection`."""
        self.loseConnection()

    # IConsumer

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Have what writes told when to wait. Raises RuntimeError where there is one already."""
        if not self._channel.is_reactor_thread():
            self._channel.call_in_reactor(partial(_REGISTER_PRODUCER, self, producer, streaming))
            return
        if self._producer is not None:
            raise RuntimeError(f"{self._producer!r} is registered already; {producer!r} cannot be too.")
        if not self.connected:
            producer.stopProducing()
            return
        self._producer = producer if streaming else PullAdapter(producer, self)
        if not streaming:
            self._producer.resumeProducing()
        elif self._raw is not None and self._raw.pressure:
            producer.pauseProducing()

    def unregisterProducer(self) -> None:
        """It has written all it has."""
        if not self._channel.is_reactor_thread():
            self._channel.call_in_reactor(partial(_UNREGISTER_PRODUCER, self))
            return
        producer, self._producer = self._producer, None
        self._feeds_channel = False
        if isinstance(producer, PullAdapter):
            producer.stopStreaming()
        if self.disconnecting and self.connected:
            self._close()

    # For the channel and the engine

    def sit_on(self, connection: Connection) -> None:
        """Be the transport of a connection. Its end is asked for now: when it is closed, nobody knows it any more."""
        self.connection = connection
        self._server = connection.server

    def later(self, call: Callable[[], None]) -> None:
        """Call something when others have had their turn."""
        self.reactor.callLater(0, call)

    def is_for(self, channel: Any) -> bool:
        """Whether a channel is the one that the connection was opened for, and not one that is handed raw bytes."""
        return channel is self._channel

    @property
    def paused(self) -> bool:
        """Whether the program wants nothing for now."""
        return self._paused

    def deliver(self) -> None:
        """Hand what has come to the protocol."""
        while self._raw is not None and self.connected and not self._paused:
            try:
                data = self._raw.take()
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
        """Close at once, since what uses the connection has failed. It hears of that as the reason of the end."""
        self._reason = error
        self.abortConnection()

    def has_room(self) -> None:
        """The queue is below its high-water mark again."""
        if self._producer is not None:
            resume_producer(self._producer, self.fail)

    def _leave(self, exchange: RelayedExchange) -> None:
        """A request behind the last one."""
        exchange.channel = self._channel

    def cut(self) -> None:
        """Close at once, since the server stops. The protocol hears of it as of a connection that is lost."""
        self._reason = ConnectionLost()
        self.abortConnection()

    def lingers(self) -> None:
        """All is sent. That the engine still waits for the client to read it is no concern of the program's."""
        self._end("done")

    def closed(self, how: str) -> None:
        """The connection is over."""
        try:
            self._end(how)
        finally:
            self.driver.rest()

    def _end(self, how: str) -> None:
        """Tell the producer and the protocol, in the order in which Twisted's transports do."""
        if not self.connected:
            return
        self.connected = 0
        self.disconnected = 1
        self.driver.upgraded.discard(self)
        producer, self._producer = self._producer, None
        if producer is None and self._feeds_channel:
            producer = self._channel
        end_connection(producer, self._protocol.connectionLost, self._reason or reason_for(how))

    def _take_over(self) -> None:
        if self._raw is None and self.connected:
            self.take_over()

    def _write_joined(self, parts: list[bytes]) -> None:
        _WRITE(self, b"".join(parts))

    def _close(self) -> None:
        if self._raw is None:
            if not self._channel.closes_later():
                self.connection.close()
        elif not self._raw.finished:
            self._raw.end()


# What is made again in the reactor's thread, where what a program has put before it on a transport was called already.
_WRITE: Final = SocketTransport.write
_LOSE_CONNECTION: Final = SocketTransport.loseConnection
_ABORT_CONNECTION: Final = SocketTransport.abortConnection
_PAUSE_PRODUCING: Final = SocketTransport.pauseProducing
_RESUME_PRODUCING: Final = SocketTransport.resumeProducing
_REGISTER_PRODUCER: Final = SocketTransport.registerProducer
_UNREGISTER_PRODUCER: Final = SocketTransport.unregisterProducer


@implementer(ITCPTransport)
class TCPTransport(SocketTransport):
    """One over TCP."""

    def getTcpNoDelay(self) -> bool:
        """Always: responses leave when they are made."""
        return True

    def setTcpNoDelay(self, enabled: bool) -> None:
        """For the interface."""


@implementer(IUNIXTransport)
class UNIXTransport(SocketTransport):
    """One over a UNIX socket."""

    def sendFileDescriptor(self, descriptor: int) -> None:
        """No HTTP needs it. Raises NotImplementedError."""
        raise NotImplementedError("Descriptors cannot be sent over a connection of the engine's.")


class ReleasedTransport:
    """What was a `SocketTransport` until Twisted was given its socket: by now another name for Twisted's transport."""

    def __getattr__(self, name: str) -> Any:
        return getattr(vars(self)["_twisted"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(vars(self)["_twisted"], name, value)


def release(connection: Connection, protocol: Any, port: Any) -> None:
    """Have Twisted itself serve a connection, as its port would have done: what the factory has built is not ours."""
    transport, read = _released(connection, protocol, port)
    protocol.makeConnection(transport)
    if read:
        protocol.dataReceived(read)


def release_made(transport: SocketTransport, channel: Any, port: Any) -> None:
    """Have Twisted carry a connection whose program has put a transport of its own around the engine's.

    Its channel is fed from there on, so that what the program has around the transport is passed by everything.
    """
    protocol, producer = transport.protocol, transport.producer
    twisted, read = _released(transport.connection, protocol, port)
    vars(transport).clear()
    kept: Any = transport
    kept.__class__ = ReleasedTransport
    vars(kept)["_twisted"] = twisted
    if producer is not None:
        twisted.registerProducer(producer, True)
    channel.be_fed()
    if read:
        protocol.dataReceived(read)


def _released(connection: Connection, protocol: Any, port: Any) -> tuple[Any, bytes]:
    """Twisted's transport for a connection, and what has come on that."""
    descriptor, read = connection.release()
    accepted = socket.socket(fileno=descriptor)
    accepted.setblocking(False)
    address = accepted.getpeername() if accepted.family != socket.AF_UNIX else ""
    number, port.sessionno = port.sessionno, port.sessionno + 1
    transport = port.transport(accepted, protocol, address, port, number, port.reactor)
    mark_used(transport)
    return transport, read
