"""The error pages of `ropewalk dev`: exceptions with their source and variables, and unknown paths with the routes.

The pages show source code and values, so only a browser on this machine gets them: the peer is a loopback address, and
the Host is a name of this machine, which excludes pages of other sites that have changed their DNS records (DNS
rebinding).
"""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from ipaddress import ip_address
from typing import Any, Final

from ropewalk.calling import DeveloperPages
from ropewalk.dev.editor_links import EditorLinks
from ropewalk.dev.error_html import exceptions_html, page, policy, table_html, text_html
from ropewalk.dev.failures import shown_exceptions
from ropewalk.dev.not_found import routes_html
from ropewalk.dev.problem import Problem
from ropewalk.dev.request_data import request_sections
from ropewalk.dev.short_reprs import unicode_text
from ropewalk.errors import HTTPError
from ropewalk.negotiation import preferred
from ropewalk.request import Request
from ropewalk.response import HTML, JSON, PROBLEM, TEXT, Response
from ropewalk.routing import matches_no_route
from ropewalk.tracebacks import format_error

_LOCAL_CLIENTS: Final = re.compile(r"(?:127(?:\.\d{1,3}){3}|::1)(?:, *(?:127(?:\.\d{1,3}){3}|::1))*")
"""A value of X-Forwarded-For with addresses of this machine only."""
LONGEST: Final = 400_000
"""The maximum length of the HTML of a problem, which is sent to the supervisor."""

_OFFERS: Final = (PROBLEM, JSON, "text/html", "text/plain")


class ErrorPages(DeveloperPages):
    """Makes the pages. `links` opens lines of code in an editor."""

    def __init__(self, links: EditorLinks) -> None:
        self._links = links

    def unexpected(self, error: BaseException, request: Request, apps: tuple[Any, ...]) -> Response | None:
        """The page for an exception; None for a client that may not see it."""
        del apps
        if not is_private(request):
            return None
        with _unwatched(request):
            handler = None if request.engine_handler is None else request.engine_handler.call
            problem = self.problem(error, f"{request.method} {request.raw_path.decode('ascii')} failed", handler)
            data = "".join(table_html(title, rows) for title, rows in request_sections(request))
            return problem_response(problem, request, data)

    def default_page(self, error: HTTPError, request: Request) -> str | None:
        """The page for a path that no route matches; None for any other error."""
        handler = request.engine_handler
        if error.status != 404 or handler is None or not matches_no_route(handler.call) or not is_private(request):
            return None
        content = routes_html(request.service.app.resource, request.method, request.path)
        return page("404 Not Found", content, _new_nonce(request))

    def problem(self, error: BaseException, title: str, handler: Any = None) -> Problem:
        """An exception, in all forms. `handler` is the function that handled the request."""
        text = format_error(error)
        html = exceptions_html(shown_exceptions(error, handler), self._links.to)
        if len(html) > LONGEST:
            html = f"<h1>{escape(title)}</h1>\n<pre>{escape(text)}</pre>\n"
        return Problem(title=title, text=text, html=html + text_html(text))


@contextmanager
def _unwatched(request: Request) -> Iterator[None]:
    """Pause the watchdog: it would name the handler while the page is made, which may take a while."""
    watchdog = request.service.watchdog
    if watchdog is None:
        yield
        return
    watchdog.is_paused = True
    try:
        yield
    finally:
        watchdog.is_paused = False


def problem_response(problem: Problem, request: Request, data: str = "") -> Response:
    """The response with an error, as HTML, problem details or text. `data` is HTML that follows the error."""
    headers = {"cache-control": "no-store", "vary": "Accept"}
    kind = preferred(request.header("accept"), _OFFERS) or PROBLEM
    if kind == "text/html":
        nonce = _new_nonce(request)
        headers["content-security-policy"] = policy(nonce)
        return Response(page(problem.title, problem.html + data, nonce), 500, headers, content_type=HTML)
    if kind == "text/plain":
        return Response(unicode_text(f"{problem.title}\n\n{problem.text}"), 500, headers, content_type=TEXT)
    details = {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
        "detail": problem.title,
        "traceback": unicode_text(problem.text).splitlines(),
    }
    return Response(details, 500, headers, content_type=PROBLEM)


def is_private(request: Request) -> bool:
    """Whether only this machine sees the response."""
    if isinstance(request.peer, str):  # a UNIX socket
        return True
    if request.peer is None or not ip_address(request.peer[0].partition("%")[0]).is_loopback:
        return False
    from ropewalk.sessions.session_cookies import is_local_name

    return request.client == request.peer and is_local_name(request) and not _is_forwarded(request)


def _is_forwarded(request: Request) -> bool:
    """Whether a proxy, such as a tunnel from the internet, reports another client than this machine."""
    reported = request.headers.all("x-forwarded-for")
    return "forwarded" in request.headers or not all(_LOCAL_CLIENTS.fullmatch(each) for each in reported)


def _new_nonce(request: Request) -> str:
    """A nonce for the page of a request. `own_policy` returns the policy with this nonce."""
    nonce = secrets.token_urlsafe(18)
    request.state.ropewalk_dev_nonce = nonce
    return nonce


def own_policy(request: Request) -> str | None:
    """The Content-Security-Policy of the page that was made for a request; None if none was made."""
    nonce = getattr(request.state, "ropewalk_dev_nonce", None)
    return None if nonce is None else policy(nonce)
