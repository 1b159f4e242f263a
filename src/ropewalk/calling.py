"""The one place that knows plain, Deferred and coroutine handlers, and what may be awaited in them.

A coroutine is run by a `Task` of ours, which is to asyncio what its own Task is (current task, cancellation, timeouts),
but runs the first segment inline, needs no turn of the loop to begin, and takes Deferreds on every reactor:

| it awaits | on an asyncio reactor | on another |
|---|---|---|
| a Deferred | resumed where it fires | the same |
| an asyncio future or task | resumed by the loop | HandlerError RW203 is raised at the await |
| nothing (`asyncio.sleep(0)`) | resumed at the loop's next turn | at the reactor's |
| anything else | HandlerError RW204 is raised at the await | the same |
"""

import asyncio
import sys
from asyncio import AbstractEventLoop, CancelledError
from asyncio import _get_running_loop as running_loop
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from functools import partial
from inspect import iscoroutine
from itertools import count
from sys import getrefcount
from traceback import format_exception
from typing import Any, Final
from weakref import getweakrefcount

from twisted.internet.defer import CancelledError as DeferredCancelled
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from ropewalk.errors import CATALOGUE, Disconnected, HandlerError, HTTPError, describe, phrase, place
from ropewalk.request import PENDING, Request
from ropewalk.resource import NOT_DONE_YET, Resource
from ropewalk.response import BYTES, TEXT, Response

log = Logger(namespace="ropewalk.handlers")

if sys.version_info >= (3, 12):
    from asyncio.tasks import _swap_current_task as swap_current_task
else:
    from asyncio.tasks import _current_tasks

    def swap_current_task(loop: AbstractEventLoop, task: Any) -> Any:
        """Make a task the loop's current one, or none; the former one is returned."""
        former = _current_tasks.get(loop)
        if task is None:
            _current_tasks.pop(loop, None)
        else:
            _current_tasks[loop] = task
        return former


_numbers: Final = count(1)


class Task:
    """A running coroutine. To asyncio it is the current task; `settle` is told how it ended.

    `settle(task)` is called once, outside of the coroutine; the outcome is in `result()`.
    """

    __slots__ = (
        "__weakref__",
        "_callbacks",
        "_cancel_message",
        "_cancels",
        "_context",
        "_coroutine",
        "_done",
        "_error",
        "_fut_waiter",
        "_inline",
        "_loop",
        "_must_cancel",
        "_name",
        "_outcome",
        "_settle",
    )

    # asyncio looks for this on what it may await; a task of ours is awaited by nobody.
    _asyncio_future_blocking = None
    _log_destroy_pending = False
    _source_traceback = None

    def __init__(
        self,
        coroutine: Coroutine[Any, Any, Any],
        context: Context,
        loop: AbstractEventLoop | None,
        settle: "Callable[[Task], None]",
    ) -> None:
        self._coroutine = coroutine
        self._context = context
        self._loop = loop
        self._settle = settle
        self._callbacks: list[tuple[Callable[[Any], object], Context | None]] | None = None
        self._cancel_message: Any = None
        self._cancels = 0
        self._done = False
        self._error: BaseException | None = None
        self._fut_waiter: Any = None
        self._inline = True
        self._must_cancel = False
        self._name: str | None = None
        self._outcome: Any = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.get_name()} {self._coroutine!r}>"

    # What asyncio and libraries upon it ask of the current task

    def get_coro(self) -> Coroutine[Any, Any, Any]:
        return self._coroutine

    def get_context(self) -> Context:
        return self._context

    def get_loop(self) -> AbstractEventLoop | None:
        return self._loop

    def get_name(self) -> str:
        if self._name is None:
            self._name = f"Ropewalk-{next(_numbers)}"
        return self._name

    def set_name(self, name: object) -> None:
        self._name = str(name)

    def get_stack(self, *, limit: int | None = None) -> list[Any]:
        frame = getattr(self._coroutine, "cr_frame", None)
        return [] if frame is None or limit == 0 else [frame]

    def done(self) -> bool:
        return self._done

    def cancelled(self) -> bool:
        return self._done and isinstance(self._error, CancelledError)

    def cancelling(self) -> int:
        return self._cancels

    def uncancel(self) -> int:
        if self._cancels:
            self._cancels -= 1
            if not self._cancels:
                self._must_cancel = False
        return self._cancels

    def cancel(self, msg: Any = None) -> bool:
        """Raise CancelledError where the coroutine waits, at the loop's next turn (or at once without asyncio)."""
        if self._done:
            return False
        self._cancels += 1
        self._cancel_message = msg
        waiter = self._fut_waiter
        if waiter is None:
            self._must_cancel = True
        elif isinstance(waiter, Deferred):
            self._must_cancel = True
            self._cancel_deferred(waiter)
        elif not waiter.cancel(msg=msg):
            self._must_cancel = True
        return True

    def result(self) -> Any:
        if not self._done:
            raise asyncio.InvalidStateError("The task is not done.")
        if self._error is not None:
            raise self._error
        return self._outcome

    def exception(self) -> BaseException | None:
        if not self._done:
            raise asyncio.InvalidStateError("The task is not done.")
        if isinstance(self._error, CancelledError):
            raise self._error
        return self._error

    def add_done_callback(self, callback: Callable[[Any], object], *, context: Context | None = None) -> None:
        if self._done:
            self._tell(callback, context)
        elif self._callbacks is None:
            self._callbacks = [(callback, context)]
        else:
            self._callbacks.append((callback, context))

    def remove_done_callback(self, callback: Callable[[Any], object]) -> int:
        former = self._callbacks or []
        self._callbacks = [entry for entry in former if entry[0] != callback]
        return len(former) - len(self._callbacks)

    # The course of the coroutine

    def step(self, error: BaseException | None = None, value: Any = None) -> None:
        """Run the coroutine to its next await, inside its context."""
        self._fut_waiter = None
        if self._must_cancel:
            self._must_cancel = False
            if not isinstance(error, CancelledError):
                error = CancelledError() if self._cancel_message is None else CancelledError(self._cancel_message)
        loop = self._loop
        former = None if loop is None else swap_current_task(loop, self)
        try:
            if error is None:
                awaited = self._coroutine.send(value)
            else:
                awaited = self._coroutine.throw(error)
        except StopIteration as stop:
            self._outcome = stop.value
            self._done = True
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as raised:  # noqa: BLE001 - CancelledError is an outcome too
            self._error = raised
            self._done = True
        finally:
            if loop is not None:
                swap_current_task(loop, former)
        if self._done:
            self.finish()
        else:
            self.wait(awaited)

    def finish(self) -> None:
        """Tell everybody how the coroutine ended."""
        for callback, context in self._callbacks or ():
            self._tell(callback, context)
        self._callbacks = None
        self._settle(self)

    def wait(self, awaited: Any) -> None:
        """Have the coroutine resumed when what it awaits is there."""
        if isinstance(awaited, Deferred):
            self._fut_waiter = awaited
            awaited.addBoth(self._resume)
            if self._must_cancel and self._fut_waiter is awaited:
                self._cancel_deferred(awaited)
        elif getattr(awaited, "_asyncio_future_blocking", None):
            if self._loop is None:
                self._refuse("RW203", f"awaits {type(awaited).__qualname__}.")
                return
            awaited._asyncio_future_blocking = False  # noqa: SLF001 - asyncio's protocol between tasks and futures
            awaited.add_done_callback(self._wake, context=self._context)
            self._fut_waiter = awaited
            if self._must_cancel and awaited.cancel(msg=self._cancel_message):
                self._must_cancel = False
        elif awaited is None:
            self._later(self.step)
        else:
            self._refuse("RW204", f"awaits a value of type {type(awaited).__qualname__}.")

    def _cancel_deferred(self, waiter: Deferred[Any]) -> None:
        # Whoever cancels may not be ready for the coroutine to run inside of the call: asyncio.timeout is not.
        self._inline = self._loop is None
        waiter.cancel()
        self._inline = True

    def _resume(self, result: Any) -> Any:
        """A Deferred has fired: with CancelledError where we cancelled it, else its outcome counts, as in asyncio."""
        error = None
        if isinstance(result, Failure):
            error = result.value
            result = None
        if not isinstance(error, DeferredCancelled):
            self._must_cancel = False
        if self._inline:
            self._context.run(self.step, error)
        else:
            self._later(partial(self.step, error))
        return result

    def _wake(self, _: Any) -> None:
        """An asyncio future is done; its own `__await__` gives or raises the outcome."""
        self.step()

    def _later(self, call: Callable[[], None]) -> None:
        if self._loop is not None:
            self._loop.call_soon(call, context=self._context)
        else:
            from twisted.internet import reactor

            reactor.callLater(0, self._context.run, call)

    def _tell(self, callback: Callable[[Any], object], context: Context | None) -> None:
        if self._loop is not None:
            self._loop.call_soon(callback, self, context=context)

    def _refuse(self, code: str, what: str) -> None:
        code_object = self._coroutine.cr_code
        name = self._coroutine.__qualname__
        error = HandlerError(code, f"{name} at {code_object.co_filename}:{code_object.co_firstlineno} {what}")
        self._later(partial(self.step, error))


class HandlerTask(Task):
    """A handler that waits. When it is done, its request is answered."""

    __slots__ = ("request",)

    request: Request

    def finish(self) -> None:
        self.request.ran()
        super().finish()


def _settle_request(task: Task) -> None:
    assert isinstance(task, HandlerTask)
    if task._error is None:
        deliver(task.request, task._outcome)
    else:
        fail(task.request, task._error)


def _references() -> int:
    lonely = object()
    return getrefcount(lonely)


_ALONE: Final = _references()
_spare: list[HandlerTask] = []


def drive(request: Request, coroutine: Coroutine[Any, Any, Any], context: Context) -> Any:
    """Run the first segment of a handler, inside its context: its value, or PENDING where it waits."""
    loop = running_loop()
    task = _spare.pop() if _spare else HandlerTask(coroutine, context, loop, _settle_request)
    task._coroutine = coroutine
    task._context = context
    task._loop = loop
    task.request = request
    former = None if loop is None else swap_current_task(loop, task)
    try:
        awaited = coroutine.send(None)
    except StopIteration as stop:
        # Most handlers end here. Where nobody has kept the task, the next one can have it.
        if getrefcount(task) == _ALONE and task._name is None and not task._cancels and not getweakrefcount(task):
            task._coroutine = task._context = task.request = None  # type: ignore[assignment]
            _spare.append(task)
        return stop.value
    finally:
        if loop is not None:
            swap_current_task(loop, former)
    request.run(task)
    if request.gone:
        task.cancel()
    task.wait(awaited)
    return PENDING


def start(coroutine: Coroutine[Any, Any, Any]) -> Deferred[Any]:
    """Run a coroutine that belongs to no request; the Deferred has its outcome, and cancels it."""
    context = copy_context()
    task: Task

    def cancel(_: Deferred[Any]) -> None:
        task.cancel()

    result: Deferred[Any] = Deferred(cancel)

    def settle(task: Task) -> None:
        if result.called:
            return
        if task._error is not None:
            result.errback(task._error)
        else:
            result.callback(task._outcome)

    task = Task(coroutine, context, running_loop(), settle)
    context.run(task.step)
    return result


class ErrorHandlers:
    """What an app answers with instead of the plain text for an error: by exception class, or by status."""

    def __init__(self) -> None:
        self._by_class: dict[type[BaseException], Callable[..., Any]] = {}
        self._by_status: dict[int, Callable[..., Any]] = {}

    def __bool__(self) -> bool:
        return bool(self._by_class or self._by_status)

    def add(self, kind: int | type[Exception], handler: Callable[..., Any]) -> None:
        """Raises HandlerError (RW206) for what cannot be handled, or is already."""
        known: dict[Any, Callable[..., Any]]
        if isinstance(kind, type) and issubclass(kind, Exception):
            known = self._by_class
        elif isinstance(kind, int) and 400 <= kind <= 599:
            known = self._by_status
        else:
            raise HandlerError("RW206", f"{describe(handler)} at {place(handler)} is registered for {kind!r}.")
        if kind in known:
            raise HandlerError("RW206", f"{kind!r} is handled twice: {place(known[kind])} and {place(handler)}.")
        known[kind] = handler

    def find(self, error: BaseException) -> Callable[..., Any] | None:
        """What handles an error: the nearest class, else the status of an HTTPError."""
        for kind in type(error).__mro__:
            if kind in self._by_class:
                return self._by_class[kind]
        return self._by_status.get(error.status) if isinstance(error, HTTPError) else None

    def find_status(self, status: int) -> Callable[..., Any] | None:
        """What handles a status."""
        return self._by_status.get(status)


async def respond(request: Request, value: Any, call: Callable[..., Any]) -> Response:
    """The Response that a handler's value stands for, waited for where it must be."""
    while True:
        if isinstance(value, Deferred) or iscoroutine(value):
            value = await value
        elif value is NOT_DONE_YET and _may_answer_itself(call):
            return await _answered(request)
        else:
            break
    response = _as_response(value, call, request)
    request.complete(response)
    return response


async def respond_to_error(request: Request, error: BaseException, scope: tuple[Any, ...]) -> Response:
    """The Response for an error, by the innermost app that handles it. Raises the error where none does."""
    for app in reversed(scope):
        handler = app.errors.find(error)
        if handler is not None:
            return await _handle(request, error, handler)
    if isinstance(error, HTTPError):
        return plain_error(error)
    raise error


def plain_error(error: HTTPError) -> Response:
    """An HTTPError as it is answered where no handler is registered for it."""
    detail = f"{phrase(error.status)}\n" if error.detail is None else error.detail
    return Response(detail, error.status, error.headers)


def deliver(request: Request, value: Any) -> None:
    """Answer with the value of a handler, whatever its kind."""
    call = _call(request)
    try:
        if isinstance(value, Deferred):
            request.run(value)
            value.addBoth(_fired, request, copy_context())
        elif iscoroutine(value):
            _start(request, value)
        elif value is NOT_DONE_YET and _may_answer_itself(call):
            return
        else:
            response = _as_response(value, call, request)
            request.complete(response)
            rest = response.send(request)
            if rest is not None:
                _start(request, _sent(rest, request))
    except Exception as error:  # noqa: BLE001 - whatever a handler's value brings about is an answer or a log line
        fail(request, error)


def fail(request: Request, error: BaseException) -> None:
    """Answer for a handler that raised: as registered, else an HTTPError as plain text, else 500 and a line in the log."""
    if request.gone and isinstance(error, CancelledError | DeferredCancelled | Disconnected | GeneratorExit):
        return
    scope = getattr(_call(request), "scope", None) or (request.service.app,)
    if request.finished or request.started:
        _log(request, error)
        request.abort()
        return
    if isinstance(error, HTTPError) and not any(app.errors for app in scope):
        deliver(request, plain_error(error))
        return
    _start(request, _failed(request, error, scope))


async def _failed(request: Request, error: BaseException, scope: tuple[Any, ...]) -> Response:
    """The answer for an error that left all middleware behind, whatever else goes wrong."""
    try:
        return await respond_to_error(request, error, scope)
    except Exception as raised:  # noqa: BLE001 - this is the end of the line
        _log(request, raised)
        for app in reversed(scope):
            handler = app.errors.find_status(500)
            if handler is not None:
                try:
                    return await _handle(request, raised, handler)
                except Exception as again:  # noqa: BLE001 - as above
                    _log(request, again)
        if scope[0].debug:
            return Response("".join(format_exception(raised)), 500)
        return plain_error(HTTPError(500))


async def _handle(request: Request, error: BaseException, handler: Callable[..., Any]) -> Response:
    """What an error handler makes of an error; where it says no status, the error's."""
    value = handler(request, error)
    while isinstance(value, Deferred) or iscoroutine(value):
        value = await value
    response = _as_response(value, handler, request)
    if response is not value:
        response.status = error.status if isinstance(error, HTTPError) else 500
    if isinstance(error, HTTPError):
        for name, field in error.headers:
            response.headers.setdefault(name, field)
    return response


class _Answered(Response):
    """Stands for an answer that a resource gave by itself."""

    __slots__ = ()

    def send(self, request: Request) -> None:
        """It has been sent."""


async def _answered(request: Request) -> Response:
    if not request.finished:
        await request.notifyFinish()
    return _Answered(status=request.status or 200)


async def _sent(rest: Coroutine[Any, Any, None], request: Request) -> Response:
    await rest
    return _Answered(status=request.status or 200)


def _as_response(value: Any, call: Callable[..., Any], request: Request) -> Response:
    endpoint = request.endpoint
    text_type, bytes_type = (TEXT, BYTES) if endpoint is None else (endpoint.text_type, endpoint.bytes_type)
    try:
        return Response.of(value, text_type, bytes_type)
    except HandlerError:
        kind = type(value).__qualname__
        raise HandlerError("RW201", f"{describe(call)} at {place(call)} returned a value of type {kind}.") from None


def _may_answer_itself(call: Callable[..., Any]) -> bool:
    return isinstance(getattr(call, "__self__", None), Resource)


def _call(request: Request) -> Callable[..., Any]:
    """The handler of a request, or what stands in its place."""
    endpoint = request.endpoint
    return fail if endpoint is None else endpoint.call


def _fired(result: Any, request: Request, context: Context) -> None:
    request.ran()
    if isinstance(result, Failure):
        context.run(fail, request, result.value)
    else:
        context.run(deliver, request, result)


def _start(request: Request, coroutine: Coroutine[Any, Any, Any]) -> None:
    """Run a coroutine for a request and deliver its value."""
    context = copy_context()
    try:
        value = context.run(drive, request, coroutine, context)
    except BaseException as error:  # noqa: BLE001 - CancelledError may come out of a coroutine as well
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        fail(request, error)
        return
    if value is not PENDING:
        deliver(request, value)


def _log(request: Request, error: BaseException) -> None:
    """A line for an error that no handler takes, with the place in the user's code."""
    call = _call(request)
    code = getattr(error, "code", None)
    if code not in CATALOGUE:
        code = "RW203" if isinstance(error, RuntimeError) and "no running event loop" in str(error) else "RW208"
    log.failure(
        "{code} {method} {path}: {name} at {place} raised {error!r}. {remedy}",
        Failure(error),
        code=code,
        method=request.method,
        path=request.path,
        name=describe(call),
        place=place(call),
        error=error,
        remedy=CATALOGUE[code].remedy,
    )
