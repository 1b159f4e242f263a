"""The response with status 500 (Internal Server Error) to an unexpected exception, such as that of a handler."""

from collections.abc import Callable
from typing import Any

from ropewalk.calling.default_error_responses import default_response
from ropewalk.calling.developer_pages import developer_page
from ropewalk.calling.error_handler_calls import call_error_handler
from ropewalk.calling.failure_log import log_error
from ropewalk.calling.passing_exceptions import passes_through
from ropewalk.errors import HTTPError
from ropewalk.request import Request
from ropewalk.response import Response
from ropewalk.tracebacks import format_error


async def internal_server_error(
    request: Request, error: BaseException, apps: tuple[Any, ...], tried: Callable[..., Any] | None
) -> Response:
    """The response to an exception that was logged: that of the error handler for 500, or else the default one.

    In debug mode, the default one shows the traceback. `tried` is the error handler that has failed, if any.
    """
    page = developer_page(request, error, apps)
    if page is not None:
        return page
    for app in reversed(apps):
        handler = app.errors.find_status(500)
        if handler is not None and handler is not tried:
            try:
                return await call_error_handler(request, error, handler)
            except BaseException as raised:
                if passes_through(request, raised, apps):
                    raise
                log_error(request, raised)
    trace = format_error(error) if apps[0].debug else None
    return plain_server_error(request, apps, trace)


def plain_server_error(request: Request, apps: tuple[Any, ...], trace: str | None = None) -> Response:
    """The default response with status 500, without calling an error handler. `trace` is a traceback to show."""
    return default_response(HTTPError(500), request, apps, trace)
