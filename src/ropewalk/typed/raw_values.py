"""Read the named values of a request, as text: query parameters, header fields, cookies and path parameters."""

from collections.abc import Callable, Iterable
from typing import Any, Final

from msgspec import ValidationError

from ropewalk.request import Request
from ropewalk.request.query import parse_query
from ropewalk.typed.unprocessable_content import Location

Names = dict[str, tuple[str, bool]]
"""For each name in the request: the name of the field that takes the value, and whether it takes several values."""
Raw = dict[str, Any]
"""Values by field: a str, or a list of str if the field takes several values."""
ValuesOf = Callable[[Request, Names], Raw]


class Repeated(ValidationError):
    """A value that may be given only once is given again. The text of the exception is the name in the request."""

    more: tuple[str, ...] = ()
    """The other repeated names, if the values are those of a form."""
    raw: Raw | None = None
    """The values of a form, with one of the given texts for each repeated name; None for other parts of the request."""


def query_pairs(query_string: bytes) -> Iterable[tuple[str, str]]:
    """The pairs of name and value in a query, in order, decoded."""
    return parse_query(query_string)


def query_values(request: Request, names: Names) -> Raw:
    """Read query parameters with the given names. Raises Repeated."""
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
    """Read header fields with the given names. If an input takes several values, each line of its header field is split
    at commas (RFC 9110, section 5.6.1).
    """
    raw: Raw = {}
    for name, (field, several) in names.items():
        value = request.header(name)
        if value is None:
            continue
        lines = request.headers.all(name) if several else []
        raw[field] = [part.strip() for line in lines for part in line.split(",") if part.strip()] if several else value
    return raw


def cookie_values(request: Request, names: Names) -> Raw:
    """Read cookies with the given names."""
    cookies = request.cookies
    found = ((field, cookies[name], several) for name, (field, several) in names.items() if name in cookies)
    return {field: [value] if several else value for field, value, several in found}


def path_values(request: Request, names: Names) -> Raw:
    """Read path parameters with the given names."""
    params = request.params
    return {field: params[name] for name, (field, _) in names.items() if name in params}


VALUES: Final[dict[Location, ValuesOf]] = {
    "path": path_values,
    "query": query_values,
    "header": header_values,
    "cookie": cookie_values,
}
"""For each part of a request: the function that reads its named values."""
