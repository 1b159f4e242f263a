"""The service of a test client. It records the running requests, and the exceptions that their handlers raise."""

from asyncio import _get_running_loop as running_loop
from asyncio import all_tasks
from collections.abc import Callable, Iterable
from contextlib import suppress
from threading import current_thread
from typing import TYPE_CHECKING, Any

from ropewalk._engine import Limits
from ropewalk.calling import CallsOfRequest
from ropewalk.clocks import using
from ropewalk.errors import RopewalkError, WrongThread, named
from ropewalk.request import PENDING, Request
from ropewalk.server import Service
from ropewalk.testing.idle_reactor import ReactorElsewhere, runs_here
from ropewalk.testing.memory_connection import MemoryConnection

if TYPE_CHECKING:
    from ropewalk.testing.harness import Harness


class RecordingService(Service):
    """A service that records its running requests, so that a timeout error can name the handler."""

    def __init__(self, harness: "Harness", call_later: Callable[..., Any]) -> None:
        app = harness.app
        limits = (app.limits or Limits()).replace(drain_grace=0)  # each connection has only one request
        super().__init__(app, call_later, limits)
        self._harness = harness
        self.call_later = call_later
        self.requests: dict[Request, None] = {}
        """The requests whose handler was called, in order. Finished requests are removed from time to time."""
        self._enough = 16
        self._loop = running_loop()
        self._thread = current_thread()
        self.clock = harness.clock
        del self.drive  # so that the method `drive` is found; the bound method in an attribute would form a cycle

    def turn(self) -> None:
        """Let the engine handle the events that are waiting. The handlers that it calls use the client's clock."""
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
        connection: MemoryConnection = request.owner  # the object that owns the request's connection
        if not isinstance(error, WrongThread):
            handler = request.engine_handler
            if isinstance(error, RopewalkError) and handler is not None:
                name = named(handler.call)
                if name not in error.message:
                    error.prefix(name)  # the log shows the name, too
            connection.handler_errors.note(request, error)
        elif runs_here() and self._loop is not None and current_thread() is not self._thread:
            who = "Its handler" if request.engine_handler is None else named(request.engine_handler.call)
            failure = ReactorElsewhere(f"{request.method} {request.target.decode('latin-1')}", who)
            with suppress(RuntimeError):  # raised if the client and its loop are closed
                self._loop.call_soon_threadsafe(connection.fail, failure)

    def note_background(self, request: Request, calls: CallsOfRequest) -> None:
        """Record the background tasks of a request in its connection, which keeps them after their end."""
        connection: MemoryConnection = request.owner
        connection.background.append(calls)

    def find(self, connection: MemoryConnection) -> tuple[Request | None, Any]:
        """The request of a connection whose response is incomplete, and the task of the ASGI application that handles
        it. Each may be None.
        """
        tasks = {call.request: task for task in _tasks() if (call := getattr(task, "call", None)) is not None}
        for request in (*self.requests, *tasks):
            if request.service is self and request.owner is connection and not request.finished:
                return request, tasks.get(request)
        return None, None

    def close(self) -> None:
        """Close the service. The engine's file descriptors are closed at once, not when the garbage collector runs."""
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
    """Stands in for a closed engine, because an app may still call some of its methods after the last request."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits

    def forget_handlers(self) -> None:
        """Do nothing, because the engine is closed."""

    def allow_unregistered_methods(self) -> None:
        """Do nothing, because the engine is closed."""


def _tasks() -> Iterable[Any]:
    """All asyncio tasks. They are searched because, without middleware, no request refers to the task of its ASGI
    application."""
    loop = running_loop()
    return () if loop is None else all_tasks(loop)
