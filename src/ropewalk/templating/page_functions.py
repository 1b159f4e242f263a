"""The functions that templates can call. They work on the request of the page that is being rendered."""

from contextvars import ContextVar
from typing import Any, Final

from ropewalk import sessions
from ropewalk.request import Request
from ropewalk.static_files import static_url_in
from ropewalk.templating.errors import lacking

rendered_request: ContextVar[Request | None] = ContextVar("ropewalk.templating.request", default=None)
"""The request of the page that is being rendered. It is kept here, because macros that are imported from other
templates have no `request` in their context.
"""


def url_for(name: str, /, **params: Any) -> str:
    """The path of a named route, as `request.url_for` makes it."""
    return _current("url_for").url_for(name, **params)


def static_url(name: str, /) -> str:
    """The path of a file of a Static resource in the app, with a hash of its content."""
    service = _current("static_url").service
    try:
        path = static_url_in(service.app, name)
    except LookupError as error:
        raise lacking(f"static_url({name!r})", str(error.args[0]), str(error.args[1])) from None
    return getattr(service, "prefix", "") + path  # the prefix is the path at which a twisted.web tree has the app


def csp_nonce() -> str:
    """The nonce of the response's Content-Security-Policy: `<script nonce="{{ csp_nonce() }}">`."""
    nonce: str | None = getattr(_current("csp_nonce").state, "csp_nonce", None)
    if nonce is None:
        what = "but no Content-Security-Policy with a nonce surrounds the page."
        remedy = "Add the middleware security_headers(SecurityHeadersOptions.for_sites())."
        raise lacking("csp_nonce()", what, remedy)
    return nonce


def csrf_token() -> str:
    """The token that a form or a script sends back, to show that a page of this site sends the request."""
    return str(sessions.csrf_token(_current("csrf_token")))


def csrf_field() -> Any:
    """The hidden field for forms: `<form method="post">{{ csrf_field() }}`."""
    from markupsafe import Markup

    token = sessions.csrf_token(_current("csrf_field"))
    return Markup('<input type="hidden" name="csrf_token" value="{}">').format(str(token))


def flashes() -> Any:
    """The flash messages of the session. They are removed after one page has shown them. This page may call the
    function several times.
    """
    return sessions.flashes(_current("flashes"))


FUNCTIONS: Final = {
    function.__name__: function for function in (url_for, static_url, csp_nonce, csrf_token, csrf_field, flashes)
}


def _current(function: str) -> Request:
    request = rendered_request.get()
    if request is None:
        what = "but it is rendered without a request."
        raise lacking(f"{function}()", what, "Pass the request: `templates.text(name, request=request)`.")
    return request
