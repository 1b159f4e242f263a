"""Hotel: a small REST service for rooms, guests and bookings, which are stored in SQLite. The front desk has pages.

It needs the extra `templates`. Run it with `ropewalk run hotel` or `python -m hotel` in the folder of the examples.
`HOTEL_DATABASE` names the database file, `hotel.sqlite` if not set. `HOTEL_KEY` is the key that clients need to change
rooms. `HOTEL_REQUESTS` is the number of requests that one client may send in a minute, 600 if not set. The pages are at
`/desk`, and the description of the API is at `/openapi.json`.
"""

from hotel.service import app

__all__ = ["app"]
