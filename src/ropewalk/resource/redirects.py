"""Redirects within the server."""

from ropewalk.request import Request
from ropewalk.response import Response


def redirect_to_path(path: str, request: Request) -> Response:
    """A redirect to another path, encoded, with the query of the request. 308 keeps the method (RFC 9110, 15.4.9).

    Slashes at the start become one: two would name another host.
    """
    query = f"?{request.query_string.decode('ascii')}" if request.query_string else ""
    return Response.redirect(f"/{path.lstrip('/')}{query}", 308)
