"""Calls an error handler, and turns its value into the response to the exception."""

from collections.abc import Callable
from typing import Any

from ropewalk.calling.awaitables import resolve
from ropewalk.calling.failure_log import note_error_handler
from ropewalk.calling.value_to_response import to_response
from ropewalk.errors import HTTPError
from ropewalk.request import Request
from ropewalk.response import LateResponse, Response
from ropewalk.waiting import must_wait


async def call_error_handler(request: Request, error: BaseException, handler: Callable[..., Any]) -> Response:
    """Call an error handler. Returns its response.

    The response has the exception's status, unless the handler returns a Response object.
    """
    try:
        value = handler(request, error)
        if must_wait(value):
            value = await resolve(value, handler)
        response = to_response(value, handler, request)
    except BaseException as raised:
        if raised is not error:
            if raised.__context__ is None:
                raised.__context__ = error
            note_error_handler(raised, handler, error)
        raise
    if response is not value or (isinstance(response, LateResponse) and not response.has_status):
        response.status = error.status if isinstance(error, HTTPError) else 500
    if isinstance(error, HTTPError) and error.headers:
        if response is value:
            response = response.detached()
        for name, field in error.headers:
            response.headers.setdefault(name, field)
    return response
