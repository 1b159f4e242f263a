"""The response to an HTTPError without an error handler: problem details, an HTML page, or plain text."""

from dataclasses import is_dataclass
from html import escape
from typing import Any, Final, Literal, cast, get_args

import msgspec

from ropewalk.calling.developer_pages import DeveloperPages
from ropewalk.calling.failure_log import log_error
from ropewalk.errors import HTTPError, OptionError, phrase, shown
from ropewalk.headers import Headers
from ropewalk.json_values import model_json
from ropewalk.negotiation import preferred, vary_by_accept
from ropewalk.request import Request
from ropewalk.response import HTML, JSON, PROBLEM, TEXT, Response, to_json

ErrorFormat = Literal["negotiated", "problem", "text"]
"""The form of error responses. See `App`."""

_TYPES: Final = {PROBLEM: PROBLEM, JSON: PROBLEM, "text/html": HTML, "text/plain": TEXT}
"""The Content-Type to send for each offered media type. A client that accepts JSON gets problem details."""
_OFFERS: Final = tuple(_TYPES)

_FIX_PAGE: Final = "Fix the template of the error page. The client got the default page."

_OF_BODY: Final = ("content-length", "content-encoding", "transfer-encoding")
"""Header fields that describe a body.

If an HTTPError has one of these fields, its detail is sent unchanged as the body, because the field describes that
body.
"""

_PAGE: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
</head>
<body>
<h1>{title}</h1>
{content}</body>
</html>
"""


def check_format(given: ErrorFormat | None) -> ErrorFormat | None:
    """Raises HandlerError (RW271) for a format that does not exist."""
    known = get_args(ErrorFormat)
    if given is not None and given not in known:
        raise OptionError(
            "RW271", f"error_format is {shown(given)}.", f"Give one of {', '.join(map(repr, known))}, or None."
        )
    return given


def format_of(apps: tuple[Any, ...]) -> ErrorFormat:
    """The error format of the innermost app that sets a format. `apps` are outermost first."""
    for app in reversed(apps):
        own: ErrorFormat | None = app.error_format
        if own is not None:
            return own
    return "negotiated"


def default_response(error: HTTPError, request: Request, apps: tuple[Any, ...], trace: str | None = None) -> Response:
    """The response to an HTTPError. `apps` are the apps around the handler, outermost first.

    `trace` is a traceback to show to the client. Lone surrogates, which UTF-8 cannot encode, are escaped in the error's
    detail and in the traceback.
    """
    trace = None if trace is None else _escaped(trace)
    detail = _encodable(error.detail)
    if detail is not error.detail:
        error.detail = detail  # the error pages of apps read it, too
    wanted = format_of(apps)
    headers = Headers(error.headers)
    if wanted == "text" or headers.content_type() not in (None, PROBLEM) or any(each in headers for each in _OF_BODY):
        return _as_it_is(error, trace)
    problem = _problem_of(error)
    if problem is None:
        return _as_it_is(error, trace)
    kind = PROBLEM
    if wanted == "negotiated":
        # A client that accepts none of the offered types may get any of these types (RFC 9110, section 12.5.1).
        kind = _TYPES[preferred(request.header("accept"), _OFFERS) or PROBLEM]
        vary_by_accept(headers)
    headers["content-type"] = kind
    if kind is HTML and trace is None:
        page = _own_page(error, request, apps)
        developer: DeveloperPages | None = request.service.app.developer
        if page is None and developer is not None:
            page = developer.default_page(error, request)
        if page is not None:
            return Response(page, error.status, headers)
    if kind is HTML:
        return Response(_page(problem, trace), error.status, headers)
    if kind is TEXT:
        return Response(_plain(problem, trace), error.status, headers)
    if trace is not None:
        problem["traceback"] = trace.splitlines()
        return Response(_formatted(problem), error.status, headers)
    return Response(to_json(problem), error.status, headers)


def _encodable(detail: Any) -> Any:
    """The detail of an error, in which lone surrogates are escaped, because UTF-8 cannot encode them. They may come
    from a path or from a client."""
    if isinstance(detail, str):
        return detail if detail.isascii() else _escaped(detail)
    if not isinstance(detail, dict | list | msgspec.Struct) and not is_dataclass(detail):
        return detail
    try:
        to_json(detail)
    except UnicodeEncodeError:
        return _escaped(msgspec.to_builtins(detail, str_keys=True))
    return detail


def _escaped(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_escaped(name): _escaped(each) for name, each in value.items()}
    return [_escaped(each) for each in value] if isinstance(value, list) else value


def _own_page(error: HTTPError, request: Request, apps: tuple[Any, ...]) -> str | None:
    """The error page of the innermost app that has one for this error. None if no app has one, or if it fails."""
    for app in reversed(apps):
        try:
            page = None if app.templates is None else app.templates.error_page(error, request)
        except Exception as raised:  # noqa: BLE001 - logged; the client gets the default page
            log_error(request, raised, _FIX_PAGE)
            return None
        if page is not None:
            return cast("str", page)
    return None


def _as_it_is(error: HTTPError, trace: str | None) -> Response:
    """A response whose body is the detail of an error, as if a handler had returned this detail."""
    if trace is not None:
        return Response(trace, error.status, error.headers)
    plain = error.detail == phrase(error.status)
    return Response(f"{error.detail}\n" if plain else error.detail, error.status, error.headers)


def _problem_of(error: HTTPError) -> dict[Any, Any] | None:
    """The problem details of an error (RFC 9457, section 3.1); None if its detail is neither text nor JSON."""
    detail = error.detail
    if isinstance(detail, msgspec.Struct) or (is_dataclass(detail) and not isinstance(detail, type)):
        detail = msgspec.json.decode(to_json(detail))
    model = model_json(detail)
    if model is not None:
        detail = msgspec.json.decode(model)
    title = phrase(error.status)
    problem: dict[Any, Any] = {"type": "about:blank", "title": title, "status": error.status}
    if isinstance(detail, str):
        problem["detail"] = detail
    elif isinstance(detail, list):
        problem.update(detail=title, errors=msgspec.Raw(to_json(detail)))
    elif isinstance(detail, dict):
        problem.update({"detail": title, **detail, "status": error.status})
    else:
        return None
    return problem


def _page(problem: dict[Any, Any], trace: str | None) -> str:
    title, detail, members = _parts(problem)
    content = f"<p>{escape(detail)}</p>\n" if detail else ""
    for block in (members, trace):
        if block:
            content += f"<pre>{escape(block)}</pre>\n"
    return _PAGE.format(title=escape(f"{problem['status']} {title}"), content=content)


def _plain(problem: dict[Any, Any], trace: str | None) -> str:
    title, detail, members = _parts(problem)
    return "".join(f"{block.rstrip()}\n" for block in (detail or title, members, trace) if block)


def _parts(problem: dict[Any, Any]) -> tuple[str, str, str]:
    """The title, the detail unless it equals the title, and the other members as indented JSON."""
    title, detail = problem["title"], problem["detail"]
    shown_apart = {"type", "title", "status", "detail"}
    if not isinstance(title, str):
        title = phrase(problem["status"])
    if not isinstance(detail, str):
        detail = ""
        shown_apart.discard("detail")
    members = {name: value for name, value in problem.items() if name not in shown_apart}
    return title, "" if detail == title else detail, _formatted(members) if members else ""


def _formatted(value: Any) -> str:
    return msgspec.json.format(to_json(value).decode(), indent=2)
