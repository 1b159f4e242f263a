"""Redirects: to the login page, and from there back to the page that needs the login."""

from typing import Final
from urllib.parse import quote, urlsplit

from ropewalk.auth.open_redirects import own_path
from ropewalk.auth.page_requests import opens_a_page, shows_its_response
from ropewalk.auth.unauthorized import NotAuthenticated
from ropewalk.errors import HandlerError, InvalidField, shown
from ropewalk.request import Request
from ropewalk.response import Response

LOGIN_PAGE: Final = "ropewalk_login_page"
"""The name of the attribute of `request.state` that has the path of the login page."""


def safe_redirect(request: Request, target: str | None = None, *, default: str = "/") -> Response:
    """Redirect with 303 to `target`, which the client gave, if it is a path on this site; otherwise to `default`.

    If `target` is None, the query parameter `next` is used. Targets on other sites, which links for phishing contain,
    are ignored. Raises InvalidField (RW304) if `default` itself is not a path on this site.
    """
    if own_path(default) is None:
        raise InvalidField(f"{shown(default)} is not a path on this site.", 'Give a default such as "/".')
    given = request.query.get("next") if target is None else target
    return Response.redirect(own_path(given) or default, 303)


def redirect_to_login(request: Request, response: Response) -> Response:
    """The redirect to the login page, for a browser that opened a page or sent a form which needs a user; otherwise the
    response.

    After the login, a user who had sent a form returns to its page, and fills it in again. A request of htmx gets the
    address in `HX-Redirect`. Raises HandlerError (RW240) if the login page needs a user itself, because the browser
    would be redirected without end.
    """
    if not isinstance(response.error, NotAuthenticated):
        return response
    page = getattr(request.state, LOGIN_PAGE, None)
    if page is None:
        return response
    if request.header("hx-request") == "true":
        # After a redirect, htmx would put the login page into a part of the current page. It opens the address in this
        # field as a whole page instead, whatever the status is.
        response.headers["hx-redirect"] = _address(page, _path_of(request.header("hx-current-url") or ""))
        response.headers["cache-control"] = "no-store"
        return response
    if not shows_its_response(request):
        return response
    if request.raw_path == page.encode():
        what = f"The login page {page} needs a login itself."
        raise HandlerError(
            "RW240", what, "Write authenticate(SessionAuth(), optional=True), and @requires() where needed."
        )
    if not opens_a_page(request):
        return Response.redirect(_address(page, _page_of_form(request)), 303, {"cache-control": "no-store"})
    raw = request.raw_path + (b"?" + request.query_string if request.query_string else b"")
    return Response.redirect(_address(page, raw.decode("ascii", "replace")), 302, {"cache-control": "no-store"})


def _address(page: str, here: str) -> str:
    """The address of the login page, from which the user returns to the path `here`, if it is on this site."""
    return page if own_path(here) is None else f"{page}?next={quote(here, safe='/')}"


def _page_of_form(request: Request) -> str:
    """The path of the page on this site from which a form was sent; "" if it is not known."""
    referer = request.header("referer") or ""
    return _path_of(referer) if referer.startswith(f"{request.scheme}://{request.host}/") else ""


def _path_of(url: str) -> str:
    """The path and the query of a URL; "" if it is malformed."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
