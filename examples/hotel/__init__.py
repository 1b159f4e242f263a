"""Hotel: a small REST service over rooms, guests and bookings, kept in SQLite.

Run it with `ropewalk run hotel` or `python -m hotel` in the folder of the examples.
`HOTEL_DATABASE` names the database file, `hotel.sqlite` if not set.
"""

from hotel.service import app, make_app

__all__ = ["app", "make_app"]
