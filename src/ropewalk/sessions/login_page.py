"""Redirects: to the login page, and from there back to the page before."""

from typing import Final
from urllib.parse import quote

from ropewalk.auth.oauth.return_path import own_path
from ropewalk.auth.page_requests import opens_a_page
from ropewalk.auth.unauthorized import NotAuthenticated
from ropewalk.errors import HandlerError, InvalidField, shown
from ropewalk.request import Request
from ropewalk.response import Response

LOGIN_PAGE: Final = "ropewalk_login_page"
"""The name of the attribute of `request.state` that has the path of the login page."""


def safe_redirect(request: Request, target: str | None = None, *, default: str = "/") -> Response:
    """Redirect with 303 to a path that the client gave, if it is a path on this site; otherwise to `default`.

    Without `target`, it is the query parameter `next`. Targets on other sites, which links for phishing contain, are
    ignored. Raises InvalidField (RW304) if `default` itself is not a path on this site.
    """
    if own_path(default) is None:
        raise InvalidField(f"{shown(default)} is not a path on this site.", 'Give a default such as "/".')
    given = request.query.get("next") if target is None else target
    return Response.redirect(own_path(given) or default, 303)


def redirect_to_login(request: Request, response: Response) -> Response:
    """The redirect to the login page, for a browser that opened a page which needs a user; otherwise the response.

    Raises HandlerError (RW240) if the login page needs a user itself, because the redirect would have no end.
    """
    page = getattr(request.state, LOGIN_PAGE, None)
    if page is None or not isinstance(response.error, NotAuthenticated) or not opens_a_page(request):
        return response
    if request.raw_path == page.encode():
        what = f"The login page {page} needs a login itself."
        raise HandlerError(
            "RW240", what, "Write authenticate(SessionAuth(), optional=True), and @requires() where needed."
        )
    raw = request.raw_path + (b"?" + request.query_string if request.query_string else b"")
    here = raw.decode("ascii", "replace")
    query = "" if own_path(here) is None else f"?next={quote(here, safe='/')}"
    return Response.redirect(f"{page}{query}", 302, {"cache-control": "no-store"})
