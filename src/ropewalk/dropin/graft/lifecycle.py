"""Starts and stops an app that is grafted onto a twisted.web tree."""

from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from ropewalk import calling
from ropewalk.app import App
from ropewalk.dropin.connection.factory_engine import FactoryEngine
from ropewalk.dropin.forced_shutdown import force_shutdown_at_next_signal
from ropewalk.dropin.graft.bridge import AppBridge
from ropewalk.errors import StartError
from ropewalk.server.start_errors import start_hook_failed, stopped_before_start
from ropewalk.waiting import Moment

log = Logger(namespace="ropewalk.dropin")


class AppLifecycle:
    """Starts an app at its first request, and stops it when the reactor shuts down."""

    def __init__(self, app: App, stopping: Moment) -> None:
        self._app = app
        self._failure: StartError | None = None
        """The error that prevented the start of the app; None without an error.

        Every request gets an error response for it.
        """
        self._forced = False
        """Whether a second signal has forced the shutdown."""
        self._engines: set[FactoryEngine] = set()
        self._start_over = False
        """Whether the app has started, or failed to start."""
        self._starting: Deferred[Any] | None = None
        self._stop_begins = stopping
        self._stopping = False
        self._waiting: list[AppBridge] = []

    def admit(self, bridge: AppBridge, engine: FactoryEngine) -> None:
        """Let the app respond to a request as soon as it has started."""
        self._engines.add(engine)
        self._waiting.append(bridge)
        if self._starting is None:
            if engine.reactor is not None:
                engine.reactor.addSystemEventTrigger("before", "shutdown", self._stop, engine.reactor)
            self._starting = calling.start(self._app.start())
            self._starting.addCallbacks(self._serve, self._fail)
        elif self._start_over:
            self._serve()

    def _serve(self, _: Any = None) -> None:
        self._start_over = True
        waiting, self._waiting = self._waiting, []
        for bridge in waiting:
            if self._failure is None:
                bridge.serve()
            else:
                bridge.fail(bridge.exchange, self._failure)

    def _fail(self, failure: Failure) -> None:
        self._failure = stopped_before_start() if self._stopping else start_hook_failed(log, failure)
        self._serve()

    def _stop(self, reactor: Any) -> "Deferred[None]":
        self._stopping = True
        return calling.start(self._shut_down(reactor))

    async def _shut_down(self, reactor: Any) -> None:
        assert self._starting is not None
        self._starting.cancel()
        restore_handlers = force_shutdown_at_next_signal(reactor, self._force)
        seconds = max((engine.engine.limits.drain_timeout for engine in self._engines), default=0)
        deadline = reactor.seconds() + seconds
        calls = calling.StopHooks(reactor.callLater, seconds)
        started = self._start_over and self._failure is None
        hooks = self._app.begin_stop(calls.call_stopping) if started else succeed(None)
        self._stop_begins.fire()
        await deferLater(reactor, 0)  # later, after every engine has begun its drain
        for engine in self._engines:
            await engine.when_drained()
        await hooks
        if self._failure is None:
            await self._app.finish_calls(0 if self._forced else max(deadline - reactor.seconds(), 0))
        restore_handlers()
        if self._failure is None:
            await self._app.call_stop_hooks(calls.call_stop)

    def _force(self) -> None:
        """Cancel the running calls, because a second signal means that the user does not want to wait."""
        self._forced = True
        self._app.cut_calls()
