"""The methods that a path allows: the Allow field, and the responses 405, 501, and 204 to OPTIONS."""

from typing import TYPE_CHECKING, Final

from ropewalk.errors import HTTPError
from ropewalk.headers import text
from ropewalk.methods import REGISTERED
from ropewalk.request import Request
from ropewalk.response import Response

if TYPE_CHECKING:
    from ropewalk.resource.tree import Resource

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def methods_of(resource: "Resource", *, implied: bool = True) -> list[str]:
    """The methods of a resource, as Allow names them (RFC 9110, section 10.2.1).

    `implied` are HEAD with GET, OPTIONS with any method, and all methods if the class defines `render`. If the resource
    has `exact_methods`, these are its methods.
    """
    own = {*resource.tree_node.handlers, *resource.tree_kind.renders}
    if implied:
        exact = getattr(resource, "exact_methods", None)
        if exact is not None:
            return sorted(exact)
        if resource.tree_kind.renders_all:
            own.update(map(text, getattr(resource, "allowedMethods", METHODS)))
        if own:
            own.add("OPTIONS")
        if "GET" in own:
            own.add("HEAD")
    return sorted(own)


def not_allowed(method: str, allowed: list[str], known: frozenset[str] = frozenset()) -> HTTPError:
    """The error for a method that is not allowed: 501 if no resource of the server has it (RFC 9110, section 9.1)."""
    if method in REGISTERED or method in known:
        return HTTPError(405, headers=[("allow", ", ".join(allowed))])
    return HTTPError(501)


def options_response(allowed: str, patched: str, request: Request) -> Response:
    """The response to OPTIONS for a path whose methods are joined in `allowed` (RFC 9110, section 9.3.7).

    The media types that PATCH takes are joined in `patched` (RFC 5789, section 3.1).
    """
    del request
    fields = {"allow": allowed, "accept-patch": patched}
    return Response(None, 204, {name: value for name, value in fields.items() if value})
