"""Redirects to other paths of the same server."""

from ropewalk.request import Request
from ropewalk.response import Response


def redirect_to_path(path: str, request: Request) -> Response:
    """A redirect to another path, percent-encoded, with the query of the request.

    The status is 308, which keeps the method (RFC 9110, section 15.4.9). Several slashes at the start become one,
    because a host name follows two slashes at the start of a URL, so the redirect would lead to another server.
    """
    query = f"?{request.query_string.decode('ascii')}" if request.query_string else ""
    return Response.redirect(f"/{path.lstrip('/')}{query}", 308)
