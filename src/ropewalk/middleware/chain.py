"""Combine a handler and its middleware into one coroutine function. This is done once for each handler, not for each
request."""

from collections.abc import Awaitable, Callable, Coroutine
from types import CoroutineType
from typing import Any, Final, cast

from msgspec import Struct

from ropewalk.calling import (
    close_dropped,
    known_types,
    note_middleware,
    respond,
    respond_again,
    respond_to_error,
    send,
    settle_known,
    settle_plain,
)
from ropewalk.errors import HTTPError
from ropewalk.middleware.at_once import AtOnce, at_once_of, short_cut_of
from ropewalk.middleware.order import check_order
from ropewalk.request import Request, ValueWithFields
from ropewalk.resource import Handler, check_middleware, is_async
from ropewalk.response import JSON, Response, to_json

Next = Callable[[Request], Awaitable[Response]]
Middleware = Callable[[Request, Next], Awaitable[Any]]
PREFLIGHT: Final = "ropewalk_responds_to_preflight"
"""The name of the attribute that marks a middleware which responds to CORS preflights, so that it also runs for
them."""
Step = Callable[[Request], Coroutine[Any, Any, Response]]
_NO_OUTCOME: Final = None, None
_AT_FIRST: Final[tuple[Any, Any, Any]] = None, None, ()
"""The values of `request.settled`, `request.failed` and `request.begun` before middleware runs. If these attributes
were unset, reading them would raise an AttributeError, which costs more than calling a middleware."""


def check(middleware: Middleware) -> Middleware:
    """Return the middleware. Raises HandlerError (RW205) for an object that is not a coroutine function."""
    return cast("Middleware", check_middleware(middleware))


def chain(handler: Handler, apps: tuple[Any, ...]) -> Callable[[Request], Coroutine[Any, Any, Any]]:
    """Wrap a handler in the middleware of its route, and the result in the middleware of `apps`, which are given
    outermost first.

    Raises HandlerError (RW238) for middleware in a wrong order.
    """
    check_order([*(each for app in apps for each in app.middlewares), *handler.middleware], handler.call)
    layers = [(each, apps[: depth + 1]) for depth, app in enumerate(apps) for each in app.middlewares]
    layers += [(each, apps) for each in handler.middleware]
    plain_types = known_types(handler.text_type, handler.bytes_type)
    step = _call_handler(handler, apps, plain_types)
    if not layers:
        layers = [(_pass_on, apps)]
    for middleware, around in reversed(layers[1:]):
        step = _call_middleware(middleware, step, around)
    outermost: Any = _call_outermost(layers[0][0], step, layers[0][1], plain_types)
    at_once = at_once_of(layers[0][0]) if len(layers) == 1 else None
    if at_once is not None and _may_end_at_once(handler, plain_types):
        step = _use_outcome(handler.call, apps)
        finish = _call_outermost(at_once.finish, step, layers[0][1], plain_types)
        outermost = _call_at_once(handler, at_once, outermost, finish)
    short_cut = short_cut_of(layers[0][0])
    if short_cut is not None:
        outermost = short_cut(outermost)
    outermost.ropewalk_apps = apps  # for `apps_around`
    outermost.__wrapped__ = handler.call  # error messages name this function
    return cast("Callable[[Request], Coroutine[Any, Any, Any]]", outermost)


def _call_handler(handler: Handler, apps: tuple[Any, ...], plain_types: dict[type, str]) -> Step:
    call = handler.call_in_middleware or handler.call
    whole_body, pass_params = handler.whole_body, handler.pass_params

    async def call_handler(request: Request) -> Response:
        try:
            if whole_body and request.has_body and request.kept_form is None:
                await request.body(handler.body_limit)
            value = call(request, **request.params) if pass_params else call(request)
            if type(value) is CoroutineType:
                value = await value
            kind = plain_types.get(type(value))
            if kind is not None and not request.prepared:
                response = settle_known(value, kind)
                request.settled = response
                return response
            return settle_plain(value, request, call) or await respond(request, value, call)
        except BaseException as error:  # noqa: BLE001 - logged, or raised again if it ends the handler
            return await respond_to_error(request, error, apps)

    return call_handler


def _may_end_at_once(handler: Handler, plain_types: dict[type, str]) -> bool:
    """Whether a handler is a plain function that may return a value which the engine sends without Python code."""
    is_plain = handler.utf_8 and len(plain_types) == 2 and handler.call_in_middleware is None
    return is_plain and not is_async(handler.user_code or handler.call)


def _call_at_once(handler: Handler, at_once: AtOnce, in_coroutine: Step, finish: Step) -> Callable[[Request], Any]:
    """Return a plain function that does the same as that of `_call_outermost`. The function returns a plain value, or a
    coroutine if anything must wait or has failed."""
    call, whole_body, pass_params = handler.call, handler.whole_body, handler.pass_params
    begin, fields_for = at_once.begin, at_once.fields

    def call_at_once(request: Request) -> Any:
        if (whole_body and request.has_body) or not begin(request):
            return in_coroutine(request)
        try:
            value = call(request, **request.params) if pass_params else call(request)
            kind = type(value)
            if kind is str or kind is bytes:
                fields = None if request.prepared else fields_for(request)
                if fields is not None:
                    return ValueWithFields(value, fields) if fields else value
            elif (kind is dict or kind is list or isinstance(value, Struct)) and not request.prepared:
                body = to_json(value)
                fields = fields_for(request)
                if fields is not None:
                    return ValueWithFields(body, fields, JSON)
            request.outcome = value, None
        except BaseException as error:  # noqa: BLE001 - as in `call_handler`
            request.outcome = None, error
        return finish(request)

    return call_at_once


def _use_outcome(call: Callable[..., Any], apps: tuple[Any, ...]) -> Step:
    """Like `_call_handler`, but for a handler that `_call_at_once` has called: its value or exception is in
    `request.outcome`."""

    async def use_outcome(request: Request) -> Response:
        (value, error), request.outcome = request.outcome, _NO_OUTCOME
        try:
            if error is None:
                if type(value) is CoroutineType:
                    value = await value
                return settle_plain(value, request, call) or await respond(request, value, call)
        except BaseException as raised:  # noqa: BLE001 - as in `call_handler`
            error = raised
        return await respond_to_error(request, error, apps)

    return use_outcome


def _call_middleware(middleware: Middleware, next_step: Step, apps: tuple[Any, ...]) -> Step:
    async def call_middleware(request: Request) -> Response:
        try:
            value = await middleware(request, next_step)
            settled = request.settled
            if settled is None or value is not settled:
                return await respond_again(request, value, middleware)
            if (
                settled._headers is None  # noqa: SLF001 - as in `is_as_settled`, whose call costs as much as a coroutine
                and settled.body is settled._settled_body  # noqa: SLF001
                and settled.status is settled._settled_status  # noqa: SLF001
            ) or settled.is_as_settled():
                return settled
            return await respond_again(request, value, middleware)
        except BaseException as error:  # noqa: BLE001 - as above
            return await _respond_to_error(request, error, middleware, apps)

    return call_middleware


def _call_outermost(
    middleware: Middleware, next_step: Step, apps: tuple[Any, ...], plain_types: dict[type, str]
) -> Callable[[Request], Coroutine[Any, Any, Any]]:
    """Like `_call_middleware`, but for the outermost middleware: a stream is sent here. Any other response is returned,
    usually as str or bytes, and the engine sends it."""

    async def call_outermost(request: Request) -> Any:
        request.settled, request.failed, request.begun = _AT_FIRST
        try:
            try:
                value = await middleware(request, next_step)
                settled = request.settled
                if settled is None or value is not settled:
                    value = await respond_again(request, value, middleware)
                elif not request.begun and (body := settled.plain_body(plain_types)) is not None:
                    return body  # the engine sends the body itself, which is faster than `Response.send`
                elif not settled.is_as_settled():
                    value = await respond_again(request, value, middleware)
            except BaseException as error:  # noqa: BLE001 - as above
                value = await _respond_to_error(request, error, middleware, apps)
            if isinstance(value.body, (bytes, str)) and not request.begun:
                return value
            if request.failed is not None:
                request.forget_failure()
            request.settled = None
            # A stream is sent here, so that all its parts are produced in the task and context of the first part.
            return await send(value, request)
        except GeneratorExit:
            request.begun = ()  # a coroutine that is closed cannot await `close_dropped`
            raise
        finally:
            if request.failed is not None:
                request.forget_failure()
            request.settled = None  # breaks a reference cycle through the traceback of its exception
            if request.begun:
                await close_dropped(request)

    return call_outermost


async def _pass_on(request: Request, next: Next) -> Response:
    """The middleware for a handler that has no other middleware, so that `_call_outermost` handles the exceptions of
    this handler, too."""
    return await next(request)


async def _respond_to_error(
    request: Request, error: BaseException, middleware: Middleware, apps: tuple[Any, ...]
) -> Response:
    if request.has_failed_with(error):
        return request.failure()
    if not isinstance(error, HTTPError) and not _raised_by_next_step(error):
        note_middleware(error, middleware)
    return await respond_to_error(request, error, apps)


def _raised_by_next_step(error: BaseException) -> bool:
    """Whether `next` raised the exception, and not the middleware that called it. Then the traceback contains two or
    more functions of this file: the caller of the middleware, and `next`."""
    trace = error.__traceback__
    steps = 0
    while trace is not None:
        steps += trace.tb_frame.f_code.co_filename == __file__
        trace = trace.tb_next
    return steps > 1
