"""The connection below a channel: a socket of the engine's, or a pipe that a transport of Twisted's feeds."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from twisted.internet.interfaces import ISSLTransport
from twisted.internet.protocol import Protocol
from twisted.logger import Logger
from twisted.web import http

from ropewalk._engine import Engine, Pipe
from ropewalk.dropin.connection.adoption import is_new, log_handed_over
from ropewalk.dropin.connection.connection_lost import stop_producer
from ropewalk.dropin.connection.exchange import RelayedExchange
from ropewalk.dropin.connection.factory_engine import engine_of_channel, engine_of_factory, limits_of
from ropewalk.dropin.connection.pipe_sink import PipeSink, is_on_socket
from ropewalk.dropin.connection.socket_transport import SocketTransport
from ropewalk.errors import full_name
from ropewalk.server.addresses import from_twisted_address
from ropewalk.server.sites import end_writing, is_plain_socket, let_go

if TYPE_CHECKING:
    from ropewalk.dropin.connection.channel import HTTPChannel

log = Logger(namespace="ropewalk.dropin")

_told: Final[set[str]] = set()
"""Classes of which the log has it that they put transports of their own around the engine's."""


class ConnectedChannel(http.HTTPChannel):
    """The part of `HTTPChannel` that is about its connection; nothing else derives from it."""

    adopts: ClassVar[bool]
    limits: ClassVar[Mapping[str, float]]
    transport: Any
    factory: Any = None
    site: Any = None
    _networkProducer: Any
    _ends: tuple[Any, Any] | None = None
    """The addresses of a transport of Twisted's, which does not know them any more when it is closed."""
    _driver: Any = None
    """A FactoryEngine, once there is something for it to drive."""
    _socket: SocketTransport | None = None
    _pipe: Pipe | None = None
    _sink: PipeSink
    _exchange: RelayedExchange | None = None
    """The one whose request is being received or handled."""
    _time_out: Any = http.HTTPChannel.timeOut
    _full = False
    """The engine's queue is over its high-water mark."""
    _flushing = False
    """Bytes are being passed on to the transport."""
    _losing = False
    _lost = False
    """The connection is over, and the program was told."""
    _kept = True
    """Whether the last request has left the connection open."""
    _upgraded = False
    """The connection speaks something else by now."""
    _stays_twisted = ""
    """Why the connection is served by Twisted's own channel; empty where the engine serves it."""

    def resumeProducing(self) -> None:
        """The transport has room again."""
        if self._full:
            self._waitingForTransport = False
        else:
            super().resumeProducing()

    def stopProducing(self) -> None:
        """Stop the producer. What it raises is logged, for Twisted's transports would not call `connectionLost`."""
        if self._stays_twisted:
            super().stopProducing()
        elif self._requestProducer is not None:
            stop_producer(self._requestProducer)

    def last_response_sent(self, *, reads_on: bool = False) -> None:
        """Close, unless a program has said meanwhile that the connection lives on, for something else than HTTP.

        `reads_on`: the client is sending still, and would not get to read the response.
        """
        if not (self._losing or self._kept or not self.persistent):
            return
        if not (reads_on and is_on_socket(self.transport)):
            # The transport may have paused us for the last bytes, and nobody else lets it read on to the client's end.
            self._networkProducer.resumeProducing()
            super().loseConnection()
            return
        self._networkProducer.unregisterProducer()
        end_writing(self.transport)
        self._networkProducer.resumeProducing()

    def getPeer(self) -> Any:
        """The other end, also when the connection is gone."""
        if self._stays_twisted:
            return super().getPeer()
        return self.transport.getPeer() if self._ends is None else self._ends[0]

    def getHost(self) -> Any:
        """Our end, also when the connection is gone."""
        if self._stays_twisted:
            return super().getHost()
        return self.transport.getHost() if self._ends is None else self._ends[1]

    @property
    def takes_descriptors(self) -> bool:
        """To `Request`: there is a `respond_with_file`. A transport of Twisted's has no use for a descriptor."""
        return self._socket is not None

    def isSecure(self) -> bool:
        """Whether the transport is TLS. A socket of the engine's is not."""
        return self._socket is None and super().isSecure()

    def later(self, call: Callable[[], None]) -> None:
        """Call something when others have had their turn."""
        self.callLater(0, call)

    def sits_on(self, transport: SocketTransport) -> bool:
        """Whether the channel uses the engine's transport that it was given. Programs put others around that."""
        return self._socket is transport and self.transport is transport

    def be_fed(self) -> None:
        """From here on bytes come by `dataReceived`, and go to `transport`: a program has put its own in that place."""
        kind = full_name(type(self))
        if kind not in _told:
            _told.add(kind)
            log.warn(
                "RW740 Connections of {channel} stay on Twisted's own transport: it has put another in its place.",
                channel=kind,
            )
        if self._socket is not None:
            self._socket = self._driver = None
            self.setTimeout(self.timeOut)
            self._networkProducer.registerProducer(self, True)

    def _sit_on(self, transport: SocketTransport) -> None:
        self._socket = transport
        self._driver = transport.driver
        self._networkProducer = transport
        limits = self._driver.engine.limits
        idle = self.timeOut or 0
        if idle != limits.idle_timeout or 0 < idle < max(limits.head_timeout, limits.body_timeout):
            transport.connection.set_idle_timeout(idle)  # which bounds silences within a request, too

    def _adopted(self, transport: Any) -> bool:
        """Whether the engine has taken over a socket that Twisted has accepted."""
        factory = self.factory
        if factory is None or not self.adopts or not is_plain_socket(transport):
            return False
        if not is_new(transport, self):
            log_handed_over(factory)
            return False
        driver = engine_of_factory(factory, transport.reactor, limits_of(factory, self.limits))
        if not driver.can_watch():
            return False
        driver.wake()
        ours = SocketTransport.of(
            driver, from_twisted_address(transport.getPeer()), transport.protocol, cast("HTTPChannel", self)
        )
        try:
            connection = driver.engine.adopt(transport.fileno(), owner=ours, half_close=driver.half_close)
        except OSError:
            driver.rest()
            return False
        transport.protocol = Protocol()  # which is told that the transport is gone
        let_go(transport)
        self.transport = ours
        if connection is None:
            ours.closed("cut")
            return True
        ours.sit_on(connection)
        self._sit_on(ours)
        return True

    def _open_pipe(self, transport: Any) -> Pipe:
        factory = self.factory
        if factory is not None and is_on_socket(transport):
            self._driver = engine_of_factory(factory, factory.reactor, limits_of(factory, self.limits))
            self._driver.wake()
        else:
            self._driver = engine_of_channel(factory, self.limits)
        engine: Engine = self._driver.engine
        self._sink = PipeSink(cast("HTTPChannel", self), transport)
        self._ends = peer, host = transport.getPeer(), transport.getHost()
        self._pipe = pipe = engine.open_pipe(
            self._sink,
            client=from_twisted_address(peer),
            server=from_twisted_address(host),
            secure=ISSLTransport.providedBy(transport),
            half_close=self._driver.half_close,
        )
        pipe.set_idle_timeout(0)
        return pipe

    def push(self) -> None:
        """See that what was written to a pipe is with the transport."""
        if self._pipe is not None:
            self._pipe.flush_output()

    def _flush(self) -> None:
        """Where a program expects its bytes to be with its transport at once, see that they are.

        Where the reactor turns the engine, nobody else's requests are served by that: the program may be in the middle
        of something.
        """
        pipe = self._pipe
        if pipe is None:
            return
        flushing, self._flushing = self._flushing, True
        try:
            if self._driver.watched:
                pipe.serve_events()
            else:
                while self._pipe is not None and pipe.run_turn():
                    pass
        finally:
            self._flushing = flushing
