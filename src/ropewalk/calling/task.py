"""A running coroutine: a task of our own, which asyncio and the libraries upon it take for one of theirs.

It runs the first segment at once, is resumed where a Deferred fires, and works on every reactor:

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
from itertools import count
from typing import Any, Final

from twisted.internet.defer import CancelledError as DeferredCancelled
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ropewalk.errors import HandlerError, interrupts, named
from ropewalk.waiting import call_soon

if sys.version_info >= (3, 12):
    swap_current_task: Any = asyncio.tasks._swap_current_task  # type: ignore[attr-defined] # noqa: SLF001
else:
    from asyncio.tasks import _current_tasks  # type: ignore[attr-defined] # typeshed has it not

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
    """A running coroutine, to asyncio the current task. A subclass says in `settle` what becomes of its outcome."""

    __slots__ = (
        "__weakref__",
        "_cancel_message",
        "_fut_waiter",
        "_inline",
        "_must_cancel",
        "callbacks",
        "cancels",
        "context",
        "coroutine",
        "error",
        "finished",
        "loop",
        "marked",
        "name",
        "outcome",
    )

    # asyncio looks for this on what it may await; a task of ours is awaited by nobody.
    _asyncio_future_blocking = None
    _log_destroy_pending = False
    _source_traceback = None

    def __init__(self, coroutine: Coroutine[Any, Any, Any], context: Context, loop: AbstractEventLoop | None) -> None:
        self.coroutine = coroutine
        self.context = context
        self.loop = loop
        self.callbacks: list[tuple[Callable[[Any], object], Context | None]] | None = None
        self._cancel_message: Any = None
        self.cancels = 0
        self.finished = False
        self.error: BaseException | None = None
        self._fut_waiter: Any = None
        self._inline = True
        self._must_cancel = False
        self.marked = False  # somebody has left something here that outlives the first segment
        self.name: str | None = None
        self.outcome: Any = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.coroutine!r}>"

    # What asyncio and libraries upon it ask of the current task

    def get_coro(self) -> Coroutine[Any, Any, Any]:
        return self.coroutine

    def get_context(self) -> Context:
        return self.context

    def get_loop(self) -> AbstractEventLoop | None:
        return self.loop

    def get_name(self) -> str:
        if self.name is None:
            self.set_name(f"Ropewalk-{next(_numbers)}")
        return str(self.name)

    def set_name(self, name: object) -> None:
        self.marked = True
        self.name = str(name)

    def get_stack(self, *, limit: int | None = None) -> list[Any]:
        frame = getattr(self.coroutine, "cr_frame", None)
        return [] if frame is None or limit == 0 else [frame]

    def done(self) -> bool:
        return self.finished

    def cancelled(self) -> bool:
        return self.finished and isinstance(self.error, CancelledError)

    def cancelling(self) -> int:
        return self.cancels

    def uncancel(self) -> int:
        if self.cancels:
            self.cancels -= 1
            if not self.cancels:
                self._must_cancel = False
        return self.cancels

    def cancel(self, msg: Any = None) -> bool:
        """Raise CancelledError where the coroutine waits, at the loop's next turn (or at once without asyncio)."""
        if self.finished:
            return False
        self.marked = True
        self.cancels += 1
        self._cancel_message = msg
        waiter = self._fut_waiter
        if waiter is None:
            self._must_cancel = True
        elif isinstance(waiter, Deferred):
            self._must_cancel = True
            # Whoever cancels may not be ready for the coroutine to run inside of the call: asyncio.timeout is not.
            self._inline = self.loop is None
            waiter.cancel()
            self._inline = True
        elif not waiter.cancel(msg=msg):
            self._must_cancel = True
        return True

    def result(self) -> Any:
        if not self.finished:
            raise asyncio.InvalidStateError("The task is not done.")
        if self.error is not None:
            raise self.error
        return self.outcome

    def exception(self) -> BaseException | None:
        if not self.finished:
            raise asyncio.InvalidStateError("The task is not done.")
        if isinstance(self.error, CancelledError):
            raise self.error
        return self.error

    def add_done_callback(self, callback: Callable[[Any], object], *, context: Context | None = None) -> None:
        self.marked = True
        if self.finished:
            self._tell(callback, context)
        elif self.callbacks is None:
            self.callbacks = [(callback, context)]
        else:
            self.callbacks.append((callback, context))

    def remove_done_callback(self, callback: Callable[[Any], object]) -> int:
        former = self.callbacks or []
        self.callbacks = [entry for entry in former if entry[0] != callback]
        return len(former) - len(self.callbacks)

    # The course of the coroutine

    def step(self, error: BaseException | None = None) -> None:
        """Run the coroutine to its next await, inside its context."""
        self._fut_waiter = None
        if self._must_cancel:
            self._must_cancel = False
            if not isinstance(error, CancelledError):
                error = CancelledError() if self._cancel_message is None else CancelledError(self._cancel_message)
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
        except BaseException as raised:  # CancelledError is an outcome too, and so is sys.exit()
            if interrupts(raised):
                raise
            self.error = raised
            self.finished = True
        finally:
            error = None  # what was thrown in comes out with this frame in its traceback
            if loop is not None:
                swap_current_task(loop, former)
        if self.finished:
            self.finish()
            self.settle()
        else:
            self.wait(awaited)

    def finish(self) -> None:
        """Tell those who have asked that the coroutine has ended."""
        self.finished = True
        for callback, context in self.callbacks or ():
            self._tell(callback, context)
        self.callbacks = None

    def settle(self) -> None:
        """Called once, outside of the coroutine: `error`, else `outcome`, is there."""
        raise NotImplementedError

    def wait(self, awaited: Any) -> None:
        """Have the coroutine resumed when what it awaits is there."""
        if isinstance(awaited, Deferred):
            self._fut_waiter = awaited
            self._inline = False  # the coroutine's context is entered
            awaited.addBoth(self._resume)
            if self._must_cancel:
                awaited.cancel()
            self._inline = True
        elif getattr(awaited, "_asyncio_future_blocking", None):
            if self.loop is None:
                self._refuse("RW203", f"awaits {type(awaited).__qualname__}.")
                return
            awaited._asyncio_future_blocking = False  # noqa: SLF001 - asyncio's protocol between tasks and futures
            awaited.add_done_callback(self._wake, context=self.context)
            self._fut_waiter = awaited
            if self._must_cancel and awaited.cancel(msg=self._cancel_message):
                self._must_cancel = False
        elif awaited is None:
            self._later(self.step)
        else:
            self._refuse("RW204", f"awaits a value of type {type(awaited).__qualname__}.")

    def _resume(self, result: Any) -> Any:
        """A Deferred has fired: with CancelledError where we cancelled it, else its outcome counts, as in asyncio."""
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
        """An asyncio future is done; its own `__await__` gives or raises the outcome."""
        self.step()

    def _later(self, call: Callable[[], None]) -> None:
        call_soon(self.context.run, call)

    def _tell(self, callback: Callable[[Any], object], context: Context | None) -> None:
        if self.loop is not None:
            self.loop.call_soon(callback, self, context=context)

    def _refuse(self, code: str, what: str) -> None:
        error = HandlerError(code, f"{named(self.coroutine)} {what}")
        self._later(partial(self.step, error))


class _Loose(Task):
    """A coroutine that belongs to no request."""

    __slots__ = ("deferred",)

    deferred: Deferred[Any]

    def settle(self) -> None:
        if self.deferred.called:
            return
        if self.error is None:
            self.deferred.callback(self.outcome)
        else:
            self.deferred.errback(self.error)


def start(coroutine: Coroutine[Any, Any, Any]) -> Deferred[Any]:
    """Run a coroutine that belongs to no request. The Deferred has its outcome; cancelling it cancels the coroutine."""
    context = copy_context()
    task = _Loose(coroutine, context, running_loop())

    def cancel(_: Deferred[Any]) -> None:
        task.cancel()

    result = task.deferred = Deferred(cancel)
    context.run(task.step)
    return result


async def call_hook(hook: Callable[[], Any]) -> None:
    """Call a function without parameters, and wait for what it returns."""
    value = hook()
    if isinstance(value, Deferred | Coroutine):
        await value
