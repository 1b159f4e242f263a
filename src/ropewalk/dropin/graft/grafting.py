"""Apps and resources of ours in a tree of twisted.web."""

from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web import resource, server

from ropewalk import calling
from ropewalk.app import App
from ropewalk.dropin.connection.channel import HTTPChannel
from ropewalk.dropin.connection.factory_engine import FactoryEngine
from ropewalk.dropin.entry.forced_shutdown import force_shutdown_at_next_signal
from ropewalk.dropin.graft.bridge import AppBridge
from ropewalk.dropin.mount.channel import MountedChannel
from ropewalk.errors import HostedError, StartError, TreeError, full_name, shown
from ropewalk.resource import is_twisted
from ropewalk.server import app_of
from ropewalk.tracebacks import shown_failure
from ropewalk.waiting import Moment

log = Logger(namespace="ropewalk.dropin")


class GraftedApp(resource.Resource):
    """An App in a tree of twisted.web, where it answers every method, at its place and below. See `graft`."""

    isLeaf = True

    def __init__(self, app: App) -> None:
        super().__init__()
        self.app = app
        self.coroutines = calling.CoroutineRunner()
        """Runs its handlers."""
        self.shortages = calling.ShortageLog()
        self.stopping = Moment()
        """A stop has begun."""
        self._life = Life(app, self.stopping)

    def render(self, request: Any) -> int:
        """Have the app answer. Raises HostedError where there is no engine below the request (RW730 and RW731)."""
        channel: Any = getattr(request, "channel", None)
        exchange = channel.lend(request) if isinstance(channel, HTTPChannel) else None
        if exchange is not None:
            _check_overrides(channel)
        if exchange is None:
            raise _no_engine(channel)
        driver = exchange.service
        if not channel.persistent:
            exchange.close_after()
        bridge = AppBridge(self, request, exchange)
        self._life.admit(bridge, driver)
        return server.NOT_DONE_YET


def graft(thing: Any) -> GraftedApp:
    """An App, or a resource of ours, as a resource of twisted.web: `root.putChild(b"api", graft(app))`.

    The site must be served by the engine: by the endpoint prefix `ropewalk:`, `accelerate(site)` or `ropewalk exec`.
    The app's start hooks are called before its first request, its stop hooks when the reactor shuts down and the last
    request is answered. Limits are those of the site. Raises TreeError (RW105) for anything else, and StartError
    (RW404) for an app that trusts proxies.
    """
    if is_twisted(thing):
        what = f"{shown(thing)}, of type {full_name(type(thing))}, is a resource of twisted.web already."
        raise TreeError("RW105", what, "Put it into the tree as it is, without `graft`.")
    app = app_of(thing)
    if any(each.proxies is not None for each in app.family()):
        raise StartError("RW404", "An app that trusts proxies is grafted upon a tree of twisted.web.")
    return GraftedApp(app)


def around(request: Any) -> Any:
    """The request of the other kind that stands around this one, or None.

    For the request of a grafted app it is twisted.web's, which has the session; for that of a mounted resource of
    twisted.web it is ours.
    """
    bridge = getattr(request, "bridge", None)
    if bridge is not None:
        return bridge.request
    return getattr(getattr(request, "channel", None), "exchange", None)


class Life:
    """From an app's start, which its first request brings about, to its stop."""

    def __init__(self, app: App, stopping: Moment) -> None:
        self._app = app
        self._stop_begins = stopping
        self._drivers: set[FactoryEngine] = set()
        self._failure: StartError | None = None
        self._over = False
        """It has started, or will never have."""
        self._starting: Deferred[Any] | None = None
        self._impatient = False
        self._stopping = False
        self._waiting: list[AppBridge] = []

    def admit(self, bridge: AppBridge, driver: FactoryEngine) -> None:
        """Have the app answer, when it has started."""
        self._drivers.add(driver)
        self._waiting.append(bridge)
        if self._starting is None:
            if driver.reactor is not None:
                driver.reactor.addSystemEventTrigger("before", "shutdown", self._stop, driver.reactor)
            self._starting = calling.start(self._app.start())
            self._starting.addCallbacks(self._serve, self._give_up)
        elif self._over:
            self._serve()

    def _serve(self, _: Any = None) -> None:
        self._over = True
        waiting, self._waiting = self._waiting, []
        for bridge in waiting:
            if self._failure is None:
                bridge.serve()
            else:
                bridge.fail(bridge.exchange, self._failure)

    def _give_up(self, failure: Failure) -> None:
        if self._stopping:
            self._failure = StartError("RW403", "It was stopped before it had started.")
        else:
            log.failure("RW403 A start hook of the app failed.", shown_failure(failure.value))
            self._failure = StartError("RW403", f"A start hook failed: {shown(failure.value)}.")
        self._serve()

    def _stop(self, reactor: Any) -> "Deferred[None]":
        self._stopping = True
        return calling.start(self._end(reactor))

    async def _end(self, reactor: Any) -> None:
        assert self._starting is not None
        self._starting.cancel()
        take_back = force_shutdown_at_next_signal(reactor, self._cut)
        seconds = max((driver.engine.limits.drain_timeout for driver in self._drivers), default=0)
        deadline = reactor.seconds() + seconds
        calls = calling.StopHooks(reactor.callLater, seconds)
        started = self._over and self._failure is None
        hooks = self._app.begin_stop(calls.call_stopping) if started else succeed(None)
        self._stop_begins.fire()
        await deferLater(reactor, 0)  # so that every driver has begun its drain
        for driver in self._drivers:
            await driver.drained_out()
        await hooks
        if self._failure is None:
            await self._app.finish_calls(0 if self._impatient else max(deadline - reactor.seconds(), 0))
        take_back()
        if self._failure is None:
            await self._app.call_stop_hooks(calls.call_stop)

    def _cut(self) -> None:
        """Whoever stops the program does not want to wait."""
        self._impatient = True
        self._app.cut_calls()


def _check_overrides(channel: HTTPChannel) -> None:
    """Raises HostedError (RW742) where a program has overridden what a response of twisted.web's is sent by."""
    own = sorted(channel.sending_overrides()) if channel.hooked else ()
    if own:
        message = f"An app is grafted upon a tree whose {full_name(type(channel))} overrides {', '.join(own)}."
        raise HostedError("RW742", message)


def _no_engine(channel: Any) -> HostedError:
    if isinstance(channel, MountedChannel):
        message = "An app is grafted upon a tree of twisted.web that is mounted in an app."
        return HostedError("RW731", message)
    what = f"below it is {full_name(type(channel))}"
    if getattr(channel, "_stays_twisted", ""):
        what = f"its channel stays Twisted's own, for {channel._stays_twisted}"  # noqa: SLF001 - ours
    return HostedError("RW730", f"An app is grafted upon a tree whose site the engine does not serve: {what}.")
