"""The engine of a test client. It runs on the current event loop or reactor, and is closed when it is idle."""

from asyncio import _get_running_loop as running_loop
from asyncio import all_tasks
from collections.abc import Callable, Iterable
from contextlib import suppress
from threading import current_thread
from typing import Any, Final
from weakref import WeakSet

from twisted.logger import Logger

from ropewalk._engine import Limits, Pipe
from ropewalk.app import App
from ropewalk.calling import HandlerTask
from ropewalk.clocks import using
from ropewalk.errors import WrongThread, named
from ropewalk.request import PENDING, Request
from ropewalk.server import Service
from ropewalk.server.drain_log import log_cut_off
from ropewalk.server.reactor_watch import watch
from ropewalk.testing.client_clock import ClientClock
from ropewalk.testing.idle_reactor import ReactorElsewhere, ReactorInUse, ReactorUse, installed, runs_here
from ropewalk.testing.protocol_error import ProtocolError
from ropewalk.testing.response_parser import ResponseParser
from ropewalk.testing.targets import Address
from ropewalk.testing.timeouts import ClientTimeout, no_response
from ropewalk.waiting import Waiter

CLIENT: Final = ("127.0.0.1", 50000)
SERVER: Final = ("127.0.0.1", 80)

_FOREVER: Final = 1e6
"""The timeout in seconds of a client that has none."""

_END_TIMEOUT: Final = 1.0
"""Seconds to wait for handlers whose client has disconnected."""

log = Logger(namespace="ropewalk.testing")


class Harness:
    """The engine of an app, without sockets.

    The engine is created for the first connection and closed after the last one, so that nothing remains registered in
    the event loop or the reactor between requests.
    """

    def __init__(self, app: App, clock: ClientClock, address: Address | None = None) -> None:
        self.app = app
        self.address = address
        self.clock = clock
        self._service: _RecordingService | None = None
        self._unwatch: Callable[[], object]
        self._use: ReactorUse | None = None
        self._connections: set[MemoryConnection] = set()
        self.tasks: WeakSet[HandlerTask] = WeakSet()
        """The running handlers, including those whose client has disconnected."""

    def connect(self, method: str, target: str, *, secure: bool = False) -> "MemoryConnection":
        """A new connection for one request. Raises ReactorInUse (RW223) if another thread uses the reactor."""
        if self._service is None:
            self._service = self._open()
        connection = MemoryConnection(self, self._service, method, target, secure=secure)
        self._connections.add(connection)
        return connection

    async def begin_stop(self) -> None:
        """Begin a stop: notify the app and its running requests."""
        with using(self.clock):
            hooks = self.app.begin_stop()
            if self._service is not None:
                self._service.stopping.fire()
        await hooks

    async def drain(self, seconds: float | None) -> None:
        """Wait up to `seconds` for running requests, cut off the others, and wait until their handlers end."""
        if self._service is not None:
            cut: Waiter[int] = Waiter()
            self._service.drain(_FOREVER if seconds is None else seconds).addCallback(cut.callback)
            log_cut_off(log, await cut, "when the client was closed")
        self._close()
        await self._ended()

    def closed(self, connection: "MemoryConnection") -> None:
        """Forget a closed connection. After the last one, close the engine."""
        if connection in self._connections:  # otherwise its engine is closed, and there may be a new one
            self._connections.remove(connection)
            if not self._connections:
                self._close()

    def add_task(self, task: Any) -> None:
        """Record a handler, so that its end is awaited before the stop hooks run."""
        if isinstance(task, HandlerTask):
            self.tasks.add(task)

    def _close(self) -> None:
        service, self._service = self._service, None
        if service is not None:
            self._connections.clear()
            self._unwatch()
            del self._unwatch  # the function refers to the engine
            service.close()
            if self._use is not None:
                self._use.refused.discard(self._refuse)
                self._use.release()

    def _open(self) -> "_RecordingService":
        loop = running_loop()
        runner: Any = loop or _reactor()
        use = None if loop is None else ReactorUse.of(loop)
        try:
            service = _RecordingService(self, getattr(runner, "call_later", None) or runner.callLater)
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
        """Wait for handlers whose client has disconnected."""
        running = await _end_of({task for task in self.tasks if not task.finished})
        if running:
            handlers = ", ".join(sorted(named(task.coroutine) for task in running))
            log.warn("{handlers} is still running when the stop hooks are called.", handlers=handlers)


class _RecordingService(Service):
    """A service that records its running requests, so that a timeout error can name the handler."""

    def __init__(self, harness: Harness, call_later: Callable[..., Any]) -> None:
        app = harness.app
        limits = (app.limits or Limits()).replace(drain_grace=0)  # each connection has one request
        super().__init__(app, call_later, limits)
        self._harness = harness
        self.call_later = call_later
        self.requests: dict[Request, None] = {}
        """The requests whose handler was called, in order. Finished ones are removed from time to time."""
        self._enough = 16
        self._loop = running_loop()
        self._thread = current_thread()
        self.clock = harness.clock
        del self.drive  # the engine calls the method below; a bound method here would form a cycle

    def turn(self) -> None:
        """Run a turn of the engine, in which handlers use the client's clock."""
        with using(self.clock):
            self.engine.turn()

    def _tick(self) -> None:
        with using(self.clock):
            super()._tick()

    def drive(self, request: Request, coroutine: Any, context: Any) -> Any:
        self._know(request)
        value = self.coroutines(request, coroutine, context)
        if value is PENDING:
            self._harness.add_task(getattr(request, "_running", None))
        return value

    def send_value(self, request: Request, value: Any) -> None:
        self._know(request)
        Service.send_value(request, value)

    def note_error(self, request: Request, error: BaseException) -> None:
        """Record an unexpected exception, which is logged, in the connection of its request."""
        connection: MemoryConnection = request.owner  # the object to which the pipe writes
        if not isinstance(error, WrongThread):
            if connection.raised is None:
                connection.raised = error
                connection.raised_late = request.started
        elif runs_here() and self._loop is not None and current_thread() is not self._thread:
            handler = "Its handler" if request.engine_handler is None else named(request.engine_handler.call)
            failure = ReactorElsewhere(f"{request.method} {request.target.decode('latin-1')}", handler)
            with suppress(RuntimeError):  # the client and its loop are closed
                self._loop.call_soon_threadsafe(connection.fail, failure)

    def find(self, connection: "MemoryConnection") -> tuple[Request | None, Any]:
        """The request of a connection whose response is incomplete, and the task of its ASGI application.

        Either may be None.
        """
        tasks = {call.request: task for task in _tasks() if (call := getattr(task, "call", None)) is not None}
        for request in (*self.requests, *tasks):
            if request.service is self and request.owner is connection and not request.finished:
                return request, tasks.get(request)
        return None, None

    def close(self) -> None:
        """Close the service. The engine's file descriptors are closed now, not when the garbage collector runs."""
        super().close()
        self.requests.clear()
        self.engine = _Closed(self.engine.limits)  # type: ignore[assignment] # for later calls
        self.drained(0)

    def _know(self, request: Request) -> None:
        if len(self.requests) > self._enough:
            self.requests = {each: None for each in self.requests if not each.finished}
            self._enough = 2 * len(self.requests) + 16
        self.requests[request] = None


class _Closed:
    """Replaces a closed engine, because some calls are made after the end of the last request."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits

    def forget_handlers(self) -> None:
        """Do nothing, because the engine is closed."""

    def allow_unregistered_methods(self) -> None:
        """Do nothing, because the engine is closed."""


class MemoryConnection:
    """One connection in memory. The engine writes the response to it, and it parses the response."""

    def __init__(self, harness: Harness, service: _RecordingService, method: str, target: str, *, secure: bool) -> None:
        self.parser = ResponseParser(method)
        self.error: ProtocolError | ClientTimeout | ReactorElsewhere | ReactorInUse | None = None
        self.raised: BaseException | None = None
        """The first unexpected exception of the handler."""
        self.raised_late = False
        """Whether the response had begun when the exception was raised."""
        self.flowing = True
        """Whether the engine accepts more of the request."""
        self._harness = harness
        self._service = service
        self._asked = method, target
        self._timer: Any = None
        self._news: Waiter[None] | None = None
        self._over = False
        self._pipe: Pipe = service.engine.open_pipe(
            self, client=harness.address or CLIENT, server=SERVER, secure=secure
        )

    def send(self, data: bytes) -> None:
        """Send bytes to the server."""
        with using(self._service.clock):
            self._pipe.feed(data)

    def news(self) -> Waiter[None]:
        """Return a Waiter that fires when the server has sent bytes, reads again, or ends the connection."""
        self._news = Waiter()
        return self._news

    def limit(self, seconds: float | None) -> None:
        """Set the timeout, in seconds from now; None for no limit. It replaces an earlier timeout."""
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        if seconds is not None and not self._over:
            self._timer = self._service.call_later(seconds, self._expire, seconds)

    def pause(self) -> None:
        """Stop reading the response."""
        self._pipe.pause()

    def resume(self) -> None:
        """Read the response again."""
        self._pipe.resume()

    async def leave_and_wait(self) -> None:
        """Close the connection at once, which cancels its handler, and wait a moment for the end of the handler."""
        request, _ = (None, None) if self._over else self._service.find(self)
        task = getattr(request, "_running", None)
        self.leave()
        if isinstance(task, HandlerTask):
            await _end_of({task})

    def leave(self) -> None:
        """Close the connection at once."""
        if not self._over:
            self._over = True
            self.limit(None)
            self._pipe.lost()
            self._harness.closed(self)

    def fail(self, error: ClientTimeout | ReactorElsewhere | ReactorInUse) -> None:
        """End the request with an error, unless its response is complete."""
        if not self.parser.done:
            self.error = error
            self._tell()

    # Called by the engine

    def write(self, data: bytes, /) -> None:
        """Parse bytes of the response."""
        try:
            self.parser.feed(data)
        except ProtocolError as error:
            self.error = error
        self._tell()

    def end_writing(self) -> None:
        """End the response: the server has closed its sending side, and still reads."""
        self.close()

    def close(self) -> None:
        """End the response: the server has closed the connection."""
        try:
            self.parser.end()
        except ProtocolError as error:
            self.error = error
        self._tell()

    def abort(self) -> None:
        """End the response: the server has aborted the connection."""
        self.close()

    def pause_reading(self) -> None:
        """Record that the server has stopped reading the request."""
        self.flowing = False

    def resume_reading(self) -> None:
        """Record that the server reads the request again."""
        self.flowing = True
        self._tell()

    def _expire(self, seconds: float) -> None:
        self._timer = None
        found = self._service.find(self)
        self.fail(no_response(*self._asked, seconds, *found, self._service.clock.advanced))

    def _tell(self) -> None:
        news, self._news = self._news, None
        if news is not None and not news.called:
            news.callback(None)


async def _end_of(tasks: set[HandlerTask]) -> set[HandlerTask]:
    """Wait up to `_END_TIMEOUT` for tasks to end. Return the tasks that are still running."""
    running = {task for task in tasks if not task.finished}
    if not running:
        return running
    ended: Waiter[None] = Waiter()

    def task_ended(task: Any = None) -> None:
        running.discard(task)
        if (task is None or not running) and not ended.called:
            ended.callback(None)

    for task in tuple(running):
        task.add_done_callback(task_ended)
    runner: Any = running_loop() or _reactor()
    timer = (getattr(runner, "call_later", None) or runner.callLater)(_END_TIMEOUT, task_ended)
    await ended
    if not running:
        timer.cancel()
    return running


def _tasks() -> Iterable[Any]:
    """All asyncio tasks. Without middleware, no request refers to the task of its ASGI application."""
    loop = running_loop()
    return () if loop is None else all_tasks(loop)


def _reactor() -> Any:
    reactor = installed()
    if reactor is None:
        raise RuntimeError("AsyncClient is for coroutines that asyncio or a reactor runs. Use Client in a plain test.")
    return reactor
