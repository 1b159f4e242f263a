"""Requests of htmx for a part of a page."""

from typing import Final

from ropewalk.headers import Headers
from ropewalk.negotiation import vary_by
from ropewalk.request import Request

VARYING: Final = ("HX-Request", "HX-Boosted", "HX-History-Restore-Request")
"""The fields on which `is_htmx` depends."""


def is_htmx(request: Request) -> bool:
    """Whether htmx has sent the request for a part of a page.

    False for a link or form with `hx-boost`, and when htmx restores a page of the history, because these need a whole
    page. If the response depends on the result, add the fields of VARYING to its `Vary` field; `render(...,
    fragment=...)` does so.
    """
    if request.header("hx-request") != "true":
        return False
    return request.header("hx-boosted") != "true" and request.header("hx-history-restore-request") != "true"


def vary_by_htmx(headers: Headers) -> None:
    """Add the fields of htmx to the Vary field (RFC 9110, section 12.5.5)."""
    vary_by(headers, VARYING)
