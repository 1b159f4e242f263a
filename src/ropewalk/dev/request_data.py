"""What an error page shows of the request."""

from inspect import unwrap
from typing import Any

from ropewalk.dev.redaction import HIDDEN, is_secret, without_secrets
from ropewalk.dev.short_reprs import short_repr, short_text, shown_value
from ropewalk.errors import named
from ropewalk.request import Request

Rows = list[tuple[str, str]]


def request_sections(request: Request) -> list[tuple[str, Rows]]:
    """Sections with a title and rows. Empty sections are left out. The body is not read."""
    sections = [
        ("Request", _summary(request)),
        ("Path parameters", _rows(request.params)),
        ("Query", _pairs(list(request.query.items()))),
        ("Form", _form(request)),
        ("Cookies", [(name, HIDDEN) for name in request.cookies]),
        ("Header fields", _pairs([(name, value) for name, value in request.headers.lines() if name != "cookie"])),
    ]
    return [(title, rows) for title, rows in sections if rows]


def _summary(request: Request) -> Rows:
    rows = [("Method", request.method), ("URL", short_text(without_secrets(request.url), 2000))]
    handler = request.engine_handler
    if request.route is not None:
        rows.append(("Route", request.route))
    if handler is not None:
        rows.append(("Handler", named(unwrap(handler.call))))
    identity = getattr(request.state, "request_id", None)
    if identity is not None:
        rows.append(("Request ID", short_text(identity, 200)))
    rows.append(("Client", short_text(request.client, 200)))
    return rows


def _form(request: Request) -> Rows:
    form = request.kept_form
    return [] if form is None else _pairs(list(form.items()))


def _rows(values: Any) -> Rows:
    return [(name, shown_value(name, value)) for name, value in values.items()]


def _pairs(pairs: list[tuple[str, Any]]) -> Rows:
    return [(short_text(name, 200), HIDDEN if is_secret(name) else _text(value)) for name, value in pairs[:100]]


def _text(value: Any) -> str:
    return short_text(value, 600) if isinstance(value, str) else short_repr(value)
