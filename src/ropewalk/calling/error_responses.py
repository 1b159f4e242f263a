"""Makes the response to an exception, with the error handlers of the apps around the handler."""

import sys
from asyncio import CancelledError, current_task
from asyncio import _get_running_loop as running_loop
from collections.abc import Callable
from inspect import CO_COROUTINE
from types import CodeType
from typing import Any, Final

from twisted.internet.defer import CancelledError as DeferredCancelled

from ropewalk.calling.awaitables import resolve
from ropewalk.calling.default_error_responses import default_response
from ropewalk.calling.error_handlers import CANCELLATIONS, find_error_handler
from ropewalk.calling.failure_log import log_error, log_shortage, note_error_handler
from ropewalk.calling.shortages import shortage_in
from ropewalk.calling.value_to_response import to_response
from ropewalk.errors import LATE_REMEDY, HTTPError, RopewalkError, interrupts, named
from ropewalk.request import Request
from ropewalk.response import LateResponse, Response
from ropewalk.tracebacks import PACKAGE, format_error
from ropewalk.waiting import must_wait

ROOT: Final = "call_outermost"
"""The function name of the outermost coroutine for a handler with middleware."""


def passes_through(request: Request, error: BaseException, apps: tuple[Any, ...]) -> bool:
    """Whether an exception passes through all middleware instead of becoming a response.

    These exceptions pass: those that end the process, GeneratorExit, a cancellation after the client has left, and the
    cancellation of the running task. The CancelledError of a Deferred passes if a middleware awaits `next(request)` in
    a Deferred or task of its own, and no error handler is registered for this class: the code that has cancelled it,
    such as `addTimeout`, expects the exception.
    """
    if isinstance(error, GeneratorExit) or interrupts(error):
        return True
    if request.gone:
        return isinstance(error, CANCELLATIONS)
    if isinstance(error, DeferredCancelled):
        return not (_is_awaited_from_the_root() or find_error_handler(error, apps)[1])
    loop = running_loop() if isinstance(error, CancelledError) else None
    task = None if loop is None else current_task(loop)
    return task is not None and task.cancelling() > 0  # the task itself is cancelled, and not only its awaitable


def _is_awaited_from_the_root() -> bool:
    """Whether the request's outermost coroutine awaits the caller, through coroutines only."""
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


async def error_response(request: Request, error: BaseException, apps: tuple[Any, ...]) -> Response:
    """Make the response to an exception. Log an unexpected exception. If the error handler fails, the status is 500."""
    handler, expected = find_error_handler(error, apps)
    shortage = None if expected else shortage_in(error)
    if shortage is not None:
        log_shortage(request, error, shortage)
        error = shortage.to_http_error()
        handler, _ = find_error_handler(error, apps)
    is_http = isinstance(error, HTTPError)
    # Unexpected exceptions are logged, whatever their response is. So are Ropewalk's own errors, because they report
    # mistakes in the application's code.
    logged = not is_http and (not expected or isinstance(error, RopewalkError))
    if logged:
        log_error(request, error, None if handler is None else LATE_REMEDY)
    try:
        if handler is not None:
            response = await _call_error_handler(request, error, handler)
            if not (is_http or logged) and response.status == 500:
                status = f"The response has status 500, because {named(handler)} gave no other"
                log_error(request, error, f"{LATE_REMEDY} {status}: return Response(body, status=...) there.")
            return response
        if isinstance(error, HTTPError):
            return default_response(error, request, apps)
    except BaseException as raised:
        if passes_through(request, raised, apps):
            raise
        if isinstance(raised, HTTPError) and not is_http:  # error handlers may raise a response instead of returning it
            return await error_response(request, raised, apps)
        if raised is not error or not logged:
            log_error(request, raised)
        error = raised
    return await _server_error(request, error, apps, handler)


async def _server_error(
    request: Request, error: BaseException, apps: tuple[Any, ...], tried: Callable[..., Any] | None
) -> Response:
    """The 500 response to an exception that was logged. `tried` is the error handler that has failed, if any."""
    for app in reversed(apps):
        handler = app.errors.find_status(500)
        if handler is not None and handler is not tried:
            try:
                return await _call_error_handler(request, error, handler)
            except BaseException as raised:
                if passes_through(request, raised, apps):
                    raise
                log_error(request, raised)
    trace = format_error(error) if apps[0].debug else None
    return default_response(HTTPError(500), request, apps, trace)


async def _call_error_handler(request: Request, error: BaseException, handler: Callable[..., Any]) -> Response:
    """Call an error handler. Returns its response.

    The response has the exception's status, unless the handler returns a Response object.
    """
    try:
        value = handler(request, error)
        if must_wait(value):
            value = await resolve(value, handler)
        response = to_response(value, handler, request)
    except BaseException as raised:
        if raised is not error:
            if raised.__context__ is None:
                raised.__context__ = error
            note_error_handler(raised, handler, error)
        raise
    if response is not value or (isinstance(response, LateResponse) and not response.has_status):
        response.status = error.status if isinstance(error, HTTPError) else 500
    if isinstance(error, HTTPError) and error.headers:
        if response is value:
            response = response.detached()
        for name, field in error.headers:
            response.headers.setdefault(name, field)
    return response
