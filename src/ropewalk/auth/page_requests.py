"""Detects requests that open a page in a browser, for which a redirect to a login is useful."""

from ropewalk.request import Request


def opens_a_page(request: Request) -> bool:
    """Whether this request opens a page in a browser, and does not come from a script."""
    if request.method not in ("GET", "HEAD") or request.values(b"authorization"):
        return False
    if request.values(b"hx-request"):  # htmx would put the login page into a part of the page
        return False
    mode = request.header("sec-fetch-mode")
    return mode == "navigate" if mode is not None else "text/html" in (request.header("accept") or "").lower()
