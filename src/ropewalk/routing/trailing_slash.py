"""What happens to a path that has a handler only with a slash added or removed at its end."""

from typing import Any, Literal

from ropewalk.request import Request
from ropewalk.resource import Found, Handler, redirect_to_path
from ropewalk.response import Response

TrailingSlash = Literal["redirect", "strict", "ignore"]


def by_trailing_slash(other: Found, apps: tuple[Any, ...]) -> Found | None:
    """The handler for a path, where `other` is found with or without the slash. None for 404.

    The innermost app with a policy decides.
    """
    policy: TrailingSlash = next(
        (app.trailing_slash for app in reversed(apps) if app.trailing_slash is not None), "redirect"
    )
    if policy == "strict":
        return None
    return other if policy == "ignore" else Found(_REDIRECT, {}, apps, static=False, lasting=True)


def redirect_slash(request: Request) -> Response:
    """Redirect to the path with the slash added or removed."""
    path = request.raw_path.decode("ascii")
    return redirect_to_path(path[:-1] if path.endswith("/") else f"{path}/", request)


_REDIRECT = Handler(redirect_slash, whole_body=False)
