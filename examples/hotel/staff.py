"""The front desk: only clients with its key may change rooms and export bookings."""

import os

from ropewalk.auth import APIKey, same_secret


def check_key(key: str) -> str | None:
    """Return the owner of a key, or None. `HOTEL_KEY` is the key of the front desk. Without it, no key is valid."""
    desk = os.environ.get("HOTEL_KEY")
    return "front desk" if desk and same_secret(key, desk) else None


DESK_KEY = APIKey("X-API-Key", check=check_key, realm="hotel", name="desk_key")
