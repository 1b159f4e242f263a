"""Long lists in pages, with cursors or with offsets.

python examples/pages.py
curl -i "http://127.0.0.1:8080/guests?limit=2"
"""

from typing import Annotated

from msgspec import Struct

from ropewalk import App, Query, Request
from ropewalk.paging import CursorPages, CursorQuery, OffsetPage, OffsetQuery, Page, offset_page

app = App()


class Guest(Struct):
    id: int
    name: str
    city: str


GUESTS = [Guest(number, f"guest {number}", "Bergen" if number % 2 else "Hull") for number in range(1, 8)]
PAGES: CursorPages[int] = CursorPages(int, name="guests")


class GuestQuery(CursorQuery, forbid_unknown_fields=True):
    """`?city=Hull` selects the guests from Hull."""

    city: str | None = None


@app.get("/guests")
def list_guests(request: Request, query: Annotated[GuestQuery, Query(), PAGES]) -> Page[Guest]:
    after = PAGES.position(query).key or 0
    found = find_guests(query.city, after, query.limit + 1)
    return PAGES.page(request, query, found, key=lambda guest: guest.id)


def find_guests(city: str | None, after: int, most: int) -> list[Guest]:
    """Find guests. In a database, this is `WHERE id > :after ORDER BY id LIMIT :most`."""
    return [guest for guest in GUESTS if guest.id > after and city in (None, guest.city)][:most]


@app.get("/names")
def list_names(request: Request, query: Annotated[OffsetQuery, Query()]) -> OffsetPage[str]:
    found = [guest.name for guest in GUESTS[query.offset : query.offset + query.limit]]
    return offset_page(request, query, found, total=len(GUESTS))


if __name__ == "__main__":
    app.run(port=8080)
