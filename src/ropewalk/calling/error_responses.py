"""Makes the response to an exception, with the error handlers of the apps around the handler."""

from typing import Any

from ropewalk.calling.default_error_responses import default_response
from ropewalk.calling.developer_pages import developer_page
from ropewalk.calling.error_handler_calls import call_error_handler
from ropewalk.calling.error_handlers import find_error_handler
from ropewalk.calling.failure_log import log_error, log_shortage
from ropewalk.calling.internal_server_error import internal_server_error
from ropewalk.calling.passing_exceptions import passes_through
from ropewalk.calling.shortages import shortage_in
from ropewalk.errors import LATE_REMEDY, HTTPError, RopewalkError, named
from ropewalk.request import Request
from ropewalk.response import Response


async def error_response(request: Request, error: BaseException, apps: tuple[Any, ...]) -> Response:
    """Make the response to an exception. Log an unexpected exception. If the error handler fails, the status is 500."""
    handler, expected = find_error_handler(error, apps)
    shortage = None if expected else shortage_in(error)
    if shortage is not None:
        log_shortage(request, error, shortage)
        error = shortage.to_http_error()
        handler, _ = find_error_handler(error, apps)
    is_http = isinstance(error, HTTPError)
    # Unexpected exceptions are logged, whatever their response is. So are Ropewalk's own errors, because they report
    # mistakes in the application's code.
    logged = not is_http and (not expected or (isinstance(error, RopewalkError) and error.is_mistake))
    if logged:
        log_error(request, error, None if handler is None else LATE_REMEDY)
    if logged and not expected and (page := developer_page(request, error, apps)) is not None:
        return page
    try:
        if handler is not None:
            response = await call_error_handler(request, error, handler)
            if not (is_http or logged) and response.status == 500:
                status = f"The response has status 500, because {named(handler)} gave no other"
                log_error(request, error, f"{LATE_REMEDY} {status}: return Response(body, status=...) there.")
            return response
        if isinstance(error, HTTPError):
            return default_response(error, request, apps)
    except BaseException as raised:
        if passes_through(request, raised, apps):
            raise
        if isinstance(raised, HTTPError) and not is_http:  # error handlers may raise a response instead of returning it
            return await error_response(request, raised, apps)
        if raised is not error or not logged:
            log_error(request, raised)
        error = raised
    return await internal_server_error(request, error, apps, handler)
