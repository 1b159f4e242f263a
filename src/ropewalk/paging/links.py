"""The field Link of a page: the addresses of the first, previous, next and last page (RFC 8288)."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

from ropewalk.request import Request
from ropewalk.request.query import parse_query

_IN_PATH: Final = "/%:@!$&'()*+,;=~"
"""What stays as it is in a path. The others, such as `>`, could end the target of a link."""


def set_links(request: Request, pages: Mapping[str, Mapping[str, Any] | None]) -> None:
    """Set the field Link of the response: for each relation, such as "next", the address of this request with other
    parameters. A parameter of None is left out, and so is a relation of None. The other parameters stay in their order.

    The scheme and host are those of `request.url`: behind a proxy, those that a trusted one reports.
    """
    links = [f'<{_address(request, changed)}>; rel="{rel}"' for rel, changed in pages.items() if changed is not None]
    if links:
        request.setHeader("link", ", ".join(links))


def _address(request: Request, changed: Mapping[str, Any]) -> str:
    pairs: list[tuple[str, Any]] = [pair for pair in parse_query(request.query_string) if pair[0] not in changed]
    pairs += [(name, value) for name, value in changed.items() if value is not None]
    path = quote(request.raw_path.decode("ascii"), safe=_IN_PATH)
    query = f"?{urlencode(pairs)}" if pairs else ""
    # A client of HTTP/1.0 need not name a host.
    return f"{request.scheme}://{request.host}{path}{query}" if request.host else f"{path}{query}"
