"""Turns a handler's return value or exception into a response, and sends it."""

from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import Context, copy_context
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ropewalk.awaited_truth import is_coroutine
from ropewalk.calling.awaitables import resolve
from ropewalk.calling.default_error_responses import default_response
from ropewalk.calling.error_handlers import CANCELLATIONS
from ropewalk.calling.error_responses import error_response
from ropewalk.calling.failure_log import log_error, log_late
from ropewalk.calling.internal_server_error import plain_server_error
from ropewalk.calling.page_source import apps_around
from ropewalk.calling.passing_exceptions import passes_through
from ropewalk.calling.settling import close_unsent, remember_settled, settle, settle_added, settle_plain
from ropewalk.calling.value_to_response import SentResponse, send_plain_value, to_response
from ropewalk.errors import Disconnected, HTTPError, WrongReturn, interrupts, named
from ropewalk.request import PENDING, Request
from ropewalk.resource import NOT_DONE_YET, resource_of
from ropewalk.response import Response
from ropewalk.waiting import must_wait

# These functions return the response of a handler inside middleware as an object


async def respond(request: Request, value: Any, call: Callable[..., Any]) -> Response:
    """The Response for the value that `call` returned. A value is awaited if necessary.

    The response is settled: it was checked, and can be sent unchanged.
    """
    if must_wait(value):
        value = await resolve(value, call)
        plain = settle_plain(value, request, call)
        if plain is not None:
            return plain
    if value is PENDING or (value is NOT_DONE_YET and resource_of(call) is not None):
        return remember_settled(await _wait_until_sent(request), request)
    response = to_response(value, call, request)
    if request.prepared:
        response = request.complete(response)
    elif response is value and response is not request.settled:
        response = response.detached()  # middleware may change the copy, and the handler may return `response` again
    return await settle(response, request)


async def respond_again(request: Request, value: Any, middleware: Callable[..., Any]) -> Response:
    """The Response for the value that a middleware has returned. The value is not the unchanged response of `next`."""
    if value is None:
        raise WrongReturn("RW209", f"{named(middleware)} returned None.")
    return value if settle_added(value, request) else await respond(request, value, middleware)


async def respond_to_error(request: Request, error: BaseException, apps: tuple[Any, ...]) -> Response:
    """The Response to an exception of a handler or a middleware. The exception is logged if it is unexpected.

    Raises the exception itself if it must not become a response, because the client has left or the handler is being
    cancelled.
    """
    request.note_failure(error)
    if passes_through(request, error, apps):
        raise error
    if (request.started or request.finished) and not getattr(request, "outlives_exchange", False):
        fail(request, error)
        response: Response = SentResponse(status=request.status or 500)
    else:
        request.forget()
        response = await _sendable_error_response(request, error, apps)
    return remember_settled(request.fail_with(error, response), request)


async def _sendable_error_response(request: Request, error: BaseException, apps: tuple[Any, ...]) -> Response:
    try:
        return await settle(await error_response(request, error, apps), request)
    except BaseException as raised:
        if passes_through(request, raised, apps):
            raise
        log_error(request, raised)
        return plain_server_error(request, apps)


async def send(response: Response, request: Request) -> Response:
    """Send a whole response. Returns an object that stands for the sent response."""
    rest = response.send(request)
    if rest is not None:
        await rest
    return SentResponse(status=request.status or response.status)


async def close_dropped(request: Request) -> None:
    """Close streamed bodies that middleware has replaced. Log the exceptions that closing raises."""
    for error in await close_unsent(request.begun):
        if interrupts(error):
            raise error
        if not (request.gone and isinstance(error, CANCELLATIONS)):
            log_error(request, error)
    request.begun = ()


async def _wait_until_sent(request: Request) -> Response:
    request.detach()
    if not request.finished:
        await request.notifyFinish()
    return SentResponse(status=request.status or 200)


# These functions send the final value, which the handler or its outermost middleware has returned


def send_value(request: Request, value: Any) -> None:
    """Send the response for the value that a handler returned."""
    try:
        if isinstance(value, Response):  # middleware returns a Response
            rest = (request.complete(value) if request.prepared else value).send(request)
            if rest is not None:
                _run(request, _send_rest(rest, request))
        elif isinstance(value, Deferred):
            request.run(value)
            value.addBoth(_fired, request, copy_context())
        elif is_coroutine(value):
            _run(request, resolve(value, _called(request)))
        elif value is PENDING:
            pass  # the handler, such as that of an ASGI application, sends the response itself
        elif value is NOT_DONE_YET and resource_of(_called(request)) is not None:
            request.detach()
        elif request.prepared or not send_plain_value(request, value):
            rest = request.complete(to_response(value, _called(request), request)).send(request)
            if rest is not None:
                _run(request, _send_rest(rest, request))
    except BaseException as error:  # every exception becomes a response or a line in the log
        if interrupts(error):
            raise
        if request.gone and isinstance(error, Disconnected):
            return  # `fail` is not called, because it would drop the handler's background tasks
        fail(request, error)


def fail(request: Request, error: BaseException) -> None:
    """Send the response to an exception of a handler.

    The error handler for the exception makes the response. Without an error handler, an HTTPError has a default
    response, and any other exception gets a 500. Unexpected exceptions are logged. If the system is out of descriptors
    or disk space, the status is 503 or 507, and the log has at most one line in each interval.
    """
    request.note_failure(error)
    if isinstance(error, CANCELLATIONS) and (request.gone or request.is_stopped()):
        if not request.gone:
            request.end_stream()
        return
    if request.finished or request.started:
        log_late(request, error)
        with suppress(Disconnected):  # the engine may have closed the connection itself because of this error
            request.abort()
        return
    if request.is_failing():
        log_error(request, error)
        with suppress(Disconnected):
            _give_up(request)
        return
    request.forget()
    try:
        apps = apps_around(request)
        handled = any(app.errors for app in apps)
        response = default_response(error, request, apps) if isinstance(error, HTTPError) and not handled else None
    except BaseException as raised:
        if interrupts(raised):
            raise
        fail(request, raised)
        return
    if response is None:
        _run(request, error_response(request, error, apps))
    else:
        send_value(request, response)


def _give_up(request: Request) -> None:
    """Send a plain 500, because making the response to an error has failed."""
    request.forget()
    try:
        plain_server_error(request, apps_around(request)).send(request)
    except Exception as error:
        if isinstance(error, Disconnected):
            raise
        request.give_up()


async def _send_rest(rest: Coroutine[Any, Any, None], request: Request) -> Response:
    await rest
    return SentResponse(status=request.status or 200)


def _called(request: Request) -> Callable[..., Any]:
    """The handler of a request, for messages. Before it is found, a function of this module is returned instead."""
    handler = request.engine_handler
    return fail if handler is None else handler.call


def _fired(result: Any, request: Request, context: Context) -> None:
    request.ran()
    if isinstance(result, Failure):
        context.run(fail, request, cast("BaseException", result.value))
    else:
        context.run(send_value, request, result)


def _run(request: Request, coroutine: Coroutine[Any, Any, Any]) -> None:
    """Run a coroutine for a request, and send the response for its value."""
    context = copy_context()
    try:
        value = context.run(request.service.drive, request, coroutine, context)
    except BaseException as error:
        if interrupts(error):
            raise
        fail(request, error)
        return
    if value is not PENDING:
        send_value(request, value)
