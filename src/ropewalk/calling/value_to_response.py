"""Turns the value that a handler returns into a response.

Three places do this: the engine for plain handlers, `send_plain_value` for coroutines and Deferreds, and `Response.of`
for everything else. `tests/unit/calling/test_value_to_response.py` checks that they agree.
"""

from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct

from ropewalk.calling.html_values import html_response
from ropewalk.errors import HandlerError, WrongReturn, named
from ropewalk.request import Request, ValueWithStatus
from ropewalk.resource import NOT_DONE_YET
from ropewalk.response import BYTES, JSON, TEXT, Response, to_json

_JSON: Final = ((b"Content-Type", JSON),)


_BODIES: Final = frozenset((Response, str, bytes, dict, list, type(None)))
"""The most frequent types of values, which have no `__html__`."""


class SentResponse(Response):
    """A placeholder for a response that was sent already."""

    __slots__ = ()

    def settle(self, request: Request) -> Response:
        del request
        return self

    def send(self, request: Request) -> None:
        """Do nothing, because the response was sent."""


def to_response(value: Any, call: Callable[..., Any], request: Request) -> Response:
    """The Response for a value that `call` returned.

    Raises WrongReturn (RW201), which names `call`, for a value of an unsupported type.
    """
    handler = request.engine_handler
    text_type, bytes_type = (TEXT, BYTES) if handler is None else (handler.text_type, handler.bytes_type)
    if type(value) not in _BODIES:
        page = html_response(value)
        if page is not None:
            return page
    try:
        return Response.of(value, text_type, bytes_type)
    except HandlerError as error:
        if error.code != "RW201":
            raise
        kind = type(value).__qualname__
        raise WrongReturn("RW201", f"{named(call)} returned a value of type {kind}.", _remedy(value)) from None


def _remedy(value: Any) -> str | None:
    """What to return instead of a value that only Flask or twisted.web supports. None for any other value."""
    if isinstance(value, tuple):
        return "Write `Response(body, status=...)`."
    if value is NOT_DONE_YET:
        return "Return the body, or an iterator of its parts. NOT_DONE_YET (1) is for methods of a Resource only."
    return None


def send_plain_value(request: Request, value: Any) -> bool:
    """Send a value without making a Response object, if its type is a common one. Otherwise return False."""
    handler = request.engine_handler
    if handler is None:
        return False
    kind, status = type(value), 200
    if kind is ValueWithStatus:
        value, status = value.value, value.status
        kind = type(value)
    if kind is str:
        request.respond(status, ((b"Content-Type", handler.text_type),), value)
    elif kind is dict or kind is list or isinstance(value, Struct):
        request.respond(status, _JSON, to_json(value))
    elif kind is bytes:
        request.respond(status, ((b"Content-Type", handler.bytes_type),), value)
    elif value is None:
        request.respond(204, (), b"")
    else:
        return False
    return True
