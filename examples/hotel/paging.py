"""The pages of the lists. A page begins after an id, so clients miss no rows while others are added and removed."""

from hotel.models import Id
from ropewalk.paging import CursorPages, CursorQuery


class Paging(CursorQuery, forbid_unknown_fields=True):
    """The query of every list."""


ROOMS: CursorPages[int] = CursorPages(Id, name="rooms")
GUESTS: CursorPages[int] = CursorPages(Id, name="guests")
BOOKINGS: CursorPages[int] = CursorPages(Id, name="bookings")
