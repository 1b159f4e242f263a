"""Header fields that a middleware adds to a response, without having the response checked again."""

from collections.abc import Sequence

from ropewalk.request import Request
from ropewalk.response import Response

Line = tuple[str, str]


def add_lines(request: Request, response: Response, lines: Sequence[Line]) -> None:
    """Add lines that are known to be valid: names in lower case, and none that frames the body.

    A response that was checked stays checked: checking it again would cost more than the middleware.
    """
    response.headers.add_checked(lines)
    settled = request.settled
    if settled is not None and settled[0] is response:
        settled[3].extend(lines)


def vary_line(names: Sequence[str]) -> Line:
    """The line of Vary with these names."""
    return "vary", ", ".join(names)


def add_vary(request: Request, response: Response, line: Line) -> None:
    """Add a line of Vary, without the names that the response has already (RFC 9110, section 12.5.5)."""
    present = response.headers.all("vary")
    if not present:
        add_lines(request, response, (line,))
        return
    held = {name.strip().lower() for value in present for name in value.split(",")}
    missing = [name for name in line[1].split(", ") if name.lower() not in held]
    if missing and "*" not in held:
        add_lines(request, response, (vary_line(missing),))
