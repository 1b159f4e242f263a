"""Run the engine of a test client on the current event loop or reactor, and close it when it is idle."""

from asyncio import _get_running_loop as running_loop
from collections.abc import Callable
from typing import Any, Final
from weakref import WeakSet

from twisted.logger import Logger

from ropewalk.app import App
from ropewalk.calling import HandlerTask
from ropewalk.clocks import using
from ropewalk.errors import named
from ropewalk.server.drain_log import log_cut_off
from ropewalk.server.reactor_watch import watch
from ropewalk.testing.client_clock import ClientClock
from ropewalk.testing.handler_ends import end_of, running_reactor
from ropewalk.testing.idle_reactor import ReactorInUse, ReactorUse
from ropewalk.testing.memory_connection import MemoryConnection
from ropewalk.testing.recording_service import RecordingService
from ropewalk.testing.targets import Address
from ropewalk.waiting import Waiter

_FOREVER: Final = 1e6
"""The drain timeout in seconds for a client without a timeout."""

log = Logger(namespace="ropewalk.testing")


class Harness:
    """Owns the engine of an app, which has no sockets.

    The engine is created for the first connection and closed after the last one, so that nothing remains registered in
    the event loop or the reactor between requests.
    """

    def __init__(self, app: App, clock: ClientClock, address: Address | None = None) -> None:
        self.app = app
        self.address = address
        self.clock = clock
        self._service: RecordingService | None = None
        self._unwatch: Callable[[], object]
        self._use: ReactorUse | None = None
        self._connections: set[MemoryConnection] = set()
        self.tasks: WeakSet[HandlerTask] = WeakSet()
        """The running handlers, including those whose client has disconnected."""

    def connect(self, method: str, target: str, *, secure: bool = False) -> MemoryConnection:
        """A new connection for one request. Raises ReactorInUse (RW223) if another thread uses the reactor."""
        if self._service is None:
            self._service = self._open()
        connection = MemoryConnection(self, self._service, method, target, secure=secure)
        self._connections.add(connection)
        return connection

    async def begin_stop(self) -> None:
        """Begin to stop the app: notify the app and its running requests."""
        with using(self.clock):
            hooks = self.app.begin_stop()
            if self._service is not None:
                self._service.stopping.fire()
        await hooks

    async def drain(self, seconds: float | None) -> None:
        """Wait up to `seconds` for running requests, cut off the requests that are still running, and wait until their
        handlers end."""
        if self._service is not None:
            cut: Waiter[int] = Waiter()
            self._service.drain(_FOREVER if seconds is None else seconds).addCallback(cut.callback)
            log_cut_off(log, await cut, "when the client was closed")
        self._close()
        await self._ended()

    def closed(self, connection: MemoryConnection) -> None:
        """Forget a closed connection. If it was the last one, close the engine."""
        if connection in self._connections:  # otherwise its engine is already closed, and there may be a new engine
            self._connections.remove(connection)
            if not self._connections:
                self._close()

    def add_task(self, task: Any) -> None:
        """Record the task of a handler, so that the stop hooks run only after the handler has ended."""
        if isinstance(task, HandlerTask):
            self.tasks.add(task)

    def _close(self) -> None:
        service, self._service = self._service, None
        if service is not None:
            self._connections.clear()
            self._unwatch()
            del self._unwatch  # this function keeps a reference to the engine
            service.close()
            if self._use is not None:
                self._use.refused.discard(self._refuse)
                self._use.release()

    def _open(self) -> RecordingService:
        loop = running_loop()
        runner: Any = loop or running_reactor()
        use = None if loop is None else ReactorUse.of(loop)
        try:
            service = RecordingService(self, getattr(runner, "call_later", None) or runner.callLater)
            self._unwatch = watch(service.engine, runner, service.turn)
        except BaseException:
            if use is not None:
                use.release()
            raise
        self._use = use
        if use is not None:
            use.refused.add(self._refuse)
        return service

    def _refuse(self, error: ReactorInUse) -> None:
        for connection in tuple(self._connections):
            connection.fail(error)

    async def _ended(self) -> None:
        """Wait until the handlers whose client has disconnected have ended."""
        running = await end_of({task for task in self.tasks if not task.finished})
        if running:
            handlers = ", ".join(sorted(named(task.coroutine) for task in running))
            log.warn("{handlers} is still running when the stop hooks are called.", handlers=handlers)
