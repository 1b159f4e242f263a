"""Runs the coroutines of handlers.

The first segment, up to the first await that waits, runs at once. Most coroutines end in it. The rest runs as a task.
"""

from collections.abc import Callable
from time import monotonic
from typing import Any, Self

from twisted.logger import Logger

from ropewalk.calling.task import Task, register_task, swap_current_task
from ropewalk.errors import CATALOGUE, named
from ropewalk.request import FirstSegmentRunner, Request
from ropewalk.tracebacks import PACKAGE

log = Logger(namespace="ropewalk.handlers")

BLOCKING = 0.5
"""If one step of a task takes longer than this time in seconds, the log warns that it blocked the reactor. The engine
measures the first segment."""


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
            who = _user_code(self.coroutine, self.request)
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


def _user_code(coroutine: Any, request: Request) -> str:
    """The code that may have blocked. A coroutine of this package calls a handler, its providers and middleware."""
    code = getattr(coroutine, "cr_code", None)
    handler = request.engine_handler
    if code is None or handler is None or not code.co_filename.startswith(PACKAGE):
        return named(coroutine)
    return f"{named(handler.call)}, or one of its providers or middleware,"


class CoroutineRunner(FirstSegmentRunner):
    """Runs the first segments of coroutines. `make_task` makes the task of a coroutine that waits."""

    def __new__(cls, make_task: Callable[..., HandlerTask] = HandlerTask) -> Self:
        return super().__new__(cls, make_task, swap_current_task)
