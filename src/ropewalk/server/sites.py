"""`Site`: the engine serves connections that Twisted's ports accept.

If Twisted accepts a plain socket, the engine takes over a duplicate of its descriptor, and Twisted's transport is
closed without ending the connection. Any other transport (TLS, a wrapper, a test's transport) exchanges its bytes with
a pipe of the same engine. No bytes are read before the app has started.
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
    """A protocol factory for a resource tree or an App: `reactor.listenTCP(8080, Site(root))`.

    A Site works with `listenTCP`, `listenUNIX`, `listenSSL` and every server endpoint. By default, `reactor` is the
    global reactor, and `limits` and `proxies` are the app's own. With `half_close`, clients may close their sending
    side and still receive their responses. When the last port of the Site stops listening, running requests finish, and
    then the connections are closed.
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
        """Called by a port that is about to listen."""
        super().doStart()  # type: ignore[no-untyped-call]
        server = self._running()
        # `callFromThread` delays this to the next iteration of the reactor, because the port is not yet among its
        # readers.
        protect = self._protect_socket_files
        server.reactor.callWhenRunning(server.reactor.callFromThread, protect, server.reactor, os.getpid())

    def startFactory(self) -> None:
        """Called when the first port is about to listen: create the server."""
        self._running()

    def stopFactory(self) -> None:
        """Called when the last port has stopped: stop the server."""
        server, self._server = self._server, None
        if server is not None:
            server.stop()

    def buildProtocol(self, addr: Any) -> Any:
        """Make the protocol for a connection that Twisted has accepted."""
        del addr
        return SiteProtocol(self._running(), half_close=self.half_close)

    def acceptableProtocols(self) -> list[bytes]:
        """The application protocols that the server offers to TLS clients (ALPN, RFC 7301)."""
        return [b"http/1.1"]

    def _running(self) -> Server:
        if self._server is None:
            reactor = self._reactor
            if reactor is None:
                from twisted.internet import reactor
            self._server = Server(self.app, reactor, self.limits, self.proxies, self._ports)
        return self._server

    def _protect_socket_files(self, reactor: Any, maker: int) -> None:
        for port in self._ports(reactor):
            remove_only_own_file(port, maker)

    def _ports(self, reactor: Any) -> list[Any]:
        """The Twisted ports whose factory is this Site or wraps it."""
        return [
            reader
            for reader in reactor.getReaders()
            if IListeningPort.providedBy(reader) and self in _factories(getattr(reader, "factory", None))
        ]


@implementer(IProtocol, IHalfCloseableProtocol, IPushProducer)
class SiteProtocol:
    """Connects a Twisted transport with the engine.

    For the transport, this object is the producer of the output. The engine's pipe writes to it.
    """

    def __init__(self, server: Server, *, half_close: bool = False) -> None:
        self.closed: Deferred[None] = Deferred()
        """Fires when the transport is closed."""
        self._server = server
        self._engine = server.engine
        self._half_close = half_close
        self._started = server.started()
        self._pipe: Pipe | None = None
        self._transport: Any = None
        self._close_timer: Any = None
        """The timer that aborts the connection if the client does not read the rest of the output."""
        self._ended = False
        """Whether all output has been written. Input that arrives afterwards is dropped."""
        self._lost = False
        """Whether the transport is closed. At this time, the engine may not have been notified yet."""

    def makeConnection(self, transport: Any) -> None:
        """Serve the connection as soon as the app has started."""
        self._transport = transport
        if not self._started.called:
            transport.pauseProducing()
        self._started.addCallbacks(self._begin, self._give_up)

    def connectionMade(self) -> None:
        """Do nothing: `makeConnection` does everything. The interface requires this method."""

    def dataReceived(self, data: bytes) -> None:
        """Pass bytes from the client to the engine."""
        if self._ended and self._close_timer is not None:
            self._transport.abortConnection()  # the engine has closed the connection, and reads no more
        elif self._pipe is not None:
            self._pipe.feed(data)

    def readConnectionLost(self) -> None:
        """Notify the engine that the client has closed its sending side, and may still read."""
        if self._pipe is not None:
            self._pipe.eof()

    def writeConnectionLost(self) -> None:
        """Called when the server's sending side is closed.

        If `end_writing` has not closed it, the connection is treated as lost.
        """
        if not self._ended:
            self.connectionLost(Failure(ConnectionDone()))

    def connectionLost(self, reason: Failure) -> None:
        """Notify the engine that the connection is closed."""
        del reason
        self._lost = True
        self._started.cancel()
        self._server.departures.forget(self)
        timer, self._close_timer = self._close_timer, None
        if timer is not None:
            timer.cancel()
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            pipe.lost()
            self._server.pipes.discard(self)
            self.closed.callback(None)

    def pauseProducing(self) -> None:
        """Pause the engine's output, because the transport's buffer is full."""
        if self._pipe is not None:
            self._pipe.pause()

    def resumeProducing(self) -> None:
        """Resume the engine's output, because the transport's buffer has space again."""
        if self._pipe is not None:
            self._pipe.resume()

    def stopProducing(self) -> None:
        """Do nothing: the transport is closing, and `connectionLost` follows."""

    def write(self, data: bytes, /) -> None:
        """Send bytes from the engine to the client."""
        if not self._lost:
            self._transport.write(data)

    def end_writing(self) -> None:
        """Close the server's sending side, and continue reading."""
        if self._lost:
            return
        self._ended = True
        self._server.departures.forget(self)
        self._transport.unregisterProducer()
        end_writing(self._transport)

    def close(self) -> None:
        """Close the connection when all output is sent, or at the latest after `Limits.write_timeout`.

        TLS does not wait for the client's close_notify, because the engine has already waited for the client if
        necessary.
        """
        if self._lost:
            return
        seconds = self._engine.limits.write_timeout
        if seconds:
            self._close_timer = self._server.reactor.callLater(seconds, self._abort_late)
        if not self._ended:
            self._transport.unregisterProducer()
        self._transport.loseConnection()
        close_under_tls(self._transport)

    def abort(self) -> None:
        """Close the connection at once. If it is already closed, do nothing, because the `abortConnection` of a closed
        TLS transport raises an exception."""
        if not self._lost:
            self._transport.abortConnection()

    def pause_reading(self) -> None:
        """Stop reading, because the engine's buffers for this client are full."""
        if not self._lost:
            self._transport.pauseProducing()
            if not self._ended:
                keeps_writing = self._half_close and half_closes(self._transport)
                self._server.departures.watch(self, self._transport, half_close=keeps_writing)

    def resume_reading(self) -> None:
        """Continue to read bytes from the client."""
        if not self._lost:
            self._server.departures.forget(self)
            self._transport.resumeProducing()

    def client_left(self) -> None:
        """Called when the client has left while nothing was read."""
        self._transport.abortConnection()

    def _abort_late(self) -> None:
        self._close_timer = None
        self._transport.abortConnection()

    def _begin(self, _: None) -> None:
        if not self._hand_over_socket():
            self._open_pipe()

    def _give_up(self, failure: Failure) -> None:
        if failure.check(StartError):
            self._transport.abortConnection()

    def _hand_over_socket(self) -> bool:
        """Let the engine take over the socket.

        Return False if it cannot: the transport is not a plain socket, no descriptor is free, or the client has
        disconnected.
        """
        if not is_plain_socket(self._transport):
            return False
        try:
            self._engine.adopt(self._transport.fileno(), half_close=self._half_close)
        except OSError:
            return False
        let_go(self._transport)
        return True

    def _open_pipe(self) -> None:
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
    """Yield a factory and the factories that it wraps, as wrappers of `twisted.protocols.policies` do."""
    while factory is not None:
        yield factory
        factory = getattr(factory, "wrappedFactory", None)


def is_plain_socket(transport: Any) -> bool:
    """Whether a transport is a plain TCP or UNIX socket of Twisted, without TLS or a wrapper."""
    return type(transport) in (tcp.Server, unix.Server) and not transport.TLS


def end_writing(transport: Any) -> None:
    """Close the sending side of a transport and continue reading, if the transport can do both, as a plain socket can.
    For other transports, this calls `loseConnection`. A TLS transport then sends close_notify, and reads until the peer
    has sent its close_notify. A wrapper that buffers bytes sends them first, and may then reset the connection.
    """
    if half_closes(transport):
        transport.loseWriteConnection()
    else:
        transport.loseConnection()


def close_under_tls(transport: Any) -> None:
    """Close the connection that carries a TLS connection when its output is sent, without a wait for the client's
    close_notify (RFC 8446, section 6.1, does not require it). For other transports, do nothing."""
    if not ISSLTransport.providedBy(transport):
        return
    from twisted.protocols.tls import TLSMemoryBIOProtocol  # needs the packages of the extra `tls`

    if isinstance(transport, TLSMemoryBIOProtocol):  # a wrapper around it may still have output
        connection: Any = transport.transport
        connection.loseConnection()


def half_closes(transport: Any) -> bool:
    """Whether a transport can close only its sending side: true for a plain socket, also inside wrappers that do not
    buffer."""
    while isinstance(transport, ProtocolWrapper) and type(transport).loseConnection is ProtocolWrapper.loseConnection:
        transport = transport.transport
    return IHalfCloseableDescriptor.providedBy(transport) and not isinstance(transport, ProtocolWrapper)


def let_go(transport: Any) -> None:
    """Make Twisted close its descriptor of a socket without shutdown(2), because shutdown(2) would also end the
    connection of the engine's duplicate descriptor."""
    transport._shouldShutdown = False  # noqa: SLF001 - the only way to make tcp.Server close without shutdown(2)
    transport.connectionLost(Failure(ConnectionDone()))
