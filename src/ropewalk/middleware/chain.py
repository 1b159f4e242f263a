"""A handler with its middleware around it, as one coroutine function. Built once for an endpoint, not for a request."""

from collections.abc import Awaitable, Callable, Coroutine
from inspect import iscoroutinefunction
from typing import Any, cast

from ropewalk.calling import close_dropped, is_settled, note_middleware, respond, respond_to_error, send, settle_plain
from ropewalk.errors import HandlerError, HTTPError, WrongReturn, named
from ropewalk.request import Request
from ropewalk.resource import Handler
from ropewalk.response import Response

Next = Callable[[Request], Awaitable[Response]]
Middleware = Callable[[Request, Next], Awaitable[Any]]
Step = Callable[[Request], Coroutine[Any, Any, Response]]


def check(middleware: Middleware) -> Middleware:
    """Raises HandlerError (RW205) for what has not the shape of a middleware."""
    if not iscoroutinefunction(middleware) and not iscoroutinefunction(type(middleware).__call__):
        raise HandlerError("RW205", f"{named(middleware)} is not a coroutine function.")
    return middleware


def chain(handler: Handler, scope: tuple[Any, ...]) -> Step:
    """A handler inside the middleware of the apps of a scope, which is outermost first."""
    step = _innermost(handler, scope)
    for depth in range(len(scope), 0, -1):
        for middleware in reversed(scope[depth - 1].middlewares):
            step = _around(middleware, step, scope[:depth])
    step = _outermost(step)
    step.scope = scope  # type: ignore[attr-defined] # calling.fail finds the apps' error handlers by it
    step.__wrapped__ = handler.call  # type: ignore[attr-defined] # error messages find the user's code by it
    return step


def _innermost(handler: Handler, scope: tuple[Any, ...]) -> Step:
    call = handler.call_in_middleware or handler.call

    async def innermost(request: Request) -> Response:
        try:
            if handler.whole_body and request.has_body:
                await request.body(handler.body_limit)
            value = call(request, **request.params) if handler.pass_params else call(request)
            return settle_plain(value, request) or await respond(request, value, call)
        except BaseException as error:  # noqa: BLE001 - logged, or raised again where it ends the handler
            return await respond_to_error(request, error, scope)

    return innermost


def _around(middleware: Middleware, inner: Step, scope: tuple[Any, ...]) -> Step:
    async def around(request: Request) -> Response:
        try:
            value = await middleware(request, inner)
            if is_settled(value, request):
                return cast("Response", value)
            if value is None:
                raise WrongReturn("RW209", f"{named(middleware)} returned None.")
            return await respond(request, value, middleware)
        except BaseException as error:  # noqa: BLE001 - as above
            if request.has_failed_with(error):
                return request.failure()
            if not isinstance(error, HTTPError) and not _came_from_within(error):
                note_middleware(error, middleware)
            return await respond_to_error(request, error, scope)

    return around


def _outermost(inner: Step) -> Step:
    async def outermost(request: Request) -> Response:
        try:
            try:
                response = await inner(request)
            finally:
                request.leave_middleware()
            if isinstance(response.body, bytes | str) and not hasattr(request, "begun"):
                return response
            # The parts of a stream are made by the task and in the context that have made the first.
            return await send(response, request)
        except GeneratorExit:
            request.begun = ()  # nothing can be awaited any more
            raise
        finally:
            if getattr(request, "begun", None):
                await close_dropped(request)

    return outermost


def _came_from_within(error: BaseException) -> bool:
    """Whether the step inside of a middleware has raised an error, rather than the middleware itself."""
    trace = error.__traceback__
    steps = 0
    while trace is not None:
        steps += trace.tb_frame.f_code.co_filename == __file__
        trace = trace.tb_next
    return steps > 1
