"""Call a typed handler without dependencies: read its inputs, and convert its return value."""

from collections.abc import Awaitable, Callable
from functools import lru_cache, partial
from inspect import isawaitable, iscoroutinefunction
from typing import Any, Final

from msgspec import Struct, ValidationError
from twisted.internet.defer import Deferred

from ropewalk.json_values import EncodedJSON
from ropewalk.request import BODILESS, Request, ValueWithStatus
from ropewalk.response import BYTES, TEXT, Response
from ropewalk.typed.mismatches import Mismatch
from ropewalk.typed.parameter_sources import Input
from ropewalk.typed.readers import Reader
from ropewalk.typed.representations import Representations
from ropewalk.typed.unprocessable_content import InvalidInput
from ropewalk.typed.value_shapes import Shape

Call = Callable[[Request], Any]
"""A function that takes the request and returns the value to respond with, or a Deferred or awaitable with this
value."""

_PLAIN: Final = frozenset((str, bytes, dict, list, EncodedJSON))
"""The types of values, besides Structs, that the engine sends without a `Response`."""


@lru_cache(maxsize=1024)
def finisher(shape: Shape | None, status: int | None, content_type: str | None) -> Shape | None:
    """Return the function that converts a returned value to the response; None if values are sent unchanged.

    Handlers for which these arguments are equal share the returned function. So it raises Mismatch without the name of
    a handler, and its caller adds the name.
    """
    if status is None:
        return shape
    may_have_body = status not in BODILESS

    def finish(value: Any) -> Any:
        if isinstance(value, Response):
            return value if shape is None else shape(value)
        if shape is not None:
            value = shape(value)
        if may_have_body and (isinstance(value, Struct) or type(value) in _PLAIN):
            return ValueWithStatus(value, status)
        response = Response.of(value, content_type or TEXT, content_type or BYTES)
        response.status = status
        return response

    return finish


def call_with_inputs(
    function: Callable[..., Any], inputs: tuple[Input, ...], readers: tuple[Reader, ...], finish: Shape | None
) -> Call:
    """Return a function that reads the inputs from a request, calls the handler with them, and passes the handler's
    result to `finish`."""
    requests = [each for each in inputs if each.source == "request"]
    by_name = [each.parameter for each in requests if not each.by_position]
    arguments = _arguments(readers, by_name[0] if by_name else None)
    if len(requests) > len(by_name):
        return finished(function, lambda request: function(request, **arguments(request)), finish)
    if finish is None:
        return lambda request: function(**arguments(request))
    if iscoroutinefunction(function):

        async def call_coroutine(request: Request) -> Any:
            value = await function(**arguments(request))
            try:
                return finish(value)
            except Mismatch as error:
                error.name(function)
                raise

        return call_coroutine

    def call(request: Request) -> Any:
        value = function(**arguments(request))
        # The types in _PLAIN are checked first, because the other checks cost more.
        if type(value) not in _PLAIN and (isinstance(value, Deferred) or isawaitable(value)):
            return _finish_later(function, value, finish)
        try:
            return finish(value)
        except Mismatch as error:
            error.name(function)
            raise

    return call


def finished(function: Callable[..., Any], call: Call, finish: Shape | None) -> Call:
    """Return a function that calls the handler with `call`, and passes the result to `finish`."""
    if finish is None:
        return call
    if iscoroutinefunction(function):

        async def call_and_finish(request: Request) -> Any:
            return finish_named(function, finish, await call(request))

        return call_and_finish

    def finish_result(request: Request) -> Any:
        value = call(request)
        # The types in _PLAIN are checked first, because the other checks cost more.
        if type(value) not in _PLAIN and (isinstance(value, Deferred) or isawaitable(value)):
            return _finish_later(function, value, finish)
        return finish_named(function, finish, value)

    return finish_result


def finish_named(function: Callable[..., Any], finish: Shape, value: Any) -> Any:
    """Pass a handler's result to `finish`, and name the handler in the error if the result does not match."""
    try:
        return finish(value)
    except Mismatch as error:
        error.name(function)
        raise


def _finish_later(function: Callable[..., Any], value: Any, finish: Shape) -> Any:
    finish = partial(finish_named, function, finish)
    return value.addCallback(finish) if isinstance(value, Deferred) else _await_and_finish(value, finish)


async def _await_and_finish(value: Awaitable[Any], finish: Shape) -> Any:
    return finish(await value)


def negotiating(representations: Representations | None, status: int | None, call: Call) -> Call:
    """Return a function that chooses the media type, calls a handler, and converts its value to that type.

    It chooses before the call, so that the handler is not called if the client accepts no available type.
    """
    if representations is None:
        return call

    def negotiate(request: Request) -> Any:
        respond = partial(representations.respond, kind=representations.choose(request), status=status)
        value = call(request)
        if isinstance(value, Deferred):
            return value.addCallback(respond)
        return respond_later(value, respond) if isawaitable(value) else respond(value)

    async def respond_later(value: Awaitable[Any], respond: Shape) -> Any:
        return respond(await value)

    return negotiate


@lru_cache(maxsize=1024)
def _arguments(readers: tuple[Reader, ...], request_name: str | None) -> Callable[[Request], dict[str, Any]]:
    """Return a function that reads all keyword arguments from a request.

    Handlers with the same readers share the function.
    """

    def read_all(request: Request) -> dict[str, Any]:
        try:
            found: dict[str, Any] = {}
            for reader in readers:
                found.update(reader.read(request))
        except ValidationError:
            raise InvalidInput([error for reader in readers for error in reader.errors(request)]) from None
        if request_name is not None:
            found[request_name] = request
        return found

    if len(readers) == 1 and request_name is None:
        only = readers[0].read

        def read_one(request: Request) -> dict[str, Any]:
            try:
                return only(request)
            except ValidationError:
                raise InvalidInput(readers[0].errors(request)) from None

        return read_one
    return read_all
