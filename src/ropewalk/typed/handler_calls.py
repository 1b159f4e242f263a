"""How a typed handler without dependencies is called: its inputs are read, and what it returns is shaped."""

from collections.abc import Awaitable, Callable
from functools import partial
from inspect import isawaitable, iscoroutinefunction
from typing import Any

from msgspec import ValidationError
from twisted.internet.defer import Deferred

from ropewalk.request import Request
from ropewalk.response import BYTES, TEXT, Response
from ropewalk.typed.inputs import Input
from ropewalk.typed.readers import Reader
from ropewalk.typed.representations import Representations
from ropewalk.typed.unprocessable_content import InvalidInput
from ropewalk.typed.value_shapes import Shape

Call = Callable[[Request], Any]
"""Takes the request and returns what to respond with, or a Deferred or awaitable of that."""


def finisher(shape: Shape | None, status: int | None, content_type: str | None) -> Shape | None:
    """What turns a returned value into what is sent; None if that is the value itself."""
    if status is None:
        return shape

    def finish(value: Any) -> Any:
        if isinstance(value, Response):
            return value if shape is None else shape(value)
        if shape is not None:
            value = shape(value)
        response = Response.of(value, content_type or TEXT, content_type or BYTES)
        response.status = status
        return response

    return finish


def call_with_inputs(function: Callable[..., Any], inputs: tuple[Input, ...], readers: list[Reader]) -> Call:
    """What calls a function with the inputs that its readers read."""
    arguments = _arguments(inputs, readers)
    by_position = any(each.by_position for each in inputs)

    def call(request: Request) -> Any:
        return function(**arguments(request))

    def call_with_request(request: Request) -> Any:
        return function(request, **arguments(request))

    return call_with_request if by_position else call


def finished(function: Callable[..., Any], call: Call, finish: Shape | None) -> Call:
    """`call`, with its result passed to `finish`. `function` tells whether the result is awaited first."""
    if finish is None:
        return call
    if iscoroutinefunction(function):

        async def call_and_finish(request: Request) -> Any:
            return finish(await call(request))

        return call_and_finish

    def finish_result(request: Request) -> Any:
        value = call(request)
        if isinstance(value, Deferred):
            return value.addCallback(finish)
        if isawaitable(value):
            return finish_later(value)
        return finish(value)

    async def finish_later(value: Awaitable[Any]) -> Any:
        return finish(await value)

    return finish_result


def negotiating(representations: Representations | None, status: int | None, call: Call) -> Call:
    """What chooses the media type by the request, calls a handler, and sends its value as that type.

    The choice comes first: a request that cannot be responded to changes nothing.
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


def _arguments(inputs: tuple[Input, ...], readers: list[Reader]) -> Callable[[Request], dict[str, Any]]:
    """A function that reads all arguments that are passed by keyword."""
    request_name = next((each.parameter for each in inputs if each.source == "request" and not each.by_position), None)

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
