"""Make the handlers that the engine calls: a handler with its dependencies, inside the middleware around it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ropewalk.calling import FailedLookup, format_of
from ropewalk.middleware.chain import chain
from ropewalk.request import EngineHandler, Request
from ropewalk.request.forms import FORM_LIMITS
from ropewalk.resource import Handler
from ropewalk.typed import layers_of, with_dependencies
from ropewalk.typed.form_readers import form_limits
from ropewalk.typed.request_reads import NOTHING, READS, reads_of


def engine_handler_for(handler: Handler, apps: tuple[Any, ...], static: bool, foreign: bool = False) -> EngineHandler:
    """Return the handler that the engine calls, with the middleware of `apps`, which are given outermost first.

    `foreign`: the path has parameters that the handler does not take, so they must not be passed to it. Raises
    HandlerError for wrong dependencies.
    """
    if handler.plan is not None and handler.plan.bind is not None:
        handler = with_dependencies(handler, layers_of(apps))
    reads = getattr(handler.call, READS, None)
    if foreign:
        handler = _with_own_params(handler)
    around = handler.middleware or any(app.middlewares for app in apps)
    own = any(app.errors or app.templates is not None for app in apps[1:])
    if around or own or format_of(apps) != format_of(apps[:1]) or not handler.utf_8:
        call: Callable[..., Any] = chain(handler, apps)
        if reads is None and handler.plan is not None:
            reads = reads_of(handler.plan.inputs)
        setattr(call, READS, reads or NOTHING)
        if handler.plan is not None:
            setattr(call, FORM_LIMITS, form_limits(handler.plan.inputs))
        whole_body = pass_params = False
    else:
        call, whole_body, pass_params = handler.call, handler.whole_body, handler.pass_params
    return EngineHandler(
        call,
        whole_body=whole_body,
        body_limit=handler.body_limit,
        pass_params=pass_params,
        static=static,
        text_type=handler.text_type,
        bytes_type=handler.bytes_type,
        compress=handler.compress,
        decompress=handler.decompress,
        half_close=handler.half_close,
    )


def refusing_handler(error: BaseException, apps: tuple[Any, ...]) -> EngineHandler:
    """Return a handler that raises `error`, inside the middleware of `apps`. The search for a handler has raised this
    error."""
    return engine_handler_for(Handler(FailedLookup(error), whole_body=False), apps, static=False)


def _with_own_params(handler: Handler) -> Handler:
    """Wrap a handler so that it gets only the path parameters that it takes, and not the parameters of the mounts
    around it."""
    call, takes = handler.call, handler.takes or ()

    def with_own_params(request: Request) -> Any:
        params = request.params
        return call(request, **{name: params[name] for name in takes if name in params})

    with_own_params.__wrapped__ = call  # type: ignore[attr-defined] # error messages name this function
    return replace(handler, call=with_own_params, pass_params=False)
