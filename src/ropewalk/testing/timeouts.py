"""The timeout of test clients, and the error for a response that takes longer."""

from asyncio import AbstractEventLoop, CancelledError
from asyncio import _get_running_loop as running_loop
from collections.abc import Coroutine
from contextvars import Context, copy_context
from enum import Enum
from traceback import walk_tb
from typing import Any, Final

from twisted.internet.defer import Deferred

from ropewalk.calling import Task
from ropewalk.calling.task import register_task
from ropewalk.clocks import CURRENT
from ropewalk.errors import RopewalkError, named, relative, shown
from ropewalk.request import Request
from ropewalk.resource import Hosted, resource_of
from ropewalk.testing.client_clock import ClientClock
from ropewalk.testing.idle_reactor import ReactorInUse, ReactorUse, installed, runs_elsewhere
from ropewalk.waiting import Waiter
from ropewalk.waiting_places import is_users, waiting_place

TIMEOUT: Final = 30.0
"""The default timeout in seconds. Few tests need to wait longer than this for a response."""


class Default(Enum):
    """The type of DEFAULT, which stands for the client's own timeout."""

    DEFAULT = "the client's timeout"


DEFAULT: Final = Default.DEFAULT


class ClientTimeout(RopewalkError, TimeoutError):
    """RW222: a response, or a start or stop hook, took longer than the client's `timeout`."""

    def __init__(self, message: str) -> None:
        remedy = (
            "The reactor runs in another thread. Let it run the test, with AsyncClient." if runs_elsewhere() else None
        )
        super().__init__("RW222", message, remedy)


def check_timeout(timeout: Any) -> float | None:
    """Return the timeout. Raises ValueError unless it is None or a number greater than 0."""
    if timeout is not None and not (isinstance(timeout, int | float) and timeout > 0):
        raise ValueError(f"A timeout must be a number of seconds greater than 0, or None, not {shown(timeout)}.")
    return timeout


def no_response(
    method: str, target: str, seconds: float, request: Request | None, task: Any, advanced: float
) -> ClientTimeout:
    """The error for a request whose response is incomplete.

    `request` is the request of the running handler, or None. `task` is the task of an ASGI application, or None.
    `advanced` is the number of seconds by which the client's clock was advanced.
    """
    route = None if request is None else request.route
    path = "" if route is None or route == target.partition("?")[0] else f" (route {route})"
    if request is None:
        waits = "No handler or application is waiting."
    else:
        running = getattr(request, "_running", None) if task is None else task
        call = None if request.engine_handler is None else request.engine_handler.call
        if running is None and isinstance(resource_of(call), Hosted):
            waits = f"{_handler_name(request)} runs on a thread, or waits for one."
        else:
            waits = f"{_handler_name(request)} {_waits(running)}"
    if advanced:
        waits += f" The clock of the client was advanced by {advanced:g} s, which timers of the reactor do not follow."
    return ClientTimeout(f"{method} {target}{path}: no complete response within {seconds:g} s. {waits}")


class _HookTask(Task):
    """The task that runs the hooks of an app. Hooks in it may await Deferreds, as on a server."""

    __slots__ = ("ended", "late", "refusal")

    def __init__(self, hooks: Coroutine[Any, Any, None], context: Context, loop: AbstractEventLoop | None) -> None:
        super().__init__(hooks, context, loop)
        self.ended: Waiter[None] = Waiter()
        self.late = False
        self.refusal: ReactorInUse | None = None

    def handle_outcome(self) -> None:
        if not self.ended.called:
            self.ended.callback(None)

    def expire(self) -> None:
        self.late = True
        self.cancel()

    def refuse(self, error: ReactorInUse) -> None:
        self.refusal = error
        self.cancel()


async def run_hooks(
    kind: str,
    hooks: Coroutine[Any, Any, None],
    seconds: float | None,
    clock: ClientClock,
    use: ReactorUse | None = None,
) -> None:
    """Run start, stopping or stop hooks, and cancel them after the timeout.

    Raises ClientTimeout, which names the line at which a hook waited, and ReactorInUse if another thread claims the
    reactor meanwhile.
    """
    loop = running_loop()
    runner: Any = loop or installed()
    context = copy_context()
    context.run(CURRENT.set, clock)
    task = _HookTask(hooks, context, loop)
    if loop is not None:
        register_task(task)
    timer: Any = None
    if seconds is not None and runner is not None:
        timer = (getattr(runner, "call_later", None) or runner.callLater)(seconds, task.expire)
    if use is not None:
        use.refused.add(task.refuse)
    try:
        context.run(task.step)
        await task.ended
    except BaseException:
        task.cancel()  # the caller was cancelled or no longer waits
        raise
    finally:
        if timer is not None and not task.late:
            timer.cancel()
        if use is not None:
            use.refused.discard(task.refuse)
    error = task.error
    if error is None:
        return
    if task.refusal is not None and isinstance(error, CancelledError):
        raise task.refusal from error
    if not (task.late and isinstance(error, CancelledError)):
        raise error
    places = [
        relative(frame.f_code.co_filename, line)
        for frame, line in walk_tb(error.__traceback__)
        if is_users(frame.f_code.co_filename)
    ]
    where = f" It waited at {places[-1]}." if places else ""
    raise ClientTimeout(f"A {kind} hook has not ended within {seconds:g} s.{where}") from error


def _handler_name(request: Request) -> str:
    handler = request.engine_handler
    return "Its handler" if handler is None else named(handler.call)


def _waits(running: Any) -> str:
    """Describe what a handler waits for, and the line at which it waits, if they are known."""
    if isinstance(running, Deferred):
        return f"waits for {shown(running)}."
    if not isinstance(running, Task):
        return "has returned, and nothing has finished the response."
    place = waiting_place(running.get_coro())
    where = "" if place is None else f" at {place}"
    awaited = running.awaiting
    return f"waits{where}." if awaited is None else f"waits{where} for {shown(awaited)}."
