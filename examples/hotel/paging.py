"""Pages of long lists. A page begins after an id, so that it stays right while rows come and go."""

from collections.abc import Sequence
from typing import Annotated, TypeVar
from urllib.parse import urlencode

from msgspec import Meta, Struct

from hotel.models import Booking, Guest, Page, Room
from ropewalk import Request

Item = TypeVar("Item", Room, Guest, Booking)


class Paging(Struct, forbid_unknown_fields=True):
    """The query of every list."""

    after: Annotated[int, Meta(ge=0)] = 0
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


def page(request: Request, query: Paging, found: Sequence[Item]) -> Page[Item]:
    """Make a page of `found`, which has one row more than `query.limit` if there is a next page."""
    items = list(found[: query.limit])
    if len(found) <= query.limit:
        return Page(items=items, next=None)
    onward = dict(request.query.items()) | {"after": str(items[-1].id), "limit": str(query.limit)}
    return Page(items=items, next=f"{request.path}?{urlencode(onward)}")
