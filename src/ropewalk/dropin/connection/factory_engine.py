"""The engine that serves a twisted.web factory, from its first connection or port to its last."""

from collections.abc import Callable, Mapping
from contextvars import copy_context
from typing import Any, Final

from twisted.internet import tcp, unix
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IReactorFDSet
from twisted.logger import Logger
from twisted.python.failure import Failure

from ropewalk._engine import Connection, Engine, Limits, Pipe
from ropewalk.dropin.connection.adoption import channel_of
from ropewalk.dropin.connection.exchange import RelayedExchange
from ropewalk.dropin.connection.override_check import report_foreign
from ropewalk.dropin.connection.socket_release import release, release_made
from ropewalk.dropin.connection.socket_transport import SocketTransport
from ropewalk.dropin.connection.upgrade_shutdown import close_upgraded
from ropewalk.dropin.forced_shutdown import force_shutdown_at_next_signal
from ropewalk.dropin.request.access_log import make_log_safe
from ropewalk.dropin.request.site_log import SiteLogs, logs_of
from ropewalk.forks import ServingChildren, observe_forks
from ropewalk.request import Address
from ropewalk.response import encode_json
from ropewalk.server.addresses import to_twisted_address
from ropewalk.server.drain_log import log_drain, log_drained
from ropewalk.server.reactor_thread import runs_elsewhere, when_running
from ropewalk.server.reactor_watch import ReactorWatch, watch
from ropewalk.server.service import LEVELS
from ropewalk.server.socket_files import remove_only_own_file, share

log = Logger(namespace="ropewalk.dropin")

BODY_SIZE: Final = 100 * 1024 * 1024
"""The default limit for a request's body, in bytes. twisted.web has no such limit, and moves a body over 100 kB to a
file."""

HALF_CLOSE_TIMEOUT: Final = 0.001
"""The default seconds for which a response may pause after its client has closed its sending side. The value is small,
because Twisted ends such a connection at once, and programs rely on that to stop their work. 0 would mean no limit."""

_NO_TIMEOUTS: Final = dict.fromkeys(
    (
        *("head_timeout", "idle_timeout", "body_timeout", "body_rate", "write_timeout"),
        *("linger_timeout", "linger_total_time", "half_close_timeout"),
    ),
    0,
)
"""The limits that need a timer, all switched off, for a channel whose reactor does not run, as in tests."""


def limits_of(factory: Any, given: Mapping[str, float] | None = None) -> Limits:
    """Return the limits of a factory's connections.

    They are the engine's default limits, except that `idle_timeout` is the factory's `timeOut`, `body_size` is 100 MiB
    and `half_close_timeout` is 1 ms. `given` replaces limits by name.
    """
    idle = getattr(factory, "timeOut", None) or 0
    own = {"body_size": BODY_SIZE, "idle_timeout": idle, "half_close_timeout": HALF_CLOSE_TIMEOUT}
    return Limits(**{**own, **(given or {})})


def engine_of_factory(factory: Any, reactor: Any, limits: Limits | None = None) -> "FactoryEngine":
    """Return the engine of a factory in this reactor.

    If the factory has no engine yet, create an engine with these limits.
    """
    engine: FactoryEngine | None = vars(factory).get("_ropewalk")
    if engine is None or engine.factory is not factory or engine.reactor is not reactor or engine.over:
        engine = factory._ropewalk = FactoryEngine(factory, reactor, limits or limits_of(factory))
        make_log_safe(factory)
    return engine


def engine_of_channel(factory: Any = None, given: Mapping[str, float] | None = None) -> "FactoryEngine":
    """Make an engine for a single channel whose transport is not a socket, as in a tunnel or a test.

    It has timeouts only if the factory's reactor runs. In a test, the reactor does not run, and the engine must not add
    delayed calls to it.
    """
    reactor = getattr(factory, "reactor", None)
    if not getattr(reactor, "running", False):
        return FactoryEngine(None, None, Limits(body_size=BODY_SIZE, **_NO_TIMEOUTS))
    served: FactoryEngine | None = vars(factory).get("_ropewalk")
    return ChannelEngine(None, reactor, limits_of(factory, given) if served is None else served.engine.limits)


class FactoryEngine:
    """Runs the engine of a factory. If the reactor watches the engine, it runs the turns; otherwise the channels of the
    factory run them."""

    request: type[RelayedExchange] = RelayedExchange
    encode_json = staticmethod(encode_json)
    json_types: tuple[type, ...] = ()

    def __init__(self, factory: Any, reactor: Any, limits: Limits) -> None:
        self.factory = factory
        self.reactor = reactor
        self.ports: dict[Any, int] = {}
        """Listening ports on which the engine accepts connections, with the engine's number for each port."""
        self.upgraded: set[SocketTransport] = set()
        """Connections that were upgraded to another protocol."""
        self.endless: set[Any] = set()
        """Channels whose response is an event stream (HTML standard, section 9.2). A drain ends these responses."""
        self.half_close = False
        """Whether clients may close their sending side and wait for their responses."""
        self.over = False
        """Whether a drain has begun."""
        self._children: ServingChildren | None = None
        """The child processes that serve on the same ports. Created with the first port; None without ports."""
        self._drain_was_cut = False
        self._turning = False
        self._lines: dict[Any, list[str]] = {}
        """Lines for the factory's log files that were written in the running turn of the engine."""
        self._logs = SiteLogs() if factory is None else logs_of(factory)
        self._timer: Any = None
        self._unwatch: ReactorWatch | None = None
        self._trigger: Any = None
        self._draining: Deferred[None] | None = None
        self.engine = Engine(self, limits)
        self.engine.set_debug(True)  # report all levels, because Twisted's log filters them itself
        if reactor is not None:
            observe_forks(self)

    @property
    def watched(self) -> bool:
        """Whether the reactor runs the engine's turns."""
        return self._unwatch is not None

    def can_watch(self) -> bool:
        """Whether the reactor can run the engine's turns."""
        return IReactorFDSet.providedBy(self.reactor)

    def start_watching(self) -> None:
        """Make the reactor run the engine's turns."""
        if self._unwatch is None and self.can_watch():
            self._unwatch = watch(self.engine, self.reactor, self._turn)
            self._trigger = self.reactor.addSystemEventTrigger("before", "shutdown", self._drain)
            when_running(self.reactor, self.engine.bind_thread)
            self.engine.use_context(copy_context())
            self.engine.rearm()  # because `arm` has set no timer until now

    def after_fork_in_child(self) -> None:
        """Start again on the same ports, in a child process. Connections stay with the parent process."""
        self.engine.after_fork_in_child()
        self.upgraded.clear()
        self.endless.clear()
        self._lines.clear()
        for port in self.ports:
            share(port)
        if self._unwatch is not None:
            self._unwatch.after_fork_in_child(self._children)

    def after_fork_in_parent(self) -> None:
        """Share the listening sockets with a child process, which may serve after the parent process has stopped."""
        for port in self.ports:
            share(port, self._children)

    def leave_if_idle(self) -> None:
        """Remove the engine from the reactor, if no port and no connection is left."""
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
        """Accept connections instead of a port of Twisted, until that port is closed.

        If the reactor runs in another thread, this happens later, in that thread.
        """
        if runs_elsewhere(self.reactor):  # until then, Twisted's port accepts connections
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
            if listener is not None:  # None the second time: a service and the shutdown may both stop a port
                self.engine.stop_listening(listener)
                self.leave_if_idle()
                close(reason)

        port.connectionLost = connectionLost
        self.start_watching()

    def when_drained(self) -> "Deferred[None]":
        """Return a Deferred that fires when the drain has finished, or at once if no drain has begun."""
        over: Deferred[None] = Deferred()
        if self._draining is None:
            over.callback(None)
        else:
            self._draining.addBoth(lambda _: over.callback(None))
        return over

    def write_log(self, file: Any, line: str) -> None:
        """Write a line to a log file. The lines of one turn are written together, at the end of the turn.

        Only the reactor's thread may call this.
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
        except Exception:  # noqa: BLE001 - as Twisted's ports do
            log.failure("{factory} failed to build a protocol.", factory=self.factory)
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
        transport.set_connection(connection)
        protocol.makeConnection(transport)
        if not channel.uses(transport) and transport.connected and not transport.disconnecting:
            release_made(transport, channel, self._port_of(connection))
            return None
        return transport

    def fail(self, exchange: RelayedExchange, error: BaseException, /) -> None:
        log.failure("A request could not be passed to the application.", Failure(error))
        exchange.channel.fail_request(exchange, error)

    def arm(self, seconds: float, /) -> None:
        self._disarm()
        if self._unwatch is not None:
            self._timer = self.reactor.callLater(seconds, self._tick)

    def drained(self, cut: int, /) -> None:
        log_drained(log, cut, early=self._drain_was_cut)
        draining = self._draining
        if draining is not None and not draining.called:
            draining.callback(None)
            self.leave_if_idle()

    def report(self, level: str, code: str, message: str, /) -> None:
        log.emit(LEVELS[level], "{code} {message}", code=code, message=message)

    def access_log_ready(self) -> None:
        """Do nothing: factories have their own access logs."""

    def _drain(self) -> Deferred[Any]:
        """Finish the running requests before the reactor shuts down. End event streams and upgraded connections at
        once, because they may have no end of their own."""
        self.over = True
        self._draining = Deferred()
        for transport in tuple(self.upgraded):
            close_upgraded(transport)
        for channel in tuple(self.endless):
            channel.end_stream()
        # Start the factory again, because stopListening() stops it, and running requests need its log files.
        self.factory.doStart()
        stopped = [port.stopListening() for port in tuple(self.ports)]
        log_drain(self.engine)
        restore_signals = force_shutdown_at_next_signal(self.reactor, self._cut)
        self.engine.drain()
        over = [self._draining, *(each for each in stopped if each is not None)]
        return DeferredList(over, consumeErrors=True).addBoth(self._drained, restore_signals)

    def _drained(self, _: Any, restore_signals: Callable[[], None]) -> None:
        restore_signals()
        try:
            self.factory.doStop()
        except Exception:  # noqa: BLE001 - for example, closing a log file on a full disk
            log.failure("{factory} failed to stop.", factory=self.factory)
        self._logs.close()

    def _cut(self) -> None:
        """Cut the drain short, at a second signal."""
        self._drain_was_cut = True
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
        """Return the port on which a connection was accepted."""
        ours = connection.server
        kind = tcp.Port if isinstance(ours, tuple) else unix.Port
        ports = [port for port in self.ports if isinstance(port, kind)]
        if isinstance(ours, tuple):
            ports = [port for port in ports if port.getHost().port == ours[1]] or ports
        return ports[0]


class ChannelEngine(FactoryEngine):
    """Runs an engine that gets its bytes from a transport. The reactor runs only its timers."""

    pipe: Pipe | None = None

    def _tick(self) -> None:
        super()._tick()
        # The reactor does not watch this engine, so all its turns run here.
        while self.pipe is not None and self.pipe.run_turn():
            pass

    def arm(self, seconds: float, /) -> None:
        self._disarm()
        self._timer = self.reactor.callLater(seconds, self._tick)
