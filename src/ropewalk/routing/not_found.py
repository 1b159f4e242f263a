"""The response to a request for which the tree has no handler: 404, 405, 501, a redirect, or the response to
OPTIONS."""

from collections.abc import Callable
from functools import partial
from inspect import unwrap
from typing import Any

from ropewalk.calling import FailedLookup
from ropewalk.errors import HTTPError
from ropewalk.methods import REGISTERED
from ropewalk.request import Request
from ropewalk.resource import Found, Handler, Search, not_allowed, options_response
from ropewalk.response import Response
from ropewalk.routing.trailing_slash import by_trailing_slash, redirect_slash

Around = tuple[Callable[..., Any], ...]
"""The type of a tuple of middleware."""


def handler_without_route(
    request: Request,
    search: Search,
    apps: tuple[Any, ...],
    known: frozenset[str],
    preflight_middleware: Callable[[str], Around],
    patch_types: Callable[[], tuple[str, ...]],
) -> Found:
    """The handler for a request for which `search` found no handler.

    `known` are the non-standard methods of the tree. `preflight_middleware` returns the middleware that responds to a
    preflight for a method. `patch_types` returns the media types that PATCH accepts.
    """
    allowed = sorted(search.allowed or ())
    if request.method == "OPTIONS" and (allowed or request.target == b"*"):
        asked = request.header("access-control-request-method")
        around = () if asked is None else preflight_middleware(asked)
        patched = patch_types() if "PATCH" in allowed else ()
        return _passing(partial(options_response, ", ".join(allowed), ", ".join(patched)), apps, around)
    if allowed or not (request.method in REGISTERED or request.method in known):
        return _passing(partial(_refuse, not_allowed(request.method, allowed, known)), apps)
    found = None if search.slash is None else by_trailing_slash(search.slash, apps)
    return found or Found(_NOT_FOUND, {}, apps, static=False, lasting=True)


def matches_no_route(call: Callable[..., Any]) -> bool:
    """Whether a handler responds because no route matches the path, or because the route does not allow the method."""
    inner: Any = unwrap(call)
    own = inner.func if isinstance(inner, partial) else inner
    return isinstance(own, FailedLookup) or own in (_not_found, redirect_slash, options_response, _refuse)


def _passing(call: Callable[[Request], Any], apps: tuple[Any, ...], middleware: Around = ()) -> Found:
    """Make a handler for this request only. It is not cached, because its response depends on the request."""
    return Found(Handler(call, whole_body=False, middleware=middleware), {}, apps, static=False, lasting=False)


def _refuse(error: HTTPError, request: Request) -> Response:
    """Raise `error`: HTTPError 405 or 501 (RFC 9110, sections 15.5.6 and 15.6.2)."""
    del request
    raise error


def _not_found(request: Request) -> Response:
    del request
    raise HTTPError(404)


_NOT_FOUND = Handler(_not_found, whole_body=False)
