"""The whole service."""

import os
from pathlib import Path

from hotel import bookings, guests, problems, rooms
from hotel.database import Database
from ropewalk import App


def make_app(path: Path) -> App:
    """Make a hotel that stores its data in the file `path`. The start creates a missing file."""
    app = App()
    database = Database(path)
    app.on_start(database.open)
    app.on_stop(database.close)
    for part in (rooms, guests, bookings):
        part.add_routes(app, database)
    problems.add_handlers(app)
    return app


app = make_app(Path(os.environ.get("HOTEL_DATABASE", "hotel.sqlite")))
