"""`DeveloperPages`: the interface of the object that makes the error pages of `ropewalk dev`. Its implementation is in
`ropewalk.dev`, a higher layer, which this package must not import."""

from typing import Any

from ropewalk.errors import HTTPError
from ropewalk.request import Request
from ropewalk.response import Response


class DeveloperPages:
    """The base class of the object in `App.developer`, which only `ropewalk dev` sets."""

    def unexpected(self, error: BaseException, request: Request, apps: tuple[Any, ...]) -> Response | None:
        """The response to an unexpected exception, instead of the app's own; None to use the app's own."""
        del error, request, apps
        return None

    def default_page(self, error: HTTPError, request: Request) -> str | None:
        """The HTML page for an error for which the app has no page of its own; None for the default page."""
        del error, request
        return None


def developer_page(request: Request, error: BaseException, apps: tuple[Any, ...]) -> Response | None:
    """The page of `ropewalk dev` for an unexpected exception. None without `ropewalk dev`."""
    pages: DeveloperPages | None = request.service.app.developer
    return None if pages is None else pages.unexpected(error, request, apps)
