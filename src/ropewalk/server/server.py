"""An app being served: its engine, the reactor that turns it, its start and its end."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from ropewalk._engine import Limits, self_test
from ropewalk.app import App
from ropewalk.calling import start
from ropewalk.errors import EngineError, StartError
from ropewalk.resource import as_resource
from ropewalk.server.reader import EngineReader
from ropewalk.server.service import Service
from ropewalk.server.strings import parse_endpoint

log = Logger(namespace="ropewalk.server")


class Server:
    """One engine for one app in one reactor, for all the sockets on which the app is served.

    Nothing is accepted before the reactor runs and the app's start hooks are done. Before the reactor shuts down, what
    runs is finished.
    """

    def __init__(self, app: App, reactor: Any, limits: Limits | None = None) -> None:
        self_test()
        self.app = app
        self.reactor = reactor
        self.service = Service(app, reactor.callLater, limits)
        self.engine = self.service.engine
        self.started: Deferred[None] = Deferred()
        """Fires when requests are accepted; fails with StartError (RW403)."""
        self.stopped: Deferred[None] | None = None
        """Fires when all is over."""
        self.listening: list[Any] = []
        """The sockets that are open."""
        self._reader = EngineReader(self.engine)
        self._reading = False
        self._trigger = reactor.addSystemEventTrigger("before", "shutdown", self._before_shutdown)
        reactor.callWhenRunning(self._start)

    def open(self, description: str) -> int:
        """The engine's number for a listening socket. Raises StartError (RW401) and EngineError (RW502)."""
        listener = parse_endpoint(description)
        try:
            return listener.open(self.engine)
        except OSError as error:
            reason = error.strerror or str(error)
            raise EngineError("RW502", f"{description} cannot be listened on: {reason}.") from error

    def stop(self) -> "Deferred[None]":
        """Stop accepting, finish what runs until the deadline (`Limits.drain_timeout`), call the stop hooks."""
        if self.stopped is None:
            self.stopped = start(self._stop())
        return _another(self.stopped)

    def abort(self) -> None:
        """Do not wait for what still runs."""
        self.engine.close()
        self.service.drained(0)

    def _start(self) -> None:
        if self.stopped is None:
            start(self.app.start()).addCallbacks(self._accept, self._give_up)

    def _accept(self, _: Any) -> None:
        if self.stopped is None:
            self._reading = True
            self.reactor.addReader(self._reader)
            self.started.callback(None)

    def _give_up(self, failure: Any) -> None:
        log.failure("RW403 A start hook of the app failed.", failure)
        self.started.addErrback(lambda _: None)
        self.started.errback(StartError("RW403", f"A start hook failed: {failure.value!r}."))

    async def _stop(self) -> None:
        cut = await self.service.drain()
        if cut:
            log.warn("{cut} requests were cut off at the deadline of the drain.", cut=cut)
        if self._reading:
            self.reactor.removeReader(self._reader)
        self.service.close()
        await self.app.stop()
        if self._trigger is not None:
            self.reactor.removeSystemEventTrigger(self._trigger)

    def _before_shutdown(self) -> "Deferred[None]":
        self._trigger = None
        return self.stop()


def app_of(servable: Any) -> App:
    """The App itself, a Site's, or one around a resource."""
    app = getattr(servable, "app", servable)
    if isinstance(app, App):
        return app
    app = App()
    app.mount("/", as_resource(servable))
    return app


def _another(deferred: "Deferred[None]") -> "Deferred[None]":
    """One more Deferred that fires with another."""
    follower: Deferred[None] = Deferred()

    def follow(result: None) -> None:
        follower.callback(result)

    deferred.addCallback(follow)
    return follower
