"""Combine a handler and its middleware into one coroutine function: once for each handler, not for each request."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, cast

from ropewalk.calling import close_dropped, is_settled, note_middleware, respond, respond_to_error, send, settle_plain
from ropewalk.errors import HTTPError, WrongReturn, named
from ropewalk.middleware.order import check_order
from ropewalk.request import Request
from ropewalk.resource import Handler, check_middleware
from ropewalk.response import Response

Next = Callable[[Request], Awaitable[Response]]
Middleware = Callable[[Request, Next], Awaitable[Any]]
PREFLIGHT: Final = "ropewalk_responds_to_preflight"
"""The name of the attribute that marks a middleware which responds to CORS preflights, so that it also runs for
them."""
Step = Callable[[Request], Coroutine[Any, Any, Response]]


def check(middleware: Middleware) -> Middleware:
    """The middleware. Raises HandlerError (RW205) for an object that is not a coroutine function."""
    return cast("Middleware", check_middleware(middleware))


def chain(handler: Handler, apps: tuple[Any, ...]) -> Step:
    """Wrap a handler in the middleware of its route, and these in the middleware of `apps`, given outermost first.

    Raises HandlerError (RW238) for middleware in a wrong order.
    """
    check_order([*(each for app in apps for each in app.middlewares), *handler.middleware], handler.call)
    step = _call_handler(handler, apps)
    for middleware in reversed(handler.middleware):
        step = _call_middleware(middleware, step, apps)
    for depth in range(len(apps), 0, -1):
        for middleware in reversed(apps[depth - 1].middlewares):
            step = _call_middleware(middleware, step, apps[:depth])
    step = _send_stream(step)
    step.ropewalk_apps = apps  # type: ignore[attr-defined] # `fail` reads it to find error handlers
    step.__wrapped__ = handler.call  # type: ignore[attr-defined] # error messages name this function
    return step


def _call_handler(handler: Handler, apps: tuple[Any, ...]) -> Step:
    call = handler.call_in_middleware or handler.call
    whole_body, pass_params = handler.whole_body, handler.pass_params

    async def call_handler(request: Request) -> Response:
        try:
            if whole_body and request.has_body:
                await request.body(handler.body_limit)
            value = call(request, **request.params) if pass_params else call(request)
            return settle_plain(value, request) or await respond(request, value, call)
        except BaseException as error:  # noqa: BLE001 - logged, or raised again if it ends the handler
            return await respond_to_error(request, error, apps)

    return call_handler


def _call_middleware(middleware: Middleware, next_step: Step, apps: tuple[Any, ...]) -> Step:
    async def call_middleware(request: Request) -> Response:
        try:
            value = await middleware(request, next_step)
            if is_settled(value, request):
                return cast("Response", value)
            if value is None:
                raise WrongReturn("RW209", f"{named(middleware)} returned None.")
            return await respond(request, value, middleware)
        except BaseException as error:  # noqa: BLE001 - as above
            if request.has_failed_with(error):
                return request.failure()
            if not isinstance(error, HTTPError) and not _raised_by_next_step(error):
                note_middleware(error, middleware)
            return await respond_to_error(request, error, apps)

    return call_middleware


def _send_stream(next_step: Step) -> Step:
    async def send_stream(request: Request) -> Response:
        request.enter_middleware()
        try:
            try:
                response = await next_step(request)
            finally:
                request.leave_middleware()
            if isinstance(response.body, (bytes, str)) and not request.begun:
                return response
            # All parts of a stream are produced in the task and the context of the first part, so the stream is sent
            # here.
            return await send(response, request)
        except GeneratorExit:
            request.begun = ()  # the coroutine is being closed, so it can no longer await
            raise
        finally:
            if request.begun:
                await close_dropped(request)

    return send_stream


def _raised_by_next_step(error: BaseException) -> bool:
    """Whether the exception was raised by the step that a middleware calls, not by the middleware itself."""
    trace = error.__traceback__
    steps = 0
    while trace is not None:
        steps += trace.tb_frame.f_code.co_filename == __file__
        trace = trace.tb_next
    return steps > 1
