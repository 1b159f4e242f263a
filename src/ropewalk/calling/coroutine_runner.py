"""Coroutine handlers: the first segment runs inline, and most end there."""

import asyncio
from asyncio import _get_running_loop as running_loop
from collections.abc import Coroutine
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
"""Seconds after which a handler that was resumed is said to have held up the reactor. The engine sees to the rest."""

enter_task: Final[Any] = asyncio._enter_task  # noqa: SLF001 - for those who write event loops, as we do
leave_task: Final[Any] = asyncio._leave_task  # noqa: SLF001 - the same


class HandlerTask(Task):
    """A handler that waits. When it is done, its request is answered."""

    __slots__ = ("request",)

    request: Request

    def step(self, error: BaseException | None = None) -> None:
        began = monotonic()
        super().step(error)
        seconds = monotonic() - began
        if seconds > BLOCKING:
            who = named(self.coroutine)
            remedy = CATALOGUE["RW306"].remedy
            log.warn(
                "RW306 {who} held up the reactor for {seconds:.1f} s. {remedy}", who=who, seconds=seconds, remedy=remedy
            )

    def settle(self) -> None:
        request = self.request
        request.ran()
        error = self.error
        if error is None:
            request.service.deliver(request, self.outcome)
            return
        self.forget_frames()
        request.service.fail(request, error)


class CoroutineRunner:
    """Runs the handlers of one service."""

    def __init__(self) -> None:
        self.spare: list[HandlerTask] = []
        """Tasks whose coroutine never waited: most handlers end there, and the next one can have the task."""

    def drive(self, request: Request, coroutine: Coroutine[Any, Any, Any], context: Context) -> Any:
        """Run the first segment of a handler, inside its context: its value, or PENDING where it waits."""
        loop = running_loop()
        if self.spare:
            task = self.spare.pop()
            task.coroutine = coroutine
            task.context = context
            task.loop = loop
        else:
            task = HandlerTask(coroutine, context, loop)
        former = None
        if loop is not None:
            try:
                enter_task(loop, task)
            except RuntimeError:  # a task that feeds the engine, such as a test
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
                leave_task(loop, task)
                if former is not None:
                    enter_task(loop, former)
        if value is PENDING:
            task.request = request
            if loop is not None:
                register_task(task)
            request.run(task)
            if request.gone:
                task.cancel()
            task.wait(awaited)
        elif getrefcount(task) == _ALONE and not task.marked and not getweakrefcount(task):
            task.coroutine = task.context = _NOTHING
            self.spare.append(task)
        else:
            task.outcome = value
            task.finish()
        return value


def _references() -> int:
    lonely = object()
    return getrefcount(lonely)


_ALONE: Final = _references()
_NOTHING: Final[Any] = None
