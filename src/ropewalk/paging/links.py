"""The Link field of a page: the URLs of the first, previous, next and last page (RFC 8288)."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

from ropewalk.request import Request
from ropewalk.request.query import parse_query

_IN_PATH: Final = "/%:@!$&'()*+,;=~"
"""The characters that are not percent-encoded in the path of a link. A character such as `>` would end the link's
target."""


def set_links(request: Request, pages: Mapping[str, Mapping[str, Any] | None]) -> None:
    """Set the Link field of the response.

    `pages` has, for each relation such as "next", the query parameters to change. The target of a link is the URL of
    this request with these changes. A parameter or relation that is None is left out. The other parameters keep their
    order.

    The scheme and host are those of `request.url`, which a trusted proxy may report.
    """
    links = [f'<{_address(request, changed)}>; rel="{rel}"' for rel, changed in pages.items() if changed is not None]
    if links:
        request.setHeader("link", ", ".join(links))


def _address(request: Request, changed: Mapping[str, Any]) -> str:
    pairs: list[tuple[str, Any]] = [pair for pair in parse_query(request.query_string) if pair[0] not in changed]
    pairs += [(name, value) for name, value in changed.items() if value is not None]
    path = quote(request.raw_path.decode("ascii"), safe=_IN_PATH)
    query = f"?{urlencode(pairs)}" if pairs else ""
    # An HTTP/1.0 request need not have a Host field. The link is then only a path and a query.
    return f"{request.scheme}://{request.host}{path}{query}" if request.host else f"{path}{query}"
