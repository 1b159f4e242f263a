"""Tasks that run coroutines on every reactor. asyncio and its libraries accept them as asyncio tasks.

A task runs its coroutine at once, up to the first await that waits. When it is resumed depends on what it awaits:

| it awaits | on an asyncio reactor | on another reactor |
|---|---|---|
| a Deferred | resumed when the Deferred fires | the same |
| an asyncio future or task | resumed by the event loop | HandlerError RW203 is raised at the await |
| nothing (`asyncio.sleep(0)`) | resumed in the loop's next iteration | resumed in the reactor's next iteration |
| itself, or a future of another loop | HandlerError RW220 is raised at the await | HandlerError RW203, as above |
| anything else | HandlerError RW204 is raised at the await | the same |
"""

import asyncio
import sys
from asyncio import AbstractEventLoop, CancelledError
from asyncio import _get_running_loop as running_loop
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from functools import partial
from typing import Any, Final

from twisted.internet.defer import CancelledError as DeferredCancelled
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ropewalk.calling.awaitables import resolve
from ropewalk.calling.task_interface import TaskInterface
from ropewalk.errors import HandlerError, interrupts, named
from ropewalk.tracebacks import without_frames
from ropewalk.waiting import call_soon

if sys.version_info >= (3, 12):
    swap_current_task: Any = asyncio.tasks._swap_current_task  # type: ignore[attr-defined] # noqa: SLF001
else:
    from asyncio.tasks import _current_tasks  # type: ignore[attr-defined] # missing in typeshed

    def swap_current_task(loop: AbstractEventLoop, task: Any) -> Any:
        """Make a task the loop's current task; None: the loop has no current task. Returns the previous current
        task."""
        former = _current_tasks.get(loop)
        if task is None:
            _current_tasks.pop(loop, None)
        else:
            _current_tasks[loop] = task
        return former


register_task: Final[Any] = asyncio._register_task  # noqa: SLF001 - meant for code that runs tasks, as this module does
"""Adds a task to `asyncio.all_tasks()`, with a weak reference.

It is called only for tasks that wait, because few tasks wait.
"""

_loop_of: Final[Any] = asyncio.futures._get_loop  # type: ignore[attr-defined] # noqa: SLF001 - asyncio's tasks use it


class Task(TaskInterface):
    """Runs a coroutine, and is asyncio's current task meanwhile. A subclass defines `handle_outcome`."""

    __slots__ = ()

    def cancel(self, msg: Any = None) -> bool:
        """Raise CancelledError in the coroutine, in the loop's next iteration; without asyncio, at once.

        Returns False if the coroutine has ended.
        """
        if self.finished:
            return False
        self.marked = True
        self.cancels += 1
        self._cancel_message = msg
        waiter = self.awaiting
        if waiter is None:
            self._must_cancel = True
        elif isinstance(waiter, Deferred):
            self._must_cancel = True
            # With asyncio, the coroutine must not run inside this call, because asyncio.timeout does not expect it.
            self._inline = self.loop is None
            waiter.cancel()
            self._inline = True
        elif not waiter.cancel(msg=msg):
            self._must_cancel = True
        return True

    # Running the coroutine

    def step(self, error: BaseException | None = None) -> None:
        """Run the coroutine to its next await, inside its context."""
        self.awaiting = None
        if self._must_cancel:
            self._must_cancel = False
            if not isinstance(error, CancelledError):
                error = self._make_cancelled_error()
        loop = self.loop
        former = None if loop is None else swap_current_task(loop, self)
        try:
            if error is None:
                awaited = self.coroutine.send(None)
            else:
                awaited = self.coroutine.throw(error)
        except StopIteration as stop:
            self.outcome = stop.value
            self.finished = True
        except BaseException as raised:  # including CancelledError and SystemExit
            if interrupts(raised):
                raise
            self.error = raised
            self.finished = True
        finally:
            error = None  # breaks a reference cycle: its traceback refers to this frame
            if loop is not None:
                swap_current_task(loop, former)
        if self.finished:
            if self.callbacks is not None:
                self.finish()
            self.handle_outcome()
        else:
            self.wait(awaited)

    def finish(self) -> None:
        """Mark the task as finished, and call the done callbacks."""
        self.finished = True
        for callback, context in self.callbacks or ():
            self.call_back(callback, context)
        if self.callbacks is not None:
            self.callbacks = []

    def forget_frames(self) -> None:
        """Replace the exception by a copy without a traceback, unless a callback may read it.

        The frames in the traceback keep the task alive. The log and error handlers get the original exception.
        """
        if self.callbacks is None and self.error is not None:
            self.error = without_frames(self.error)

    def handle_outcome(self) -> None:
        """Handle `error` if it is set, or else the result in `outcome`. Called once, after the coroutine has ended."""
        raise NotImplementedError

    def wait(self, awaited: Any) -> None:
        """Arrange that the coroutine is resumed when the awaited object is done."""
        if isinstance(awaited, Deferred):
            self.awaiting = awaited
            self._inline = False  # its context is entered already, so `_resume` must not enter it again
            awaited.addBoth(self._resume)
            if self._must_cancel:
                awaited.cancel()
            self._inline = True
        elif getattr(awaited, "_asyncio_future_blocking", None):
            if self.loop is None:
                self._refuse("RW203", f"awaits {type(awaited).__qualname__}.")
                return
            if awaited is self or _loop_of(awaited) is not self.loop:
                kind = type(awaited).__qualname__
                self._refuse("RW220", "awaits itself." if awaited is self else f"awaits a {kind} of another loop.")
                return
            awaited._asyncio_future_blocking = False  # noqa: SLF001 - asyncio's protocol between tasks and futures
            awaited.add_done_callback(self._wake, context=self.context)
            self.awaiting = awaited
            if self._must_cancel and awaited.cancel(msg=self._cancel_message):
                self._must_cancel = False
        elif awaited is None:
            self._later(self.step)
        else:
            self._refuse("RW204", f"awaits a value of type {type(awaited).__qualname__}.")

    def _resume(self, result: Any) -> Any:
        """Resume the coroutine with the result of a Deferred.

        If the task cancelled the Deferred, but it fired with another result, this result is used, as in asyncio.
        """
        error = None
        if isinstance(result, Failure):
            error = result.value
            result = None
        if not isinstance(error, DeferredCancelled):
            self._must_cancel = False
        if self._inline:
            self.context.run(self.step, error)
        else:
            self._later(partial(self.step, error))
        return result

    def _wake(self, _: Any) -> None:
        """Resume the coroutine, because an asyncio future is done. The future's `__await__` returns its result."""
        self.step()

    def _later(self, call: Callable[[], None]) -> None:
        loop = self.loop
        if loop is None or loop.is_closed():
            call_soon(self.context.run, call)
        else:  # `asyncio.run` cancels tasks while its loop does not run, so `call_soon` would not find the loop
            loop.call_soon(self.context.run, call)

    def _refuse(self, code: str, what: str) -> None:
        error = HandlerError(code, f"{named(self.coroutine)} {what}")
        self._later(partial(self.step, error))


class _DetachedTask(Task):
    """The task of a coroutine that does not belong to a request."""

    __slots__ = ("deferred",)

    deferred: Deferred[Any]

    def handle_outcome(self) -> None:
        if self.deferred.called:
            return
        if self.error is None:
            self.deferred.callback(self.outcome)
        else:
            self.deferred.errback(self.error)


def start(coroutine: Coroutine[Any, Any, Any]) -> Deferred[Any]:
    """Run a coroutine that does not belong to a request. Returns a Deferred that fires with its result.

    Cancelling the Deferred cancels the coroutine.
    """
    context = copy_context()
    task = _DetachedTask(coroutine, context, running_loop())

    def cancel(_: Deferred[Any]) -> None:
        task.cancel()

    result = task.deferred = Deferred(cancel)
    if task.loop is not None:
        register_task(task)
    context.run(task.step)
    return result


async def call_hook(hook: Callable[[], Any]) -> None:
    """Call a function without parameters, and await the Deferred or coroutine that it may return."""
    await resolve(hook(), hook)
