"""The server of an app: an engine in a reactor, from the start hooks to the stop hooks."""

import select
from collections.abc import Callable, Iterable
from contextvars import copy_context
from typing import Any, Final

from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import Logger
from twisted.python.failure import Failure

from ropewalk._engine import Limits, self_test
from ropewalk.app import App
from ropewalk.calling import RootTask, StopHooks, start
from ropewalk.errors import RopewalkError, StartError, more_about
from ropewalk.forks import ServingChildren, observe_forks
from ropewalk.proxies import TrustedProxies
from ropewalk.resource import Resource, as_resource
from ropewalk.server.departures import Departures
from ropewalk.server.drain_log import log_drained
from ropewalk.server.endpoint_descriptions import parse_endpoint
from ropewalk.server.listen_errors import cannot_listen
from ropewalk.server.reactor_watch import ReactorWatch, watch
from ropewalk.server.service import Service
from ropewalk.server.socket_files import share
from ropewalk.server.start_errors import start_hook_failed, stopped_before_start
from ropewalk.tracebacks import shown_failure

log = Logger(namespace="ropewalk.server")

LEAST_WAIT: Final = 1.0
"""The least time, in seconds, for which a stop waits until transports are closed. This applies even after the deadline,
because connections that were cut off must still close."""


class Server:
    """One engine for one app in one reactor. It serves all sockets of the app.

    It accepts connections as soon as the reactor runs and the app's start hooks have finished. It delays the shutdown
    of the reactor until the running requests have finished.
    """

    def __init__(
        self,
        app: App,
        reactor: Any,
        limits: Limits | None = None,
        proxies: TrustedProxies | None = None,
        ports: Callable[[Any], Iterable[Any]] = lambda _: (),
    ) -> None:
        self_test()
        self.app = app
        self.reactor = reactor
        self.service = Service(app, reactor.callLater, limits, proxies)
        self.engine = self.service.engine
        self.stopping = False
        self._aborted = False
        self._deadline = 0.0
        """The time, on the reactor's clock, after which the stop waits only for hooks."""
        self._started = _Outcome()
        self._stopped = _Outcome()
        self.listening: list[Any] = []
        """The open AppListeningPorts of the app."""
        self.pipes: set[Any] = set()
        """The connections between a Twisted transport and the engine. Each has a Deferred `closed`."""
        self.departures = Departures(reactor)
        """Detects that the client of one of these `pipes` has left while nothing is read from the connection."""
        self._starting: Deferred[None] | None = None
        self._ports = ports
        """A function that takes a reactor, and returns its Twisted ports that accept connections for this server."""
        self.tls_ports: list[Any] = []
        """The Twisted ports that accept connections over TLS for this server."""
        self._awaited: Deferred[Any] | None = None
        """A Deferred that fires when Twisted's transports are closed. The stop waits for it after the engine has
        drained."""
        self._hooks = StopHooks(reactor.callLater, self.engine.limits.drain_timeout)
        self._unwatch: ReactorWatch | None = None
        self._children = ServingChildren()
        self._is_child = False
        """Whether this process was forked after the server was created."""
        self._root_task = RootTask()
        self._trigger = reactor.addSystemEventTrigger("before", "shutdown", self._before_shutdown)
        # `callFromThread`, because an asyncio reactor runs `callWhenRunning` functions before its loop runs.
        reactor.callWhenRunning(reactor.callFromThread, self._start)
        observe_forks(self)

    def after_fork_in_child(self) -> None:
        """In a forked child: serve the same sockets, without the connections, which belong to the parent."""
        self._is_child = True
        self.engine.after_fork_in_child()
        self.pipes.clear()
        self.departures.after_fork_in_child()
        for port in self._twisted_ports():
            share(port)
        if self._unwatch is not None:
            self._unwatch.after_fork_in_child(self._children)

    def after_fork_in_parent(self) -> None:
        """In the parent: when the server stops, close the sockets for all processes, unless a child serves by then."""
        self.engine.after_fork_in_parent(children_serve=False)
        for port in self._twisted_ports():
            share(port, self._children)

    def leave_to_children(self) -> None:
        """Called before the engine closes a socket: leave the socket open for forked children if any of them serves."""
        if self._children:
            self.engine.after_fork_in_parent(children_serve=True)

    def open(self, description: str) -> int:
        """Open a listening socket and return its number in the engine.

        Raises StartError (RW401) and EngineError (RW502).
        """
        endpoint = parse_endpoint(description)
        try:
            return endpoint.open(self.engine)
        except OSError as error:
            raise cannot_listen(description, endpoint, error) from error

    def stop(self) -> "Deferred[None]":
        """Stop accepting, let running requests finish until the deadline (`Limits.drain_timeout`), and call the stop
        hooks.

        The stop hooks are called only if the start hooks have finished. A hook that takes longer than `drain_timeout`
        is cancelled. Return a Deferred that fires when the server has stopped.
        """
        if not self.stopping:
            self.stopping = True
            stopped = start(self._stop())
            stopped.addErrback(
                lambda failure: log.failure("The app failed to stop cleanly.", shown_failure(failure.value))
            )
            stopped.addBoth(self._finished)
        return self._stopped.wait()

    def abort(self) -> None:
        """Stop the server at once: abort the running requests and cancel the running hook."""
        self._aborted = True
        self.stop()
        self.engine.drain(0)
        self.app.cut_calls()
        if self._awaited is not None:
            self._awaited.cancel()
        self._hooks.cancel()

    def started(self) -> "Deferred[None]":
        """Return a Deferred that fires when requests are accepted, or fails with StartError (RW403) if the app does not
        start."""
        return self._started.wait()

    def _twisted_ports(self) -> list[Any]:
        return [*self._ports(self.reactor), *self.tls_ports]

    def _start(self) -> None:
        if not self.stopping:
            if self._is_child:
                self._children.note()
            self._root_task.start()
            self._starting = start(self._start_app())
            self._starting.addCallbacks(self._accept, self._give_up)

    async def _start_app(self) -> None:
        await self.app.start()
        self.engine.use_context(copy_context())  # so that handlers see the context variables that start hooks set

    def _accept(self, _: Any) -> None:
        self.engine.bind_thread()
        self._unwatch = watch(self.engine, self.reactor)
        self._started.fire()

    def _give_up(self, failure: Failure) -> None:
        if self.stopping:
            error = stopped_before_start()
        elif isinstance(failure.value, RopewalkError):
            log.critical("{error}\n{more}", error=failure.value, more=more_about(failure.value.code))
            reason = f"A start hook failed with {failure.value.code}."
            error = StartError("RW403", reason, "The log says what to do.")
        else:
            error = start_hook_failed(log, failure)
        self._started.fire(Failure(error))

    async def _stop(self) -> None:
        try:
            await self._finish()
        finally:
            await self._root_task.stop()

    async def _finish(self) -> None:
        if self._starting is None:
            self._started.fire(Failure(stopped_before_start()))
        else:
            self._starting.cancel()
        hooks = None
        self.leave_to_children()
        if self._unwatch is not None:
            self._deadline = self.reactor.seconds() + self.engine.limits.drain_timeout
            hooks = self.app.begin_stop(self._hooks.call_stopping)
            self.service.stopping.fire()
        for port in self._twisted_ports():
            await _close(port)
        if self._unwatch is None:
            self.service.close()
            return
        cut = await self.service.drain()
        log_drained(log, cut, early=self._aborted)
        await self._wait_for_transports()
        self._unwatch()
        self.service.close()
        if hooks is not None:
            await hooks
        await self.app.finish_calls(self._time_left())
        await self.app.call_stop_hooks(self._hooks.call_stop)

    async def _wait_for_transports(self) -> None:
        """Wait until Twisted's transports have sent the last bytes, because the engine may close its connections before
        the transports have sent their buffers."""
        self._awaited = DeferredList([pipe.closed for pipe in self.pipes], consumeErrors=True)
        seconds = min(self.engine.limits.linger_timeout, max(self._time_left(), LEAST_WAIT))
        self._awaited.addTimeout(seconds, self.reactor)
        await self._awaited

    def _time_left(self) -> float:
        """Seconds until the deadline of the stop; 0 if the stop was aborted."""
        return 0.0 if self._aborted else max(self._deadline - self.reactor.seconds(), 0.0)

    def _finished(self, _: Any) -> None:
        if self._trigger is not None:
            self.reactor.removeSystemEventTrigger(self._trigger)
        self._stopped.fire()

    def _before_shutdown(self) -> "Deferred[None]":
        self._trigger = None
        return self.stop()


async def _close(port: Any) -> None:
    """Accept the clients in the backlog of a Twisted port, then close the port. The system would reset connections that
    are still in the backlog."""
    backlog = select.poll()
    backlog.register(port.fileno(), select.POLLIN)
    for _ in range(port.backlog):
        if not backlog.poll(0):
            break
        port.doRead()
    await port.stopListening()


def app_of(servable: Any) -> App:
    """Return an App itself, the app of a Site, or a new app for a resource. The errors of a new app are plain text."""
    if not isinstance(servable, Resource):
        app = getattr(servable, "app", servable)
        if isinstance(app, App):
            return app
    app = App(error_format="text")
    app.mount("/", as_resource(servable))
    return app


def limits_of(servable: Any) -> Limits | None:
    """The limits of a Site or an app; None if none are set."""
    return None if isinstance(servable, Resource) else getattr(servable, "limits", None)


def proxies_of(servable: Any) -> TrustedProxies | None:
    """The proxies of a Site or an app; None if none are trusted."""
    return None if isinstance(servable, Resource) else getattr(servable, "proxies", None)


class _Outcome:
    """An event that happens or fails only once. Any number of Deferreds can wait for the event, even after it has
    happened."""

    def __init__(self) -> None:
        self.passed = False
        self._failure: Failure | None = None
        self._waiting: list[Deferred[None]] = []

    def wait(self) -> "Deferred[None]":
        """A new Deferred that fires when the event happens, or fails when the event fails."""
        waiting: Deferred[None] = Deferred()
        self._waiting.append(waiting)
        if self.passed:
            self._fire_all()
        return waiting

    def fire(self, failure: Failure | None = None) -> None:
        """Fire the event; with `failure`, make it fail."""
        self.passed = True
        self._failure = failure
        self._fire_all()

    def _fire_all(self) -> None:
        waiting, self._waiting = self._waiting, []
        for deferred in waiting:
            if self._failure is None:
                deferred.callback(None)
            else:
                deferred.errback(self._failure)
