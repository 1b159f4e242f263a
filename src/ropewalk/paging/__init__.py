"""Pages of long lists, by cursor or by offset. The Link field has the URLs of the other pages (RFC 8288)."""

from ropewalk.paging.cursor_pages import CursorPages, CursorQuery, Page, Position
from ropewalk.paging.links import set_links
from ropewalk.paging.offset_pages import MOST_OFFSET, OffsetPage, OffsetQuery, offset_page

__all__ = [
    "MOST_OFFSET",
    "CursorPages",
    "CursorQuery",
    "OffsetPage",
    "OffsetQuery",
    "Page",
    "Position",
    "offset_page",
    "set_links",
]
