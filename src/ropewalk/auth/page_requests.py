"""Detects requests whose response a browser shows as a page, for which a redirect to a login is useful."""

from ropewalk.request import Request


def opens_a_page(request: Request) -> bool:
    """Whether this request opens a page in a browser, and does not come from a script or a form."""
    return request.method in ("GET", "HEAD") and shows_its_response(request)


def shows_its_response(request: Request) -> bool:
    """Whether the response will be shown as a page: the browser follows a link or sends a form."""
    if request.values(b"authorization"):
        return False
    if request.values(b"hx-request"):  # htmx would put the login page into a part of the page
        return False
    mode = request.header("sec-fetch-mode")
    return mode == "navigate" if mode is not None else "text/html" in (request.header("accept") or "").lower()
