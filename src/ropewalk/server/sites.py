"""A Site: the engine behind Twisted's own listening ports.

Where Twisted hands it an accepted plain socket, the engine takes over a duplicate of the descriptor and Twisted's
transport is let go. Where the transport is anything else (TLS in memory, a wrapped one, a test's), bytes pass between
it and the same engine. Until the app has started, nothing is read.
"""

import os
from collections.abc import Iterator
from typing import Any

from twisted.internet import tcp, unix
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import (
    IHalfCloseableDescriptor,
    IHalfCloseableProtocol,
    IListeningPort,
    IProtocol,
    IProtocolNegotiationFactory,
    IPushProducer,
    ISSLTransport,
)
from twisted.internet.protocol import ServerFactory
from twisted.protocols.policies import ProtocolWrapper
from twisted.python.failure import Failure
from zope.interface import implementer

from ropewalk._engine import Limits, Pipe
from ropewalk.errors import StartError
from ropewalk.proxies import TrustedProxies
from ropewalk.server.addresses import from_twisted_address
from ropewalk.server.server import Server, app_of
from ropewalk.server.socket_files import remove_only_own_file


@implementer(IProtocolNegotiationFactory)
class Site(ServerFactory):
    """A protocol factory for a tree of resources or an App: `reactor.listenTCP(8080, Site(root))`.

    It works with `listenTCP`, `listenUNIX`, `listenSSL` and every server endpoint. `reactor` is the global one where it
    is not given, `limits` and `proxies` are those of the app. With `half_close`, clients may close their sending side
    and wait for their responses. When its last port stops listening, what runs is finished and then its connections are
    closed.
    """

    noisy = False

    def __init__(
        self,
        resource: Any,
        *,
        limits: Limits | None = None,
        proxies: TrustedProxies | None = None,
        half_close: bool = False,
        reactor: Any = None,
    ) -> None:
        self.app = app_of(resource)
        self.resource = self.app.resource
        self.limits = limits or self.app.limits
        self.proxies = proxies or self.app.proxies
        self.half_close = half_close
        self._reactor = reactor
        self._server: Server | None = None

    def doStart(self) -> None:
        """A port is about to listen."""
        super().doStart()  # type: ignore[no-untyped-call]
        server = self._running()
        # By then it listens, and is among the readers.
        look_after = self._look_after_files
        server.reactor.callWhenRunning(server.reactor.callFromThread, look_after, server.reactor, os.getpid())

    def startFactory(self) -> None:
        """The first port is about to listen."""
        self._running()

    def stopFactory(self) -> None:
        """The last port has stopped."""
        server, self._server = self._server, None
        if server is not None:
            server.stop()

    def buildProtocol(self, addr: Any) -> Any:
        """For a connection that Twisted has accepted."""
        del addr
        return Connection(self._running(), half_close=self.half_close)

    def acceptableProtocols(self) -> list[bytes]:
        """What a TLS client that offers protocols may choose from (RFC 7301)."""
        return [b"http/1.1"]

    def _running(self) -> Server:
        if self._server is None:
            reactor = self._reactor
            if reactor is None:
                from twisted.internet import reactor
            self._server = Server(self.app, reactor, self.limits, self.proxies, self._ports)
        return self._server

    def _look_after_files(self, reactor: Any, maker: int) -> None:
        for port in self._ports(reactor):
            remove_only_own_file(port, maker)

    def _ports(self, reactor: Any) -> list[Any]:
        """Twisted's ports that hand it what they accept, by themselves or through factories that wrap it."""
        return [
            reader
            for reader in reactor.getReaders()
            if IListeningPort.providedBy(reader) and self in _factories(getattr(reader, "factory", None))
        ]


@implementer(IProtocol, IHalfCloseableProtocol, IPushProducer)
class Connection:
    """Between a transport of Twisted's and the engine. It is also the transport's producer and the engine's sink."""

    def __init__(self, server: Server, *, half_close: bool = False) -> None:
        self.closed: Deferred[None] = Deferred()
        """Fires when the transport is gone."""
        self._server = server
        self._engine = server.engine
        self._half_close = half_close
        self._started = server.started()
        self._pipe: Pipe | None = None
        self._transport: Any = None
        self._patience: Any = None
        """The call that ends a connection whose client does not take what is left for it."""
        self._ended = False
        """All is written, and what the client still sends is dropped."""

    # Called by the transport

    def makeConnection(self, transport: Any) -> None:
        """Begin, when the app has started."""
        self._transport = transport
        if not self._started.called:
            transport.pauseProducing()
        self._started.addCallbacks(self._begin, self._give_up)

    def connectionMade(self) -> None:
        """For the interface: `makeConnection` has done everything."""

    def dataReceived(self, data: bytes) -> None:
        """Bytes from the client."""
        if self._ended and self._patience is not None:
            self._transport.abortConnection()  # the client has been read for as long as it may be
        elif self._pipe is not None:
            self._pipe.feed(data)

    def readConnectionLost(self) -> None:
        """The client has nothing more to say, but may listen."""
        if self._pipe is not None:
            self._pipe.eof()

    def writeConnectionLost(self) -> None:
        """Our side is shut down, as `end_writing` wanted it."""
        if not self._ended:
            self.connectionLost(Failure(ConnectionDone()))

    def connectionLost(self, reason: Failure) -> None:
        """The connection is gone."""
        del reason
        self._started.cancel()
        patience, self._patience = self._patience, None
        if patience is not None:
            patience.cancel()
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            pipe.lost()
            self._server.pipes.discard(self)
            self.closed.callback(None)

    def pauseProducing(self) -> None:
        """The transport's buffer is full."""
        if self._pipe is not None:
            self._pipe.pause()

    def resumeProducing(self) -> None:
        """It has room again."""
        if self._pipe is not None:
            self._pipe.resume()

    def stopProducing(self) -> None:
        """The transport is gone; `connectionLost` follows."""

    # Called by the engine

    def write(self, data: bytes, /) -> None:
        """Bytes for the client."""
        self._transport.write(data)

    def end_writing(self) -> None:
        """Let the client know that all is said, and go on reading."""
        self._ended = True
        self._transport.unregisterProducer()
        end_writing(self._transport)

    def close(self) -> None:
        """Close when all is written, or when `Limits.write_timeout` is over."""
        seconds = self._engine.limits.write_timeout
        if seconds:
            self._patience = self._server.reactor.callLater(seconds, self._run_out)
        if not self._ended:
            self._transport.unregisterProducer()
        self._transport.loseConnection()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abortConnection()

    def pause_reading(self) -> None:
        """Nobody takes what the client sends."""
        self._transport.pauseProducing()

    def resume_reading(self) -> None:
        """Somebody does again."""
        self._transport.resumeProducing()

    def _run_out(self) -> None:
        self._patience = None
        self._transport.abortConnection()

    def _begin(self, _: None) -> None:
        if not self._adopted():
            self._stand_between()

    def _give_up(self, failure: Failure) -> None:
        if failure.check(StartError):
            self._transport.abortConnection()

    def _adopted(self) -> bool:
        """Whether the engine has taken the socket over. It needs a descriptor for it, and a client that is there."""
        if not is_plain_socket(self._transport):
            return False
        try:
            self._engine.adopt(self._transport.fileno(), half_close=self._half_close)
        except OSError:
            return False
        let_go(self._transport)
        return True

    def _stand_between(self) -> None:
        transport = self._transport
        self._server.pipes.add(self)
        self._pipe = self._engine.open_pipe(
            self,
            client=from_twisted_address(transport.getPeer()),
            server=from_twisted_address(transport.getHost()),
            secure=ISSLTransport.providedBy(transport),
            half_close=self._half_close,
        )
        transport.registerProducer(self, True)
        transport.resumeProducing()


def _factories(factory: Any) -> Iterator[Any]:
    """A factory and those that it wraps, in the way of `twisted.protocols.policies`."""
    while factory is not None:
        yield factory
        factory = getattr(factory, "wrappedFactory", None)


def is_plain_socket(transport: Any) -> bool:
    """Whether a transport is just a socket of Twisted's, with nothing in between."""
    return type(transport) in (tcp.Server, unix.Server) and not transport.TLS


def end_writing(transport: Any) -> None:
    """Let the other end know that all is written, and go on reading, as far as a transport can do both.

    TLS says so by its close_notify, and reads until the other end has said the same. A wrapper that keeps bytes back
    has a `loseConnection` of its own to send them by; only that is safe then, and it may reset the connection.
    """
    if half_closes(transport):
        transport.loseWriteConnection()
    else:
        transport.loseConnection()


def half_closes(transport: Any) -> bool:
    """Whether a transport can end its own side alone: a plain socket, also below wrappers that pass all bytes on."""
    while isinstance(transport, ProtocolWrapper) and type(transport).loseConnection is ProtocolWrapper.loseConnection:
        transport = transport.transport
    return IHalfCloseableDescriptor.providedBy(transport) and not isinstance(transport, ProtocolWrapper)


def let_go(transport: Any) -> None:
    """Have Twisted forget a socket. Its shutdown(2) would end the connection for the duplicate too."""
    transport._shouldShutdown = False  # noqa: SLF001 - the one way in which tcp.Server closes without it
    transport.connectionLost(Failure(ConnectionDone()))
