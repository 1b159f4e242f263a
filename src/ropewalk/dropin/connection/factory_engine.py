"""The engine below a factory of twisted.web's: made for its first connection or port, at rest after the last."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from twisted.internet import tcp, unix
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IReactorFDSet
from twisted.logger import Logger
from twisted.python.failure import Failure

from ropewalk._engine import Connection, Engine, Limits
from ropewalk.dropin.connection.adoption import channel_of
from ropewalk.dropin.connection.exchange import RelayedExchange
from ropewalk.dropin.connection.override_check import report_foreign
from ropewalk.dropin.connection.socket_transport import SocketTransport, release, release_made
from ropewalk.dropin.connection.upgrade import close_upgraded
from ropewalk.dropin.entry.forced_shutdown import force_shutdown_at_next_signal
from ropewalk.dropin.request.access_log import make_log_safe
from ropewalk.dropin.request.site_log import SiteLogs, logs_of
from ropewalk.forks import ServingChildren, observe_forks
from ropewalk.request import Address
from ropewalk.response import encode_json
from ropewalk.server.addresses import to_twisted_address
from ropewalk.server.drain_log import log_drain, log_drained
from ropewalk.server.reactor_thread import runs_elsewhere, when_running
from ropewalk.server.reactor_watch import Watch, watch
from ropewalk.server.service import LEVELS
from ropewalk.server.socket_files import remove_only_own_file, share

log = Logger(namespace="ropewalk.dropin")

BODY_SIZE: Final = 100 * 1024 * 1024
"""Bytes of a body that a program is given, where nobody says otherwise. twisted.web itself has no bound; what it holds
in memory past 100 kB it moves to a file."""

HALF_CLOSE_TIMEOUT: Final = 0.001
"""Seconds that a response may pause whose client has closed its sending side, where nobody says otherwise. Twisted ends
the connection at that at once, and programs count on it to stop what they make; 0 would be no limit."""

_AT_EASE: Final = dict.fromkeys(
    (
        *("head_timeout", "idle_timeout", "body_timeout", "body_rate", "write_timeout"),
        *("linger_timeout", "linger_time", "half_close_timeout"),
    ),
    0,
)
"""For a channel without a factory: nobody has given it a clock."""


def limits_of(factory: Any, given: Mapping[str, float] | None = None) -> Limits:
    """The limits of a factory's connections: the engine's, but for `timeOut` of the factory, and two of ours."""
    idle = getattr(factory, "timeOut", None) or 0
    own = {"body_size": BODY_SIZE, "idle_timeout": idle, "half_close_timeout": HALF_CLOSE_TIMEOUT}
    return Limits(**{**own, **(given or {})})


def engine_of_factory(factory: Any, reactor: Any, limits: Limits | None = None) -> "FactoryEngine":
    """The one below a factory in this reactor, made with these limits where there is none yet."""
    driver: FactoryEngine | None = vars(factory).get("_ropewalk")
    if driver is None or driver.factory is not factory or driver.reactor is not reactor or driver.over:
        driver = factory._ropewalk = FactoryEngine(factory, reactor, limits or limits_of(factory))  # noqa: SLF001 - ours
        make_log_safe(factory)
    return driver


def engine_of_channel(factory: Any = None, given: Mapping[str, float] | None = None) -> "FactoryEngine":
    """One for a single channel over a transport that is no socket: a tunnel's, or a test's.

    It keeps time where the factory's reactor runs. A test's does not, and would find calls in it that it has not made.
    """
    reactor = getattr(factory, "reactor", None)
    if not getattr(reactor, "running", False):
        return FactoryEngine(None, None, Limits(body_size=BODY_SIZE, **_AT_EASE))
    served: FactoryEngine | None = vars(factory).get("_ropewalk")
    return ChannelEngine(None, reactor, limits_of(factory, given) if served is None else served.engine.limits)


class FactoryEngine:
    """Turns an engine for a factory. `reactor` is None for one that nobody turns but the channels themselves."""

    request: type[RelayedExchange] = RelayedExchange
    encode_json = staticmethod(encode_json)
    json_types: tuple[type, ...] = ()

    def __init__(self, factory: Any, reactor: Any, limits: Limits) -> None:
        self.factory = factory
        self.reactor = reactor
        self.ports: dict[Any, int] = {}
        """Listening ports on which the engine accepts, and what it calls them."""
        self.upgraded: set[SocketTransport] = set()
        """Connections that speak something else than HTTP by now."""
        self.endless: set[Any] = set()
        """Channels whose response is a stream of events (the HTML standard, section 9.2), whose clients come again."""
        self.half_close = False
        """Whether clients may close their sending side and wait for their responses."""
        self.over = False
        """It has been drained."""
        self._children: ServingChildren | None = None
        """Made with the first port: most drivers of a single channel have none."""
        self._impatient = False
        self._turning = False
        self._lines: dict[Any, list[str]] = {}
        """Lines for the logs of the factory that were written in this turn."""
        self._logs = SiteLogs() if factory is None else logs_of(factory)
        self._timer: Any = None
        self._unwatch: Watch | None = None
        self._trigger: Any = None
        self._draining: Deferred[None] | None = None
        self.engine = Engine(self, limits)
        self.engine.set_debug(True)  # Twisted's log has levels of its own
        if reactor is not None:
            observe_forks(self)

    @property
    def watched(self) -> bool:
        """Whether the reactor turns the engine."""
        return self._unwatch is not None

    def can_watch(self) -> bool:
        """Whether the reactor is one that could."""
        return IReactorFDSet.providedBy(self.reactor)

    def wake(self) -> None:
        """There is something to watch."""
        if self._unwatch is None and self.can_watch():
            self._unwatch = watch(self.engine, self.reactor, self._turn)
            self._trigger = self.reactor.addSystemEventTrigger("before", "shutdown", self._drain)
            when_running(self.reactor, self.engine.bind_thread)
            self.engine.rearm()  # what it wished for at rest was not heard

    def forked(self) -> None:
        """In a child: begin anew on the same ports. Connections are the parent's."""
        self.engine.after_fork_in_child()
        self.upgraded.clear()
        self.endless.clear()
        self._lines.clear()
        for port in self.ports:
            share(port)
        if self._unwatch is not None:
            self._unwatch.forked(self._children)

    def has_forked(self) -> None:
        """In the parent: its sockets end when it stops, except where a child serves by then."""
        for port in self.ports:
            share(port, self._children)

    def rest(self) -> None:
        """Something is over. After the last of all, nothing of the engine is left in the reactor."""
        draining = self._draining is not None and not self._draining.called
        if self.ports or self.engine.connections or draining:
            return
        self._disarm()
        unwatch, self._unwatch = self._unwatch, None
        if unwatch is not None:
            unwatch()
        trigger, self._trigger = self._trigger, None
        if trigger is not None and self._draining is None:
            self.reactor.removeSystemEventTrigger(trigger)

    def accept_on(self, port: Any, *, half_close: bool = False) -> None:
        """Accept in place of one of Twisted's ports, until it is closed. From another thread: soon."""
        if runs_elsewhere(self.reactor):  # meanwhile Twisted's port accepts
            self.reactor.callFromThread(self.accept_on, port, half_close=half_close)
            return
        if port in self.ports or not port.connected:
            return
        self._children = self._children or ServingChildren()
        self.ports[port] = self.engine.listen_descriptor(port.fileno(), half_close=half_close or self.half_close)
        port.stopReading()
        remove_only_own_file(port)
        close = port.connectionLost

        def connectionLost(reason: Failure) -> None:
            listener = self.ports.pop(port, None)
            if listener is not None:  # a service and the end of the reactor may both stop it
                self.engine.stop_listening(listener)
                self.rest()
                close(reason)

        port.connectionLost = connectionLost
        self.wake()

    def drained_out(self) -> "Deferred[None]":
        """Fires when the drain is over that a shutdown has begun, which may be at once."""
        over: Deferred[None] = Deferred()
        if self._draining is None:
            over.callback(None)
        else:
            self._draining.addBoth(lambda _: over.callback(None))
        return over

    def write_log(self, file: Any, line: str) -> None:
        """Write a line to a file: at the end of the turn, with the others of it, where there is one.

        To be called in the reactor's thread.
        """
        if self._turning:
            self._lines.setdefault(file, []).append(line)
        else:
            self._logs.write(file, line)

    def _turn(self) -> None:
        self._turning = True
        try:
            self.engine.turn()
        finally:
            self._turning = False
            if self._lines:
                lines, self._lines = self._lines, {}
                for file, written in lines.items():
                    self._logs.write(file, "".join(written))

    # Called by the engine

    def opened(self, connection: Connection, client: Address) -> SocketTransport | None:
        try:
            protocol = self.factory.buildProtocol(to_twisted_address(client))
        except Exception:  # noqa: BLE001 - as a port of Twisted's
            log.failure("{factory} has built no protocol.", factory=self.factory)
            protocol = None
        if protocol is None:
            connection.close()
            return None
        channel = channel_of(protocol)
        if channel is None:
            report_foreign(protocol)
        if channel is None or channel.stays_twisted():
            release(connection, protocol, self._port_of(connection))
            return None
        transport = SocketTransport.of(self, client, protocol, channel)
        transport.sit_on(connection)
        protocol.makeConnection(transport)
        if not channel.sits_on(transport) and transport.connected and not transport.disconnecting:
            release_made(transport, channel, self._port_of(connection))
            return None
        return transport

    def fail(self, exchange: RelayedExchange, error: BaseException, /) -> None:
        log.failure("A request could not be handed to the program.", Failure(error))
        exchange.channel.give_up(exchange, error)

    def arm(self, seconds: float, /) -> None:
        self._disarm()
        if self._unwatch is not None:
            self._timer = self.reactor.callLater(seconds, self._tick)

    def drained(self, cut: int, /) -> None:
        log_drained(log, cut, early=self._impatient)
        draining = self._draining
        if draining is not None and not draining.called:
            draining.callback(None)
            self.rest()

    def report(self, level: str, code: str, message: str, /) -> None:
        log.emit(LEVELS[level], "{code} {message}", code=code, message=message)

    def access_log_ready(self) -> None:
        """There is no access log: factories have their own."""

    def _drain(self) -> Deferred[Any]:
        """Before the reactor shuts down: finish what runs. What would never end by itself is ended."""
        self.over = True
        self._draining = Deferred()
        for transport in tuple(self.upgraded):
            close_upgraded(transport)
        for channel in tuple(self.endless):
            channel.end_stream()
        # Its log and whatever else it needs for the requests that are here still.
        self.factory.doStart()
        stopped = [port.stopListening() for port in tuple(self.ports)]
        log_drain(self.engine)
        take_back = force_shutdown_at_next_signal(self.reactor, self._cut)
        self.engine.drain()
        over = [self._draining, *(each for each in stopped if each is not None)]
        return DeferredList(over, consumeErrors=True).addBoth(self._drained, take_back)

    def _drained(self, _: Any, take_back: Callable[[], None]) -> None:
        take_back()
        try:
            self.factory.doStop()
        except Exception:  # noqa: BLE001 - as a log file on a full disk, which writes what it has kept when it is closed
            log.failure("{factory} has not stopped well.", factory=self.factory)
        self._logs.close()

    def _cut(self) -> None:
        """Whoever stops the program does not want to wait."""
        self._impatient = True
        for transport in tuple(self.upgraded):
            transport.cut()
        self.engine.drain(0)

    def _disarm(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()

    def _tick(self) -> None:
        self._timer = None
        self.engine.tick()

    def _port_of(self, connection: Connection) -> Any:
        """The one on which a connection has come."""
        ours = connection.server
        kind = tcp.Port if isinstance(ours, tuple) else unix.Port
        ports = [port for port in self.ports if isinstance(port, kind)]
        if isinstance(ours, tuple):
            ports = [port for port in ports if port.getHost().port == ours[1]] or ports
        return ports[0]


class ChannelEngine(FactoryEngine):
    """One whose engine the reactor does not watch, since a transport feeds it, and calls in time all the same."""

    def arm(self, seconds: float, /) -> None:
        self._disarm()
        self._timer = self.reactor.callLater(seconds, self._tick)
