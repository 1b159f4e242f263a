"""The JSON of requests and responses. msgspec validates requests and encodes responses."""

from datetime import date
from typing import Annotated

from msgspec import Meta, Struct

Id = Annotated[int, Meta(ge=0, le=2**63 - 1)]  # the range that SQLite can store
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Email = Annotated[str, Meta(pattern=r"^[!-?A-~]+@[!-?A-~]+$(?!\n)", max_length=254)]  # ASCII, as SMTP servers take it


class NewRoom(Struct, kw_only=True, forbid_unknown_fields=True):
    """A room as a client describes it."""

    number: Annotated[str, Meta(min_length=1, max_length=10)]
    beds: Annotated[int, Meta(ge=1, le=20)]
    price: Annotated[int, Meta(ge=0, le=10_000_000)]
    """The price of one night, in cents."""


class Room(NewRoom, kw_only=True):
    """A room of the hotel."""

    id: Id


class NewGuest(Struct, kw_only=True, forbid_unknown_fields=True):
    """A guest as a client describes them."""

    name: Name
    email: Email


class Guest(NewGuest, kw_only=True):
    """A guest of the hotel."""

    id: Id


class NewBooking(Struct, kw_only=True, forbid_unknown_fields=True):
    """A request for a room, for the nights from `arrival` up to, but not including, `departure`."""

    room: Id
    guest: Id
    arrival: date
    departure: date

    def __post_init__(self) -> None:
        if self.arrival >= self.departure:
            raise ValueError("departure must be after arrival")


class Booking(NewBooking, kw_only=True):
    """A room that is held for a guest."""

    id: Id
