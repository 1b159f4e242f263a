"""Background tasks: functions that run after the response to a request. `request.after(send_mail, guest)` adds one.

| event | background tasks of the request |
|---|---|
| the handler or a middleware raises an exception, or a stream fails | the tasks added so far are dropped |
| the client leaves, and the handler is cancelled before its response begins | all are dropped |
| the client leaves at another time | all run, as if the client had stayed |
| the response is sent, the handler has ended, and its dependencies are closed | all run, one after another |
| a task raises an exception | the exception is logged, and the next task runs |
| the app begins to stop | the stop waits for all, until the deadline of the drain |
| the deadline of the drain passes | the running task is cancelled, the others are dropped, and the log names them |
"""

from asyncio import to_thread
from collections import deque
from collections.abc import Callable
from contextvars import Context, copy_context
from functools import partial
from typing import Any, Final, NamedTuple

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from ropewalk.calling.awaitables import resolve
from ropewalk.calling.error_handlers import CANCELLATIONS
from ropewalk.calling.task import start
from ropewalk.errors import CATALOGUE, HandlerError, HTTPError, interrupts, named, shown, visible
from ropewalk.request import Request
from ropewalk.response import forget
from ropewalk.tracebacks import shown_failure
from ropewalk.waiting import Waiter, call_later, call_soon, ready

log = Logger(namespace="ropewalk.handlers")

MOST_WAITING: Final = 10_000
"""The maximum number of background tasks of an app that wait or run. Each keeps its request and its arguments in
memory."""

CANCEL_LIMIT: Final = 1.0
"""Seconds within which a cancelled function must end."""


class Call(NamedTuple):
    """A background task: a function to call, and the context in which it was added."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    context: Context

    @property
    def name(self) -> str:
        """The name and place of the function. For `deferToThread` and `to_thread`, those of the function that runs in
        the thread."""
        if self.function in _THREADS and self.args and callable(self.args[0]):
            return named(self.args[0])
        return named(self.function)


_THREADS: Final = (deferToThread, to_thread)
"""Functions that run their first argument, a function, in a thread."""


class Background:
    """The background tasks of an app."""

    def __init__(self) -> None:
        self.most = MOST_WAITING
        self.count = 0
        """The number of background tasks that wait or run."""
        self._full = False
        """Whether the log has the warning that the limit is reached. It is logged again only after the number was below
        half of the limit."""
        self._open: dict[CallsOfRequest, None] = {}
        self._idle: list[Waiter[None]] = []
        self._cancel_timer: Callable[[], object] | None = None

    @property
    def is_idle(self) -> bool:
        """Whether no request has background tasks."""
        return not self._open

    def of(self, request: Request) -> "CallsOfRequest":
        """Make the object that holds the background tasks of a request, and runs them."""
        calls = CallsOfRequest(self, request)
        self._open[calls] = None
        note_background = getattr(request.service, "note_background", None)
        if note_background is not None:  # only the service of a test client has this method
            note_background(request, calls)
        return calls

    def admit(self) -> None:
        """Count one more background task. Raises HTTPError 503 if too many wait or run."""
        if self.count >= self.most:
            if not self._full:
                self._full = True
                log.warn("{code} {count} background tasks wait. {remedy}", count=self.count, **_entry("RW263"))
            raise HTTPError(503, "Too many background tasks are waiting.", {"retry-after": "1"})
        self.count += 1

    def ended(self) -> None:
        """Count one background task less, because it has ended or was dropped."""
        self.count -= 1
        if self.count < self.most // 2:
            self._full = False

    def closed(self, calls: "CallsOfRequest") -> None:
        """Forget the background tasks of a request, because all have ended."""
        self._open.pop(calls, None)
        if not self._open:
            self._set_timer(None)
            idle, self._idle = self._idle, []
            for waiter in idle:
                if not waiter.called:
                    waiter.callback(None)

    async def finish(self, seconds: float | None) -> None:
        """Wait until all background tasks have ended.

        After `seconds`, cancel them. None stands for the limit `drain_timeout`.
        """
        if not self._open:
            return
        if seconds is None:
            seconds = float(next(iter(self._open)).request.service.engine.limits.drain_timeout)
        self._set_timer(seconds, self.cut)
        try:
            await self._all_ended()
        except CANCELLATIONS:
            self.cut()
            await self._all_ended()
            raise

    def cut(self) -> None:
        """Cancel running background tasks, and drop those that wait. `finish` stops waiting after CANCEL_LIMIT."""
        self._set_timer(CANCEL_LIMIT, self._give_up)
        for calls in tuple(self._open):
            calls.cut()
        if not self._open:
            self._set_timer(None)

    async def _all_ended(self) -> None:
        if self._open:
            waiter: Waiter[None] = Waiter()
            self._idle.append(waiter)
            await waiter

    def _give_up(self) -> None:
        for calls in tuple(self._open):
            self.closed(calls)

    def _set_timer(self, seconds: float | None, call: Callable[[], None] | None = None) -> None:
        """Cancel the timer, and start a new one unless `seconds` is None."""
        cancel, self._cancel_timer = self._cancel_timer, None
        if cancel is not None:
            cancel()
        if seconds is not None:
            self._cancel_timer = call_later(seconds, partial(self._expire, call))

    def _expire(self, call: Callable[[], None] | None) -> None:
        self._cancel_timer = None
        if call is not None:
            call()


class CallsOfRequest:
    """The background tasks of one request."""

    def __init__(self, background: Background, request: Request) -> None:
        self.request = request
        self.errors: list[BaseException] = []
        """The exceptions that the background tasks have raised."""
        self.handler_is_cancelled = False
        """Whether the handler is cancelled, because its client has left, and has not ended yet."""
        self._background = background
        self._calls: deque[Call] = deque()
        self._cut = False
        self._ended = False
        self._waits: list[Waiter[None]] = []
        self._running: Deferred[Any] | None = None
        self._current: Call | None = None
        self._awaited = False
        """Whether the running function has returned a Deferred or coroutine that waits."""
        request.disconnected.addCallback(self._response_ended)

    def add(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Add a function. Raises HandlerError (RW262) if it cannot be called, and HTTPError 503 if too many wait."""
        given: object = function
        if not callable(given):
            forget(given)
            raise HandlerError("RW262", f"`after` was given {shown(given)}, which cannot be called.")
        self._background.admit()
        self._calls.append(Call(function, args, kwargs, copy_context()))

    def wait(self) -> Waiter[None]:
        """Return an awaitable that fires when all background tasks of the request have ended."""
        if self._closed:
            return ready(None)
        waiter: Waiter[None] = Waiter()
        self._waits.append(waiter)
        return waiter

    def names(self) -> str:
        """The names of the background tasks that have not ended, for messages."""
        left = [*([] if self._current is None else [self._current]), *self._calls]
        return ", ".join(each.name for each in left)

    def note_failure(self, error: BaseException) -> None:
        """Drop the waiting background tasks, because the handler, a middleware or a stream has failed.

        A stream that ends because its client has left has not failed."""
        if self.request.gone and self.request.started and isinstance(error, CANCELLATIONS):
            return
        self._drop()

    def note_end(self) -> None:
        """Run the background tasks soon if the response has ended. Called when the handler has ended or its
        dependencies are closed."""
        if self._ended and self._current is None:
            call_soon(self._begin)  # not at once, because the caller may be about to report a failure

    def cut(self) -> None:
        """Cancel the running background task, and drop the others."""
        self._cut = True
        if self._calls:
            self._log("RW265", f"{', '.join(each.name for each in self._calls)} was not called.")
        self._drop()
        if self._running is not None and self._current is not None:
            self._running.cancel()
        else:
            self._close()

    @property
    def _closed(self) -> bool:
        return getattr(self.request, "_after", None) is not self

    def _response_ended(self, _: Any) -> None:
        self._ended = True
        self.note_end()

    def _begin(self) -> None:
        request = self.request
        if self._current is not None or self._closed:
            return
        if self.handler_is_cancelled or hasattr(request, "_running") or hasattr(request, "dependency_scope"):
            return  # the handler or its dependencies have not ended; `note_end` is called when they have
        self._run_next()

    def _run_next(self) -> None:
        """Call the waiting functions one after another, until one of them must be awaited."""
        while self._calls:
            self._current = call = self._calls.popleft()
            self._running = running = call.context.run(start, self._run(call))
            running.addErrback(lambda _: None)  # ignore a cancellation, because `_run` reports how the function ended
            if self._current is not None:
                self._awaited = True
                return
        self._close()

    async def _run(self, call: Call) -> None:
        try:
            await resolve(call.function(*call.args, **call.kwargs), call.function)
        except GeneratorExit:
            raise
        except BaseException as error:
            if interrupts(error):
                raise
            self._failed(call, error)
        finally:
            self._current = None
            self._background.ended()
            if self._awaited:
                self._awaited = False
                call_soon(self._run_next)

    def _failed(self, call: Call, error: BaseException) -> None:
        who = call.name
        if self._cut and isinstance(error, CANCELLATIONS):
            self._log("RW265", f"{who} was cancelled.")
            return
        self.errors.append(error)
        if isinstance(error, HandlerError):
            self._log(error.code, error.message, error)
        else:
            self._log("RW264", f"{who}, called after the response, raised {visible(shown(error))}.", error)

    def _log(self, code: str, what: str, error: BaseException | None = None) -> None:
        request = self.request
        fields: dict[str, Any] = {
            "method": request.method,
            "path": request.raw_path.decode("ascii"),
            "route": request.route,
            "request_id": getattr(request.state, "request_id", None),
            "what": what,
            **_entry(code),
        }
        identity = "" if fields["request_id"] is None else ", request {request_id}"
        text = f"{{code}} {{method}} {{path}} (route {{route}}{identity}): {{what}} {{remedy}}"
        if error is None:
            log.warn(text, **fields)
        else:
            log.failure(text, shown_failure(error), **fields)

    def _drop(self) -> None:
        while self._calls:
            self._calls.pop()
            self._background.ended()

    def _close(self) -> None:
        if not self._closed:
            del self.request._after  # noqa: SLF001 - the attribute refers to this object
        waits, self._waits = self._waits, []
        for waiter in waits:
            if not waiter.called:
                waiter.callback(None)
        self._background.closed(self)


def _entry(code: str) -> dict[str, str]:
    return {"code": code, "remedy": CATALOGUE[code].remedy}
