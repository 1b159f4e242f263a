"""Pages that begin at an offset. Clients can request any page, but items are repeated or missed if the list changes."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Any, Final, Generic, Protocol, TypeVar

from msgspec import Meta, Struct
from msgspec import inspect as shapes

from ropewalk.paging.links import set_links
from ropewalk.request import Request
from ropewalk.typed.descriptions import plain

Item = TypeVar("Item")

MOST_OFFSET: Final = 10_000
"""The largest offset. A database reads all items before the offset, so a request with a large offset would be cheap to
send and costly to handle."""


class OffsetQuery(Struct, kw_only=True):
    """The query parameters of a list: `query: Annotated[OffsetQuery, Query()]`.

    Derive from it to add filters or other limits.
    """

    offset: Annotated[int, Meta(ge=0, le=MOST_OFFSET, description="The number of items before the page.")] = 0
    """The number of items before the page, at most 10,000."""
    limit: Annotated[int, Meta(ge=1, le=100, description="The maximum number of items on the page.")] = 20
    """The maximum number of items of the page, from 1 to 100."""


class HasOffset(Protocol):
    """An OffsetQuery, or another type with the same fields, such as a pydantic model."""

    @property
    def offset(self) -> int: ...
    @property
    def limit(self) -> int: ...


class OffsetPage(Struct, Generic[Item], kw_only=True):
    """A page of a list whose length is known."""

    items: list[Item]
    """The items of the page, at most `limit` of them."""
    total: int
    """The number of items in the whole list."""
    offset: int
    """The number of items before the page, from the query."""
    limit: int
    """The maximum number of items of the page, from the query."""


def offset_page(request: Request, query: HasOffset, items: Sequence[Item], total: int) -> OffsetPage[Item]:
    """Return the page with these items of a list of `total` items, and set the response's Link field: first, prev, next
    and last. The Link field omits pages beyond the largest offset that the query allows."""
    offset, limit = query.offset, query.limit
    most = _most(type(query))
    end = max(total - 1, 0) // limit * limit
    pages: dict[str, int | None] = {
        "first": 0 if offset > 0 else None,
        "prev": min(max(offset - limit, 0), end) if offset > 0 else None,
        "next": offset + limit if offset + limit < total else None,
        "last": end if offset + limit < total else None,
    }
    links = {rel: None if at is None or at > most else {"offset": at or None} for rel, at in pages.items()}
    set_links(request, links)
    return OffsetPage(items=list(items), total=total, offset=offset, limit=limit)


@lru_cache(maxsize=512)
def _most(query: Any) -> int:
    """The largest offset that a query type allows."""
    node: Any = plain(shapes.type_info(query))
    for field in getattr(node, "fields", ()):
        if field.name == "offset":
            bound = getattr(plain(field.type), "le", None)
            return 2**63 if bound is None else int(bound)
    return MOST_OFFSET
