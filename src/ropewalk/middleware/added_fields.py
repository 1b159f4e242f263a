"""Functions that add header fields to a response without a second check of the response."""

from collections.abc import Sequence

from ropewalk.request import Request
from ropewalk.response import Response

Line = tuple[str, str]


def add_lines(request: Request, response: Response, lines: Sequence[Line]) -> None:
    """Add field lines that are known to be valid. Their names are in lower case, and none of them is a field for the
    framing, such as Content-Length.

    A response that was checked before stays marked as checked, because a second check would cost more than the
    middleware itself.
    """
    if request.settled is response:
        response.add_settled(lines)
    else:
        response.headers.add_checked(lines)


def vary_line(names: Sequence[str]) -> Line:
    """A Vary field line with these names."""
    return "vary", ", ".join(names)


def add_vary(request: Request, response: Response, line: Line) -> None:
    """Add a Vary field line, without the names that the response already lists (RFC 9110, section 12.5.5)."""
    if response.is_plain() and request.settled is response:
        response.add_settled((line,))
        return
    present = response.headers.all("vary")
    if not present:
        add_lines(request, response, (line,))
        return
    held = {name.strip().lower() for value in present for name in value.split(",")}
    missing = [name for name in line[1].split(", ") if name.lower() not in held]
    if missing and "*" not in held:
        add_lines(request, response, (vary_line(missing),))
