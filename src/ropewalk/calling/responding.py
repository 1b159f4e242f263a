"""From what a handler returned or raised to an answer."""

from asyncio import CancelledError, current_task
from asyncio import _get_running_loop as running_loop
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import Context, copy_context
from inspect import iscoroutine
from typing import Any, Final, cast

from msgspec import Struct
from twisted.internet.defer import CancelledError as DeferredCancelled
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ropewalk.calling.awaitables import must_wait, resolve
from ropewalk.calling.failure_log import blame_error_handler, log_error, log_shortage
from ropewalk.calling.settling import Settled, close_unsent, remember, settle, settle_plain
from ropewalk.calling.shortages import shortage_in
from ropewalk.errors import (
    LATE_REMEDY,
    BadBody,
    BodyTooLarge,
    Disconnected,
    HandlerError,
    HTTPError,
    RopewalkError,
    WrongReturn,
    interrupts,
    named,
    phrase,
)
from ropewalk.request import PENDING, Request
from ropewalk.resource import NOT_DONE_YET, Resource
from ropewalk.response import BYTES, JSON, TEXT, Response, to_json
from ropewalk.tracebacks import format_error

_JSON: Final = ((b"Content-Type", JSON),)
_LEAVING: Final = (CancelledError, DeferredCancelled, Disconnected, GeneratorExit)
"""What ends a handler whose client has left."""


async def respond(request: Request, value: Any, call: Callable[..., Any]) -> Response:
    """The Response that a handler's value stands for, waited for where it must be, and fit to be sent."""
    if must_wait(value):
        value = await resolve(value, call)
        plain = settle_plain(value, request)
        if plain is not None:
            return plain
    if value is PENDING or (value is NOT_DONE_YET and _may_answer_itself(call)):
        return remember(await _answered(request), request)
    response = _as_response(value, call, request)
    if request.prepared:
        response = request.complete(response)
    elif response is value:
        settled: Settled | None = getattr(request, "settled", None)
        if settled is None or response is not settled[0]:
            response = response.detached()  # middleware may change it, and the program return it to others
    return await settle(response, request)


async def respond_to_error(request: Request, error: BaseException, scope: tuple[Any, ...]) -> Response:
    """The Response for whatever a handler or a middleware has raised; it is logged where that is due.

    Raises the error where no response is to be made: the client has left, or the handler is being cancelled.
    """
    if _passes(request, error, scope):
        raise error
    if request.started or request.finished:
        fail(request, error)
        response: Response = _Answered(status=request.status or 500)
    else:
        request.forget()
        response = await _respond_or_give_up(request, error, scope)
    return remember(request.fail_with(error, response), request)


async def _respond_or_give_up(request: Request, error: BaseException, scope: tuple[Any, ...]) -> Response:
    try:
        return await settle(await _failed(request, error, scope), request)
    except BaseException as raised:
        if _passes(request, raised, scope):
            raise
        log_error(request, raised)
        return plain_error(HTTPError(500))


def _passes(request: Request, error: BaseException, scope: tuple[Any, ...]) -> bool:
    """Whether an error goes through all middleware, because it ends the handler or the process.

    A cancelled Deferred does, unless an error handler names the error: what has cancelled it, such as `addTimeout` in
    a middleware, expects its own error to come back. Where no code takes it, `fail` logs it.
    """
    if isinstance(error, GeneratorExit) or interrupts(error):
        return True
    if request.gone:
        return isinstance(error, _LEAVING)
    if isinstance(error, DeferredCancelled):
        return not _handler_for(error, scope)[1]
    loop = running_loop() if isinstance(error, CancelledError) else None
    task = None if loop is None else current_task(loop)
    return task is not None and task.cancelling() > 0  # by a timeout, say; else what was awaited was cancelled


async def send(response: Response, request: Request) -> Response:
    """Send a response to its end; what stands for it from then on."""
    rest = response.send(request)
    if rest is not None:
        await rest
    return _Answered(status=request.status or response.status)


async def close_dropped(request: Request) -> None:
    """Close the streams that handlers have begun, and middleware has replaced. What that raises is logged."""
    for error in await close_unsent(request.begun):
        if interrupts(error):
            raise error
        if not (request.gone and isinstance(error, _LEAVING)):
            log_error(request, error)
    del request.begun


def plain_error(error: HTTPError) -> Response:
    """An HTTPError as it is answered where no handler is registered for it."""
    plain = error.detail == phrase(error.status)
    return Response(f"{error.detail}\n" if plain else error.detail, error.status, error.headers)


def deliver(request: Request, value: Any) -> None:
    """Answer with the value of a handler, whatever its kind."""
    call = _call(request)
    try:
        if isinstance(value, Deferred):
            request.run(value)
            value.addBoth(_fired, request, copy_context())
        elif iscoroutine(value):
            _start(request, resolve(value, call))
        elif value is PENDING:
            pass  # whoever returns that answers, and cleans up, by itself
        elif value is NOT_DONE_YET and _may_answer_itself(call):
            request.detach()
        elif request.prepared or not _answer_value(request, value):
            rest = request.complete(_as_response(value, call, request)).send(request)
            if rest is not None:
                _start(request, _sent(rest, request))
    except BaseException as error:  # whatever a handler's value brings about is an answer or a log line
        if interrupts(error):
            raise
        fail(request, error)


def fail(request: Request, error: BaseException) -> None:
    """Answer for a handler that raised: as registered, else an HTTPError as text, else 500 and a line in the log.

    Where the system lacks something, it is 503 or 507, and there is a line at intervals.
    """
    if isinstance(error, _LEAVING) and (request.gone or request.is_stopped()):
        if not request.gone:
            request.end_stream()
        return
    if request.finished or request.started:
        log_late(request, error)
        with suppress(Disconnected):  # the error may be one for which the engine has cut the connection itself
            request.abort()
        return
    if request.is_failing():
        log_error(request, error)
        with suppress(Disconnected):
            request.give_up()
        return
    request.forget()
    try:
        scope = getattr(_call(request), "scope", None) or (request.service.app,)
        if isinstance(error, HTTPError) and not any(app.errors for app in scope):
            value: Any = plain_error(error)
        else:
            context = copy_context()
            value = context.run(request.service.drive, request, _failed(request, error, scope), context)
    except BaseException as raised:
        if interrupts(raised):
            raise
        fail(request, raised)
        return
    if value is not PENDING:
        deliver(request, value)


def log_late(request: Request, error: BaseException) -> None:
    """Log an error to which no response can be made any more: one has begun or is complete, or the client has left.

    Errors that only say that the client has left are not logged. Where it has left, neither are those that would have
    become a response without a line in the log: HTTPErrors, and classes with an error handler of their own.
    """
    if isinstance(error, BadBody | BodyTooLarge):  # those are the client's, and the engine has logged them
        return
    if request.gone:
        if isinstance(error, (*_LEAVING, HTTPError)):
            return
        scope = getattr(_call(request), "scope", None) or (request.service.app,)
        if _handler_for(error, scope)[1] and not isinstance(error, RopewalkError):
            return
    log_error(request, error, LATE_REMEDY)


async def _failed(request: Request, error: BaseException, scope: tuple[Any, ...]) -> Response:
    """The response for an error, logged where that is due, whatever else goes wrong."""
    handler, expected = _handler_for(error, scope)
    shortage = None if expected else shortage_in(error)
    if shortage is not None:
        log_shortage(request, error, shortage)
        error = shortage.to_http_error()
        handler, _ = _handler_for(error, scope)
    is_http = isinstance(error, HTTPError)
    # What is not expected is logged, whatever is made of it; and so is what Ropewalk itself finds wrong in a program.
    logged = not is_http and (not expected or isinstance(error, RopewalkError))
    if logged:
        log_error(request, error, None if handler is None else LATE_REMEDY)
    try:
        if handler is not None:
            response = await _handle(request, error, handler)
            if not (is_http or logged) and response.status == 500:
                status = f"The response has status 500, because {named(handler)} gave no other"
                log_error(request, error, f"{LATE_REMEDY} {status}: return Response(body, status=...) there.")
            return response
        if isinstance(error, HTTPError):
            return plain_error(error)
    except BaseException as raised:
        if _passes(request, raised, scope):
            raise
        if isinstance(raised, HTTPError) and not is_http:  # an error handler may say it in this way
            return await _failed(request, raised, scope)
        if raised is not error or not logged:
            log_error(request, raised)
        error = raised
    return await _failed_again(request, error, scope, handler)


async def _failed_again(
    request: Request, error: BaseException, scope: tuple[Any, ...], tried: Callable[..., Any] | None
) -> Response:
    """The response for an error that is logged, and that no handler has made one of."""
    for app in reversed(scope):
        handler = app.errors.find_status(500)
        if handler is not None and handler is not tried:
            try:
                return await _handle(request, error, handler)
            except BaseException as raised:
                if _passes(request, raised, scope):
                    raise
                log_error(request, raised)
    if scope[0].debug:
        return Response(format_error(error), 500)
    return plain_error(HTTPError(500))


def _handler_for(error: BaseException, scope: tuple[Any, ...]) -> tuple[Callable[..., Any] | None, bool]:
    """The error handler of the innermost app that has one, and whether it is registered for this kind of error."""
    unexpected = not isinstance(error, HTTPError)
    for app in reversed(scope):
        handler = app.errors.find(error)
        if handler is not None:
            return handler, True
        if unexpected:
            handler = app.errors.find_status(500) if isinstance(error, _LEAVING) else app.errors.find_unexpected(error)
            if handler is not None:
                return handler, False
    return None, False


async def _handle(request: Request, error: BaseException, handler: Callable[..., Any]) -> Response:
    """What an error handler makes of an error; where it says no status, the error's."""
    try:
        value = handler(request, error)
        if must_wait(value):
            value = await resolve(value, handler)
        response = _as_response(value, handler, request)
    except BaseException as raised:
        if raised is not error:
            if raised.__context__ is None:
                raised.__context__ = error
            blame_error_handler(raised, handler, error)
        raise
    if response is not value:
        response.status = error.status if isinstance(error, HTTPError) else 500
    if isinstance(error, HTTPError) and error.headers:
        if response is value:
            response = response.detached()
        for name, field in error.headers:
            response.headers.setdefault(name, field)
    return response


class _Answered(Response):
    """Stands for an answer that a resource gave by itself."""

    __slots__ = ()

    def settle(self, request: Request) -> Response:
        """It has been sent."""
        del request
        return self

    def send(self, request: Request) -> None:
        """It has been sent."""


def _answer_value(request: Request, value: Any) -> bool:
    """Answer with a value for which no Response need be made: those that most handlers give."""
    endpoint = request.endpoint
    if endpoint is None:
        return False
    kind = type(value)
    if kind is str:
        request.respond(200, ((b"Content-Type", endpoint.text_type),), value)
    elif kind is dict or kind is list or isinstance(value, Struct):
        request.respond(200, _JSON, to_json(value))
    elif kind is bytes:
        request.respond(200, ((b"Content-Type", endpoint.bytes_type),), value)
    elif value is None:
        request.respond(204, (), b"")
    else:
        return False
    return True


async def _answered(request: Request) -> Response:
    request.detach()
    if not request.finished:
        await request.notifyFinish()
    return _Answered(status=request.status or 200)


async def _sent(rest: Coroutine[Any, Any, None], request: Request) -> Response:
    await rest
    return _Answered(status=request.status or 200)


def _as_response(value: Any, call: Callable[..., Any], request: Request) -> Response:
    endpoint = request.endpoint
    text_type, bytes_type = (TEXT, BYTES) if endpoint is None else (endpoint.text_type, endpoint.bytes_type)
    try:
        return Response.of(value, text_type, bytes_type)
    except HandlerError as error:
        if error.code != "RW201":
            raise
        kind = type(value).__qualname__
        remedy = "Write `Response(body, status=...)`." if isinstance(value, tuple) else None
        raise WrongReturn("RW201", f"{named(call)} returned a value of type {kind}.", remedy) from None


def _may_answer_itself(call: Callable[..., Any]) -> bool:
    return isinstance(getattr(call, "__self__", None), Resource)


def _call(request: Request) -> Callable[..., Any]:
    """The handler of a request, or what stands in its place."""
    endpoint = request.endpoint
    return fail if endpoint is None else endpoint.call


def _fired(result: Any, request: Request, context: Context) -> None:
    request.ran()
    if isinstance(result, Failure):
        context.run(fail, request, cast("BaseException", result.value))
    else:
        context.run(deliver, request, result)


def _start(request: Request, coroutine: Coroutine[Any, Any, Any]) -> None:
    """Run a coroutine for a request and deliver its value."""
    context = copy_context()
    try:
        value = context.run(request.service.drive, request, coroutine, context)
    except BaseException as error:
        if interrupts(error):
            raise
        fail(request, error)
        return
    if value is not PENDING:
        deliver(request, value)
