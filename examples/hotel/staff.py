"""The front desk: clients that have its key may do what others may not."""

import os

from ropewalk.auth import APIKey, same_secret


def check_key(key: str) -> str | None:
    """Who has this key. `HOTEL_KEY` in the environment is that of the front desk; if it is not set, no key is valid."""
    desk = os.environ.get("HOTEL_KEY")
    return "front desk" if desk and same_secret(key, desk) else None


DESK_KEY = APIKey("X-API-Key", check=check_key, realm="hotel", name="desk_key")
