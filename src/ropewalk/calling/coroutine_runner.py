"""Runs the coroutines of handlers.

The first segment, up to the first await that waits, runs at once. Most coroutines end in it. The rest runs as a task.
"""

import asyncio
from asyncio import _get_running_loop as running_loop
from collections.abc import Callable, Coroutine
from contextvars import Context
from sys import getrefcount
from time import monotonic
from typing import Any, Final
from weakref import getweakrefcount

from twisted.logger import Logger

from ropewalk.calling.task import Task, register_task, swap_current_task
from ropewalk.errors import CATALOGUE, named
from ropewalk.request import PENDING, Request

log = Logger(namespace="ropewalk.handlers")

BLOCKING = 0.5
"""If one step of a task takes more seconds, the log warns that it blocked the reactor. The engine measures the first
segment."""

_enter_task: Final[Any] = asyncio._enter_task  # noqa: SLF001 - meant for code that runs tasks, as this module does
_leave_task: Final[Any] = asyncio._leave_task  # noqa: SLF001 - as above

_LOOK_UP: Final[Any] = object()
_NOTHING: Final[Any] = None


class HandlerTask(Task):
    """The task of a handler that waits. Its result becomes the response to its request."""

    __slots__ = ("request",)

    request: Request

    def begin_wait(self, request: Any, awaited: Any) -> None:
        """Make the coroutine the task of its request, because its first segment has ended at an await."""
        self.request = request
        if self.loop is not None:
            register_task(self)
        request.run(self)
        if request.gone:
            self.cancel()
        self.wait(awaited)

    def step(self, error: BaseException | None = None) -> None:
        began = monotonic()
        super().step(error)
        seconds = monotonic() - began
        if seconds > BLOCKING:
            who = named(self.coroutine)
            remedy = CATALOGUE["RW306"].remedy
            log.warn(
                "{code} {who} blocked the reactor for {seconds:.1f} s. {remedy}",
                code="RW306",
                who=who,
                seconds=seconds,
                remedy=remedy,
            )

    def handle_outcome(self) -> None:
        request = self.request
        request.ran()
        error = self.error
        if error is None:
            request.service.send_value(request, self.outcome)
            return
        self.forget_frames()
        request.service.fail(request, error)


class CoroutineRunner:
    """Runs the first segments of coroutines. `make_task` makes the task for each coroutine."""

    def __init__(self, make_task: Callable[..., HandlerTask] = HandlerTask) -> None:
        self._make_task = make_task
        self.spare: list[HandlerTask] = []
        """Unused tasks, whose coroutines have ended in their first segment. The next coroutine reuses one of them."""

    def drive(self, request: Any, coroutine: Coroutine[Any, Any, Any], context: Context, loop: Any = _LOOK_UP) -> Any:
        """Run the first segment of a coroutine, inside its context. Returns its value, or PENDING if it waits.

        Raises what the coroutine raises. `request` is passed to the task's `begin_wait`. `loop` is the running event
        loop, if the caller knows it.
        """
        if loop is _LOOK_UP:
            loop = running_loop()
        if self.spare:
            task = self.spare.pop()
            task.coroutine = coroutine
            task.context = context
            task.loop = loop
        else:
            task = self._make_task(coroutine, context, loop)
        former = None
        if loop is not None:
            try:
                _enter_task(loop, task)
            except RuntimeError:  # the caller runs inside another task, for example a test's
                former = swap_current_task(loop, task)
        try:
            awaited = coroutine.send(None)
        except StopIteration as stop:
            value = stop.value
        except BaseException as error:
            task.error = error
            task.finish()
            task.forget_frames()
            raise
        else:
            value = PENDING
        finally:
            if loop is not None:
                _leave_task(loop, task)
                if former is not None:
                    _enter_task(loop, former)
        if value is PENDING:
            task.begin_wait(request, awaited)
        elif getrefcount(task) == _UNSHARED and not task.marked and not getweakrefcount(task):
            task.coroutine = task.context = _NOTHING
            self.spare.append(task)
        else:
            task.outcome = value
            task.finish()
        return value


def _count_references() -> int:
    """The reference count of an object that only one local variable refers to."""
    unshared = object()
    return getrefcount(unshared)


_UNSHARED: Final = _count_references()
