"""The engine of a test: turned by whatever runs, and let go of when nothing is under way."""

from asyncio import _get_running_loop as running_loop
from asyncio import all_tasks
from collections.abc import Callable, Iterable
from typing import Any, Final
from weakref import WeakSet

from twisted.logger import Logger

from ropewalk._engine import Limits, Pipe
from ropewalk.app import App
from ropewalk.calling import HandlerTask
from ropewalk.errors import named
from ropewalk.request import PENDING, Request
from ropewalk.server import Service
from ropewalk.server.drain_log import log_cut_off
from ropewalk.server.reactor_watch import watch
from ropewalk.testing.idle_reactor import ReactorInUse, ReactorUse, installed
from ropewalk.testing.timeouts import ClientTimeout, no_response
from ropewalk.testing.wire import ProtocolError, Reader
from ropewalk.waiting import Waiter

CLIENT: Final = ("127.0.0.1", 50000)
SERVER: Final = ("127.0.0.1", 80)

_FOREVER: Final = 1e6
"""Seconds for a client without a timeout."""

_PATIENCE: Final = 1.0
"""Seconds for handlers to end when their client has left."""
log = Logger(namespace="ropewalk.testing")


class Harness:
    """An app's engine without sockets: made for the first connection, closed after the last, so that nothing of it is
    left in the loop or the reactor between requests.
    """

    def __init__(self, app: App) -> None:
        self.app = app
        self._service: _Service | None = None
        self._unwatch: Callable[[], object]
        self._use: ReactorUse | None = None
        self._wires: set[Wire] = set()
        self.tasks: WeakSet[HandlerTask] = WeakSet()
        """What works on responses, those included whose client has left."""

    def connect(self, method: str, target: str, *, secure: bool = False) -> "Wire":
        """A new connection, for one request. Raises ReactorInUse (RW223) where another thread uses the reactor."""
        if self._service is None:
            self._service = self._open()
        wire = Wire(self, self._service, method, target, secure=secure)
        self._wires.add(wire)
        return wire

    async def begin_stop(self) -> None:
        """Tell the app, and what it still sends, that a stop begins."""
        hooks = self.app.begin_stop()
        if self._service is not None:
            self._service.stopping.fire()
        await hooks

    async def drain(self, seconds: float | None) -> None:
        """Have what runs finish within so long, and cut off the rest; no handler runs any more then."""
        if self._service is not None:
            cut: Waiter[int] = Waiter()
            self._service.drain(_FOREVER if seconds is None else seconds).addCallback(cut.callback)
            log_cut_off(log, await cut, "when the client was closed")
        self._close()
        await self._ended()

    def closed(self, wire: "Wire") -> None:
        """A connection is over."""
        if wire in self._wires:  # else its service is closed, and there may be another
            self._wires.remove(wire)
            if not self._wires:
                self._close()

    def know(self, task: Any) -> None:
        """Wait for a handler before the stop hooks."""
        if isinstance(task, HandlerTask):
            self.tasks.add(task)

    def _close(self) -> None:
        service, self._service = self._service, None
        if service is not None:
            self._wires.clear()
            self._unwatch()
            del self._unwatch  # which has the engine
            service.close()
            if self._use is not None:
                self._use.refused.discard(self._refuse)
                self._use.release()

    def _open(self) -> "_Service":
        loop = running_loop()
        runner: Any = loop or _reactor()
        use = None if loop is None else ReactorUse.of(loop)
        try:
            service = _Service(self, getattr(runner, "call_later", None) or runner.callLater)
            self._unwatch = watch(service.engine, runner)
        except BaseException:
            if use is not None:
                use.release()
            raise
        self._use = use
        if use is not None:
            use.refused.add(self._refuse)
        return service

    def _refuse(self, error: ReactorInUse) -> None:
        for wire in tuple(self._wires):
            wire.fail(error)

    async def _ended(self) -> None:
        """Wait for handlers that end because their client has left."""
        running = {task for task in self.tasks if not task.finished}
        if not running:
            return
        ended: Waiter[None] = Waiter()

        def tell(task: Any = None) -> None:
            running.discard(task)
            if (task is None or not running) and not ended.called:
                ended.callback(None)

        for task in tuple(running):
            task.add_done_callback(tell)
        loop = running_loop()
        runner: Any = loop or _reactor()
        timer = (getattr(runner, "call_later", None) or runner.callLater)(_PATIENCE, tell)
        await ended
        if running:
            handlers = ", ".join(sorted(named(task.coroutine) for task in running))
            log.warn("{handlers} still runs when the stop hooks are called.", handlers=handlers)
        else:
            timer.cancel()


class _Service(Service):
    """One that knows what runs, so that a timeout can name it."""

    def __init__(self, harness: Harness, call_later: Callable[..., Any]) -> None:
        app = harness.app
        super().__init__(app, call_later, (app.limits or Limits()).replace(drain_grace=0))  # its clients ask once
        self._harness = harness
        self.call_later = call_later
        self.requests: dict[Request, None] = {}
        """Those for which a handler has been called, in order, the most of those that are finished left out."""
        self._enough = 16
        del self.drive  # the engine calls the method below; a bound one kept here would be a cycle

    def drive(self, request: Request, coroutine: Any, context: Any) -> Any:
        self._know(request)
        value = self.coroutines.drive(request, coroutine, context)
        if value is PENDING:
            self._harness.know(getattr(request, "_running", None))
        return value

    def deliver(self, request: Request, value: Any) -> None:
        self._know(request)
        Service.deliver(request, value)

    def find(self, method: str, target: str) -> tuple[Request | None, Any]:
        """A request that has no whole response, and the task of the ASGI application that was called for it, if any."""
        asked = method, target.encode("latin-1")
        tasks = {call.request: task for task in _tasks() if (call := getattr(task, "call", None)) is not None}
        for request in (*self.requests, *tasks):
            if request.service is self and not request.finished and (request.method, request.target) == asked:
                return request, tasks.get(request)
        return None, None

    def close(self) -> None:
        """As in service; and the engine's descriptors are closed now, not when the collector comes to the cycle."""
        super().close()
        self.requests.clear()
        self.engine = _Closed(self.engine.limits)  # type: ignore[assignment] # what is asked of it after the end
        self.drained(0)

    def _know(self, request: Request) -> None:
        if len(self.requests) > self._enough:
            self.requests = {each: None for each in self.requests if not each.finished}
            self._enough = 2 * len(self.requests) + 16
        self.requests[request] = None


class _Closed:
    """Stands for an engine that is closed, for calls that outlive their request."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits

    def forget_endpoints(self) -> None:
        """There are none."""


class Wire:
    """One connection: the engine's sink on one side, a reader of the answer on the other."""

    def __init__(self, harness: Harness, service: _Service, method: str, target: str, *, secure: bool) -> None:
        self.reader = Reader(method)
        self.error: ProtocolError | ClientTimeout | ReactorInUse | None = None
        self.flowing = True
        """Whether the engine takes more of the request."""
        self._harness = harness
        self._service = service
        self._asked = method, target
        self._timer: Any = None
        self._news: Waiter[None] | None = None
        self._over = False
        self._pipe: Pipe = service.engine.open_pipe(self, client=CLIENT, server=SERVER, secure=secure)

    def send(self, data: bytes) -> None:
        """Bytes for the server."""
        self._pipe.feed(data)

    def news(self) -> Waiter[None]:
        """Fires when something has come from the server."""
        self._news = Waiter()
        return self._news

    def limit(self, seconds: float | None) -> None:
        """Give the server so long from now, in place of what it was given before. None is no limit."""
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        if seconds is not None and not self._over:
            self._timer = self._service.call_later(seconds, self._expire, seconds)

    def pause(self) -> None:
        """The client's end is full."""
        self._pipe.pause()

    def resume(self) -> None:
        """It has room again."""
        self._pipe.resume()

    def leave(self) -> None:
        """Close the connection, whatever is under way."""
        if not self._over:
            self._over = True
            self.limit(None)
            self._pipe.lost()
            self._harness.closed(self)

    def fail(self, error: ClientTimeout | ReactorInUse) -> None:
        """Have the request end with an error."""
        self.error = error
        self._tell()

    # Called by the engine

    def write(self, data: bytes, /) -> None:
        """Bytes from the server."""
        try:
            self.reader.feed(data)
        except ProtocolError as error:
            self.error = error
        self._tell()

    def end_writing(self) -> None:
        """The server has said all, and would read on."""
        self.close()

    def close(self) -> None:
        """The server has closed."""
        try:
            self.reader.end()
        except ProtocolError as error:
            self.error = error
        self._tell()

    def abort(self) -> None:
        """The server has cut the connection."""
        self.close()

    def pause_reading(self) -> None:
        """The server has no room for more of the request."""
        self.flowing = False

    def resume_reading(self) -> None:
        """It has again."""
        self.flowing = True
        self._tell()

    def _expire(self, seconds: float) -> None:
        self._timer = None
        self.fail(no_response(*self._asked, seconds, *self._service.find(*self._asked)))

    def _tell(self) -> None:
        news, self._news = self._news, None
        if news is not None and not news.called:
            news.callback(None)


def _tasks() -> Iterable[Any]:
    """Those that wait. The call of an application is a task that no request knows, unless middleware waits for it."""
    loop = running_loop()
    return () if loop is None else all_tasks(loop)


def _reactor() -> Any:
    reactor = installed()
    if reactor is None:
        raise RuntimeError("AsyncClient is for coroutines that asyncio or a reactor runs. In a plain test use Client.")
    return reactor
