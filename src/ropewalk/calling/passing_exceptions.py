"""The exceptions that pass through all middleware instead of becoming a response, such as cancellations."""

import sys
from asyncio import CancelledError, current_task
from asyncio import _get_running_loop as running_loop
from inspect import CO_COROUTINE
from types import CodeType
from typing import Any, Final

from twisted.internet.defer import CancelledError as DeferredCancelled

from ropewalk.calling.error_handlers import CANCELLATIONS, find_error_handler
from ropewalk.errors import interrupts
from ropewalk.request import Request
from ropewalk.tracebacks import PACKAGE

ROOT: Final = "call_outermost"
"""The function name of the outermost coroutine for a handler with middleware."""


def passes_through(request: Request, error: BaseException, apps: tuple[Any, ...]) -> bool:
    """Whether an exception passes through all middleware instead of becoming a response.

    These exceptions pass: those that end the process, GeneratorExit, a cancellation after the client has left, and the
    cancellation of the running task. The CancelledError of a Deferred passes if a middleware awaits `next(request)` in
    a Deferred or task of its own, and no error handler is registered for this class: the code that has cancelled this
    Deferred or task, such as `addTimeout`, expects the exception.
    """
    if isinstance(error, GeneratorExit) or interrupts(error):
        return True
    if request.gone:
        return isinstance(error, CANCELLATIONS)
    if isinstance(error, DeferredCancelled):
        return not (_is_awaited_from_the_root() or find_error_handler(error, apps)[1])
    loop = running_loop() if isinstance(error, CancelledError) else None
    task = None if loop is None else current_task(loop)
    return task is not None and task.cancelling() > 0  # the task itself is cancelled, not only what it awaits


def _is_awaited_from_the_root() -> bool:
    """Whether the request's outermost coroutine awaits the caller through coroutines only, without a Deferred or task
    of a middleware in between."""
    frame = sys._getframe(1)  # noqa: SLF001 - as `inspect` does
    outer = frame.f_back
    while outer is not None and not _is_root(frame.f_code):
        if outer.f_code.co_flags & CO_COROUTINE:
            frame = outer
        elif frame.f_code.co_flags & CO_COROUTINE:
            break
        outer = outer.f_back
    return _is_root(frame.f_code)


def _is_root(code: CodeType) -> bool:
    return code.co_name == ROOT and code.co_filename.startswith(PACKAGE)
