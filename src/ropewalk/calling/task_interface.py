"""A class with the public and private attributes of `asyncio.Task`, which does not derive from it.

asyncio, anyio, aiohttp, asgiref and debuggers read attributes of the current task and of `asyncio.all_tasks()`. Some of
these attributes are private: anyio's threads need `task._loop`, and asyncio.gather() needs `_asyncio_future_blocking`.
So this class has every attribute of `asyncio.Task`. It does not derive from `asyncio.Task`, because the constructor of
that class schedules the task itself.
"""

import asyncio
from asyncio import AbstractEventLoop, CancelledError
from asyncio.base_tasks import _task_get_stack, _task_print_stack
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, copy_context
from itertools import count
from types import FrameType, GenericAlias
from typing import Any, ClassVar, Final, NoReturn, TextIO

from twisted.internet.defer import Deferred

from ropewalk.request import TaskCore
from ropewalk.waiting import call_soon

_numbers: Final = count(1)


class DeferredWait:
    """The Deferred that a task awaits, with the interface of a future (`task._fut_waiter`)."""

    __slots__ = ("deferred",)

    def __init__(self, deferred: Deferred[Any]) -> None:
        self.deferred = deferred

    def __repr__(self) -> str:
        return repr(self.deferred)

    def done(self) -> bool:
        return bool(self.deferred.called)

    def cancelled(self) -> bool:
        return False

    def cancel(self, msg: Any = None) -> bool:
        del msg
        if self.deferred.called:
            return False
        self.deferred.cancel()
        return True


class TaskInterface(TaskCore):
    """The attributes of a task while its coroutine runs or waits, and after it has ended."""

    __slots__ = (
        "__weakref__",
        "_asyncio_future_blocking",
        "_cancel_message",
        "_inline",
        "_must_cancel",
        "awaiting",
        "callbacks",
        "cancels",
        "error",
        "finished",
        "name",
        "outcome",
    )

    _source_traceback: ClassVar[None] = None
    _asyncio_awaited_by: ClassVar[None] = None

    __class_getitem__: Any = classmethod(GenericAlias)

    def __init__(self, coroutine: Coroutine[Any, Any, Any], context: Context, loop: AbstractEventLoop | None) -> None:
        self.coroutine = coroutine
        self.context = context
        self.loop = loop
        self.awaiting: Any = None
        """The Deferred or future that the coroutine waits for; None if it does not wait."""
        self.callbacks: list[tuple[Callable[[Any], object], Context]] | None = None
        self.cancels = 0
        self.error: BaseException | None = None
        self.finished = False
        self.name: str | None = None
        self.outcome: Any = None
        self._asyncio_future_blocking = False  # asyncio's protocol between tasks and futures
        self._cancel_message: Any = None
        self._inline = True  # whether a Deferred resumes the coroutine at once when it fires
        self._must_cancel = False

    def __repr__(self) -> str:
        # Replaces asyncio's own `__repr__`, which reads the name and so would keep the task from being reused.
        name = "" if self.name is None else f" name={self.name!r}"
        waiter = "" if self.awaiting is None else f" wait_for={self.awaiting!r}"
        return f"<{type(self).__name__} {self._state.lower()}{name} coro={self.coroutine!r}{waiter}>"

    def __await__(self) -> Generator[Any, None, Any]:
        if not self.finished:
            self._asyncio_future_blocking = True
            yield self
        return self.result()

    __iter__ = __await__

    # The coroutine

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

    def get_stack(self, *, limit: int | None = None) -> list[FrameType]:
        this: Any = self
        return _task_get_stack(this, limit)

    def print_stack(self, *, limit: int | None = None, file: TextIO | None = None) -> None:
        this: Any = self
        to: Any = file
        _task_print_stack(this, limit, to)

    # The outcome

    def done(self) -> bool:
        return self.finished

    def cancelled(self) -> bool:
        return self.finished and isinstance(self.error, CancelledError)

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

    def set_result(self, _: object, /) -> NoReturn:
        raise RuntimeError("The result of a task is that of its coroutine, and cannot be set.")

    def set_exception(self, _: object, /) -> NoReturn:
        raise RuntimeError("The exception of a task is that of its coroutine, and cannot be set.")

    def add_done_callback(self, callback: Callable[[Any], object], *, context: Context | None = None) -> None:
        self.marked = True
        entry = (callback, copy_context() if context is None else context)
        if self.finished:
            self.call_back(*entry)
        elif self.callbacks is None:
            self.callbacks = [entry]
        else:
            self.callbacks.append(entry)

    def remove_done_callback(self, callback: Callable[[Any], object]) -> int:
        former = self.callbacks or []
        self.callbacks = [entry for entry in former if entry[0] != callback]
        return len(former) - len(self.callbacks)

    def call_back(self, callback: Callable[[Any], object], context: Context) -> None:
        """Call a done callback in the next iteration of the loop or reactor."""
        if self.loop is not None:
            self.loop.call_soon(callback, self, context=context)
        else:
            call_soon(context.run, callback, self)

    # The cancellation

    def cancelling(self) -> int:
        return self.cancels

    def uncancel(self) -> int:
        if self.cancels:
            self.cancels -= 1
            if not self.cancels:
                self._must_cancel = False
        return self.cancels

    # Private attributes that libraries read

    @property
    def _loop(self) -> AbstractEventLoop | None:
        return self.loop

    @property
    def _coro(self) -> Coroutine[Any, Any, Any]:
        return self.coroutine

    @property
    def _fut_waiter(self) -> Any:
        return DeferredWait(self.awaiting) if isinstance(self.awaiting, Deferred) else self.awaiting

    @property
    def _callbacks(self) -> list[tuple[Callable[[Any], object], Context]] | None:
        return self.callbacks

    @property
    def _state(self) -> str:
        if not self.finished:
            return "PENDING"
        return "CANCELLED" if self.cancelled() else "FINISHED"

    @property
    def _result(self) -> Any:
        return self.outcome

    @property
    def _exception(self) -> BaseException | None:
        return None if self.cancelled() else self.error

    @property
    def _num_cancels_requested(self) -> int:
        return self.cancels

    @property
    def _log_destroy_pending(self) -> bool:
        return False

    @_log_destroy_pending.setter
    def _log_destroy_pending(self, log: bool) -> None:
        """Ignore the value, because the destruction of these tasks is never logged."""

    @property
    def _log_traceback(self) -> bool:
        return False

    @_log_traceback.setter
    def _log_traceback(self, log: bool) -> None:
        """Ignore the value, because an exception of a handler is logged with its request."""

    def _make_cancelled_error(self) -> CancelledError:
        return CancelledError() if self._cancel_message is None else CancelledError(self._cancel_message)
