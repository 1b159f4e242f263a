"""Respond to a request whose path has a handler only after a trailing slash is added or removed."""

from typing import Any, Literal, get_args

from ropewalk.errors import OptionError, shown
from ropewalk.request import Request
from ropewalk.resource import Found, Handler, redirect_to_path
from ropewalk.response import Response

TrailingSlash = Literal["redirect", "strict", "ignore"]


def check_trailing_slash(given: TrailingSlash | None) -> TrailingSlash | None:
    """Raises HandlerError (RW271) for an unknown policy."""
    known = get_args(TrailingSlash)
    if given is not None and given not in known:
        raise OptionError(
            "RW271", f"trailing_slash is {shown(given)}.", f"Give one of {', '.join(map(repr, known))}, or None."
        )
    return given


def by_trailing_slash(other: Found, apps: tuple[Any, ...]) -> Found | None:
    """The handler for a path that has no handler itself. `other` is the handler for the path with its trailing slash
    added or removed. Returns None if the response must be a 404.

    The innermost app that has a `trailing_slash` policy decides.
    """
    policy: TrailingSlash = next(
        (app.trailing_slash for app in reversed(apps) if app.trailing_slash is not None), "redirect"
    )
    if policy == "strict":
        return None
    return other if policy == "ignore" else Found(_REDIRECT, {}, apps, static=False, lasting=True)


def redirect_slash(request: Request) -> Response:
    """Redirect to the path with its trailing slash added or removed."""
    path = request.raw_path.decode("ascii")
    return redirect_to_path(path[:-1] if path.endswith("/") else f"{path}/", request)


_REDIRECT = Handler(redirect_slash, whole_body=False)
