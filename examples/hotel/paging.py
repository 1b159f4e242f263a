"""Pages of long lists. A page begins after an id, so that it stays right while rows come and go."""

from typing import Annotated, TypeVar
from urllib.parse import urlencode

from msgspec import Meta, Struct

from hotel.models import Booking, Guest, Id, Room
from ropewalk import Request

Item = TypeVar("Item", Room, Guest, Booking)


class Paging(Struct, forbid_unknown_fields=True):
    """The query of every list."""

    after: Id = 0
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


def page(request: Request, query: Paging, found: list[Item]) -> list[Item]:
    """The first `query.limit` of what was found. If there are more, the field Link has the address of the next page."""
    items = found[: query.limit]
    if len(found) > query.limit:
        onward = dict(request.query.items()) | {"after": str(items[-1].id)}
        request.setHeader("Link", f'<{request.path}?{urlencode(onward)}>; rel="next"')
    return items
