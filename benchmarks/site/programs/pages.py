"""The requests that the programs of this folder serve, so that frameworks can be compared.

| request | response |
|---|---|
| `GET /enter` | a session with the `USER`, in a signed cookie |
| `GET /rooms` | the page of `templates/rooms.html` for the user of the session; 403 without a session |
| `POST /bookings` | the ten fields of the form as text; 400 or 422 if `guests` or `nights` is no number |

A page is made for each request. The templates call `url_for(name, ...)` and `static_url(file)`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
TEMPLATES: Final = HERE / "templates"
STATIC: Final = HERE / "static"
HOTEL: Final = "Hotel Bell & Anchor"
SECRET: Final = "a secret of thirty-two bytes, or more"
USER: Final = "ada"
COUNT: Final = 20
"""The rows of the table."""


@dataclass(frozen=True, slots=True)
class Room:
    """A row of the page."""

    number: int
    view: str
    beds: int
    price: float
    note: str


ROOMS: Final = [
    Room(100 + number, ("sea", "garden", "street")[number % 3], 1 + number % 4, 80.5 + number, "<new>" * (number % 2))
    for number in range(COUNT)
]

FIELDS: Final = ("name", "email", "phone", "street", "city", "country", "arrival", "guests", "nights", "remarks")
"""The fields of the form. `guests` and `nights` are numbers."""


def summary(
    name: str,
    email: str,
    phone: str,
    street: str,
    city: str,
    country: str,
    arrival: str,
    guests: int,
    nights: int,
    remarks: str,
) -> str:
    """The text of a booking."""
    who = f"{name}|{email}|{phone}|{street}|{city}|{country}"
    return f"{who}|{arrival}|{guests + 0}|{nights + 0}|{remarks}"
