"""Named values of a request, as text: the query, header fields, cookies and parameters of the path."""

from collections.abc import Callable, Iterable
from typing import Any, Final
from urllib.parse import parse_qsl

from msgspec import ValidationError

from ropewalk.request import Request
from ropewalk.typed.unprocessable_content import Location

Names = dict[str, tuple[str, bool]]
"""Names that clients write: the field of each, and whether it takes several values."""
Raw = dict[str, Any]
"""Values by field: text, or a list of texts for a field that takes several."""
ValuesOf = Callable[[Request, Names], Raw]


class Repeated(ValidationError):
    """A value that may be given once was given again. Its text is the name that the client wrote."""


def query_pairs(query_string: bytes) -> Iterable[tuple[str, str]]:
    """The names and values of a query in order, decoded."""
    text = query_string.decode("latin-1")
    if "%" in text or "+" in text:
        return parse_qsl(text, keep_blank_values=True)
    pairs = (part.partition("=") for part in text.split("&") if part)
    return [(name, value) for name, _, value in pairs]


def query_values(request: Request, names: Names) -> Raw:
    """The values of a query. Raises Repeated."""
    raw: Raw = {}
    query_string = request.query_string
    if not query_string:
        return raw
    for name, value in query_pairs(query_string):
        known = names.get(name)
        if known is None:
            continue
        field, several = known
        if several:
            raw.setdefault(field, []).append(value)
        elif field in raw:
            raise Repeated(name)
        else:
            raw[field] = value
    return raw


def header_values(request: Request, names: Names) -> Raw:
    """The values of header fields. A field that takes several has the members of a list (RFC 9110, section 5.6.1)."""
    raw: Raw = {}
    for name, (field, several) in names.items():
        value = request.header(name)
        if value is None:
            continue
        lines = request.headers.all(name) if several else []
        raw[field] = [part.strip() for line in lines for part in line.split(",") if part.strip()] if several else value
    return raw


def cookie_values(request: Request, names: Names) -> Raw:
    """The values of cookies."""
    cookies = request.cookies
    found = ((field, cookies[name], several) for name, (field, several) in names.items() if name in cookies)
    return {field: [value] if several else value for field, value, several in found}


def path_values(request: Request, names: Names) -> Raw:
    """The parameters of the path."""
    params = request.params
    return {field: params[name] for name, (field, _) in names.items() if name in params}


VALUES: Final[dict[Location, ValuesOf]] = {
    "path": path_values,
    "query": query_values,
    "header": header_values,
    "cookie": cookie_values,
}
"""For each part of a request, the function that returns its values."""
