"""Runs the coroutines of handlers.

The first segment, up to the first await that waits, runs at once. Most coroutines never wait, so they end there and
need no task. A coroutine that waits continues as a task.
"""

from collections.abc import Callable
from time import monotonic
from typing import Any, Self

from ropewalk.calling.blocked_reactor import BLOCKING, warn_of_blocked_reactor
from ropewalk.calling.task import Task, register_task, swap_current_task
from ropewalk.request import FirstSegmentRunner, Request


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
            warn_of_blocked_reactor(self.coroutine, self.request, seconds)

    def handle_outcome(self) -> None:
        request = self.request
        request.ran()
        error = self.error
        if error is None:
            request.service.send_value(request, self.outcome)
            return
        self.forget_frames()
        request.service.fail(request, error)


class CoroutineRunner(FirstSegmentRunner):
    """Runs the first segments of coroutines. `make_task` makes the task of a coroutine that waits."""

    def __new__(cls, make_task: Callable[..., HandlerTask] = HandlerTask) -> Self:
        return super().__new__(cls, make_task, swap_current_task)
