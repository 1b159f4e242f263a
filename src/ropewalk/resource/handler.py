"""How one method of one resource is called."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from ropewalk.errors import HandlerError, named, shown
from ropewalk.response import BYTES, TEXT

ATTACHED: Final = "ropewalk_handler"
"""The attribute that holds the Handler of a function."""


@dataclass(frozen=True, slots=True, eq=False)
class Handler:
    """The function that responds to one method of one resource, and how it is called."""

    call: Callable[..., Any]
    whole_body: bool = True
    """Whether it is called when the body has arrived, rather than at the head."""
    pass_params: bool = False
    """Whether it takes the path's parameters as keywords."""
    text_type: str = TEXT
    bytes_type: str = BYTES
    utf_8: bool = True
    """Whether `text_type` names UTF-8, or no charset: the engine encodes str as UTF-8 without Python's help."""
    body_limit: int | None = None
    """The limit of a body in bytes; None for the engine's."""
    half_close: Literal["cancel", "respond", "finish"] = "cancel"
    """What happens to a request whose client closes its sending side before it has its response: "cancel" cancels a
    request that waits, "respond" notifies it, "finish" does nothing."""
    call_in_middleware: Callable[..., Any] | None = None
    """Called in place of `call` inside middleware."""
    names: tuple[str, ...] = ()
    """The names of the path's parameters, in order, from the root of the routes to which the handler belongs."""
    takes: frozenset[str] | None = None
    """The keywords that it takes; None for any."""
    path: str = ""
    """Its path as it is written, for messages."""
    user_code: Any = None
    """The user's code that `call` stands for, which messages name; None if it is `call` itself."""
    plan: Any = None
    """The Plan of a typed handler, of which `call` is a part; None for any other."""
    operation: Any = None
    """The OperationOptions of a route; None for any other handler."""
    resource: Any = None
    """The resource whose requests `call` handles without being its method. It may send responses itself."""
    middleware: tuple[Callable[..., Any], ...] = ()
    """The middleware of the route, outermost first. It runs inside that of the apps."""
    describe_failure: Callable[[Any, BaseException], str] | None = None
    """Returns the code that raised an exception in a request. Unset if `user_code` is precise enough."""

    def __post_init__(self) -> None:
        if self.user_code is not None:
            for function in (self.call, self.call_in_middleware):
                if function is not None:
                    vars(function)[ATTACHED] = self
                    vars(function)["__wrapped__"] = self.user_code  # `inspect.unwrap` and `named` follow this attribute


def attached_handler(call: Any) -> Handler | None:
    """The Handler that was made for a function in place of the user's code; None for any other function."""
    handler = getattr(call, ATTACHED, None)
    return handler if isinstance(handler, Handler) else None


def check_middleware(middleware: Any) -> Any:
    """The middleware. Raises HandlerError (RW205) for an object that is not a coroutine function.

    A plain function may be marked as one that returns a coroutine, by an attribute `is_middleware` of its class.
    """
    if getattr(type(middleware), "is_middleware", False):
        return middleware
    if not callable(middleware):
        remedy = "Write `async def middleware(request, next)`, or give options to the function that makes a middleware."
        raise HandlerError("RW205", f"{shown(middleware)} is not a coroutine function.", remedy)
    if not inspect.iscoroutinefunction(middleware) and not inspect.iscoroutinefunction(type(middleware).__call__):
        name = getattr(middleware, "__name__", "")
        advice = f"Write `async def {name}(request, next)`. If it makes a middleware, call it: {name}(...)."
        what = f"{named(middleware)} is not a coroutine function."
        raise HandlerError("RW205", what, advice if name.isidentifier() else None)
    return middleware


def check_middlewares(given: Any, where: str) -> tuple[Any, ...]:
    """The middleware of a route, as a tuple. Raises HandlerError (RW205) for a wrong one, or for one outside a list."""
    if callable(given) or not hasattr(given, "__iter__") or isinstance(given, str | bytes):
        raise HandlerError("RW205", f"{where} has middleware={shown(given)}, which is not a list of middleware.")
    return tuple(check_middleware(each) for each in given)


def is_async(function: Callable[..., Any]) -> bool:
    """Whether a call returns a coroutine or an async generator."""
    call = function if hasattr(function, "__code__") or hasattr(function, "func") else type(function).__call__
    return any(
        check(candidate)
        for check in (inspect.iscoroutinefunction, inspect.isasyncgenfunction)
        for candidate in (function, call)
    )
