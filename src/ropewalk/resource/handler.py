"""`Handler`: the function for one method of one resource, and how to call it."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import WRAPPER_ASSIGNMENTS
from types import FunctionType, MethodType
from typing import Any, Final, Literal, TypeVar, cast

from ropewalk.errors import HandlerError, OptionError, misfit, named, shown
from ropewalk.response import BYTES, TEXT

ATTACHED: Final = "ropewalk_handler"
"""The name of the attribute in which a function holds its Handler."""


ADDED: Final = "ropewalk_added_middleware"
"""The name of the attribute in which a function holds the middleware of its decorators."""

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(slots=True, eq=False)
class Handler:
    """The function that responds to one method of one resource, and how to call it.

    It does not change after it is made. It is not a frozen dataclass, because making a frozen object takes three times
    as long.
    """

    call: Callable[..., Any]
    whole_body: bool = True
    """Whether the function is called when the whole body has arrived, instead of after the head."""
    pass_params: bool = False
    """Whether the function takes the path parameters as keyword arguments."""
    text_type: str = TEXT
    bytes_type: str = BYTES
    utf_8: bool = True
    """Whether `text_type` has the charset UTF-8 or none. If so, the engine encodes str itself."""
    body_limit: int | None = None
    """The limit of the request body in bytes; None for the engine's limit."""
    compress: bool | None = None
    """Whether the response is compressed; None for the choice of the app."""
    decompress: bool = False
    """Whether a compressed body is decoded before the function reads it."""
    half_close: Literal["cancel", "respond", "finish"] = "cancel"
    """What happens if the client closes its sending side before it has received the response: "cancel" cancels the
    handler at its await, "respond" notifies the handler, "finish" does nothing."""
    call_in_middleware: Callable[..., Any] | None = None
    """Called instead of `call` if there is middleware around the handler."""
    names: tuple[str, ...] = ()
    """The names of the path parameters, in order, without the parameters of the mounts around the handler."""
    takes: frozenset[str] | None = None
    """The keyword arguments that the function takes; None if it takes any."""
    path: str = ""
    """The path of the route as it is written in the code, for messages."""
    user_code: Any = None
    """The user's function that `call` wraps, for messages; None if `call` is the user's function."""
    plan: Any = None
    """The Plan with which `call` reads the inputs of a typed handler; None for any other handler."""
    operation: Any = None
    """The OperationOptions of a route; None for any other handler."""
    resource: Any = None
    """The resource whose requests `call` handles, if `call` is not a bound method of that resource. Such a `call` may
    return NOT_DONE_YET and send the response itself."""
    middleware: tuple[Callable[..., Any], ...] = ()
    """The middleware of the route, outermost first. It runs inside the middleware of the apps."""
    describe_failure: Callable[[Any, BaseException], str] | None = None
    """A function that describes, for messages, the code that raised an exception in a request. None if `user_code` is
    precise enough."""

    def __post_init__(self) -> None:
        if self.user_code is not None:
            for function in (self.call, self.call_in_middleware):
                if function is not None:
                    vars(function)[ATTACHED] = self
                    vars(function)["__wrapped__"] = self.user_code  # `inspect.unwrap` and `named` follow this attribute


def attached_handler(call: Any) -> Handler | None:
    """The Handler of a function that wraps the user's code; None for any other function."""
    handler = getattr(call, ATTACHED, None)
    return handler if isinstance(handler, Handler) else None


def add_middleware(function: Function, middleware: Any) -> Function:
    """A copy of a function, with middleware around it when it becomes a handler.

    The middleware is outside of that which was added before, and inside of the route's own.

    The function itself stays as it is. An object that is called, such as a partial, is marked itself.
    """
    marked: Any = function
    if isinstance(function, FunctionType):
        marked = _copy(function)
    elif isinstance(function, MethodType) and isinstance(function.__func__, FunctionType):
        marked = MethodType(_copy(function.__func__), function.__self__)
    owner: Any = getattr(marked, "__func__", marked)
    vars(owner)[ADDED] = (check_middleware(middleware), *added_middleware(function))
    return cast("Function", marked)


def _copy(function: FunctionType) -> FunctionType:
    made = FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    for name in WRAPPER_ASSIGNMENTS:
        if hasattr(function, name):
            setattr(made, name, getattr(function, name))
    made.__kwdefaults__ = function.__kwdefaults__
    vars(made).update(vars(function))
    return made


def added_middleware(function: Any) -> tuple[Any, ...]:
    """The middleware that `add_middleware` has put around a function, outermost first."""
    found = getattr(function, ADDED, ())
    return found if isinstance(found, tuple) else ()


def check_middleware(middleware: Any) -> Any:
    """Check a middleware, and return it. Raises HandlerError (RW205) for an object that is not a coroutine function.

    A callable object that returns a coroutine is accepted, too, if its class has the attribute `is_middleware`.
    """
    if getattr(type(middleware), "is_middleware", False):
        return middleware
    if not callable(middleware):
        remedy = "Write `async def middleware(request, next)`, or give options to the function that makes a middleware."
        raise OptionError("RW205", f"{shown(middleware)} is not a coroutine function.", remedy)
    if not inspect.iscoroutinefunction(middleware) and not inspect.iscoroutinefunction(type(middleware).__call__):
        name = getattr(middleware, "__name__", "")
        advice = f"Write `async def {name}(request, next)`. If it makes a middleware, call it: {name}(...)."
        what = f"{named(middleware)} is not a coroutine function."
        raise HandlerError("RW205", what, advice if name.isidentifier() else None)
    why = misfit(middleware, "request", "next")
    if why is not None:
        what = f"{named(middleware)} cannot be called with a request and the next step: {why}."
        remedy = "Dependencies do not reach middleware: keep what it needs in an object, and use its method."
        raise HandlerError("RW205", what, f"Write `async def middleware(request, next)`. {remedy}")
    return middleware


def check_middlewares(given: Any, where: str) -> tuple[Any, ...]:
    """Check the middleware of a route, and return it as a tuple.

    Raises HandlerError (RW205) for wrong middleware, or if `given` is not a list or another iterable.
    """
    if callable(given) or not hasattr(given, "__iter__") or isinstance(given, str | bytes):
        raise OptionError("RW205", f"{where} has middleware={shown(given)}, which is not a list of middleware.")
    return tuple(check_middleware(each) for each in given)


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling a function returns a coroutine or an async generator."""
    if type(function) is FunctionType and not function.__dict__:  # not marked by markcoroutinefunction
        return bool(function.__code__.co_flags & (inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR))
    call = function if hasattr(function, "__code__") or hasattr(function, "func") else type(function).__call__
    return any(
        check(candidate)
        for check in (inspect.iscoroutinefunction, inspect.isasyncgenfunction)
        for candidate in (function, call)
    )
