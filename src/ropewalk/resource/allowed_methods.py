"""The methods that a path allows: the Allow field, the errors 405 and 501, and the response to OPTIONS."""

from typing import TYPE_CHECKING, Final

from ropewalk.errors import HTTPError
from ropewalk.headers import text
from ropewalk.methods import REGISTERED
from ropewalk.request import Request
from ropewalk.response import Response

if TYPE_CHECKING:
    from ropewalk.resource.tree import Resource

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def methods_of(resource: "Resource") -> list[str]:
    """The methods of a resource, sorted, as in the Allow field (RFC 9110, section 10.2.1).

    GET implies HEAD, and any method implies OPTIONS. If the class defines `render`, the methods in its `allowedMethods`
    are included, or else those in METHODS. If the resource has `exact_methods`, these replace all others.
    """
    exact = getattr(resource, "exact_methods", None)
    if exact is not None:
        return sorted(exact)
    own = {*resource.tree_node.handlers, *resource.tree_kind.renders}
    if resource.tree_kind.renders_all:
        own.update(map(text, getattr(resource, "allowedMethods", METHODS)))
    if own:
        own.add("OPTIONS")
    if "GET" in own:
        own.add("HEAD")
    return sorted(own)


def not_allowed(method: str, allowed: list[str], known: frozenset[str] = frozenset()) -> HTTPError:
    """The HTTPError for a method that a path does not allow: 405, or 501 if no resource of the server has the method
    (RFC 9110, section 9.1)."""
    if method in REGISTERED or method in known:
        return HTTPError(405, headers=[("allow", ", ".join(allowed))])
    return HTTPError(501)


def options_response(allowed: str, patched: str, request: Request) -> Response:
    """The 204 response to OPTIONS (RFC 9110, section 9.3.7).

    `allowed` is the value of Allow. `patched` is the value of Accept-Patch: the media types that PATCH accepts (RFC
    5789, section 3.1).
    """
    del request
    fields = {"allow": allowed, "accept-patch": patched}
    return Response(None, 204, {name: value for name, value in fields.items() if value})
