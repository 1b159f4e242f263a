"""The requests that all programs in this folder serve, and the model of a room for frameworks that take msgspec.

| request | response |
|---|---|
| `POST /rooms` | 201 with the `Room` of the body, as JSON; 400 or 422 where the body is not one |
| `GET /rooms` | the `ROOMS`, as JSON |

A response is made from objects for each request. No program stores its JSON.
"""

import sys
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct, convert

COUNT: Final = 50
"""The length of the list."""


class Price(Struct):
    """The price of a night."""

    amount: Annotated[float, Meta(gt=0)]
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")]


class Room(Struct):
    """A room of the hotel. `rooms_pydantic.Room` has the same fields and constraints."""

    id: Annotated[int, Meta(ge=1)]
    number: Annotated[str, Meta(min_length=1, max_length=10)]
    floor: Annotated[int, Meta(ge=0, le=100)]
    beds: Annotated[int, Meta(ge=1, le=20)]
    view: Literal["sea", "garden", "street"]
    price: Price
    amenities: Annotated[list[Annotated[str, Meta(max_length=30)]], Meta(max_length=20)]
    available: bool = True


def raw_room(number: int) -> dict[str, Any]:
    """The decoded JSON of a room."""
    return {
        "id": number,
        "number": f"{number // 10}0{number % 10}",
        "floor": number // 10,
        "beds": 1 + number % 4,
        "view": ("sea", "garden", "street")[number % 3],
        "price": {"amount": 80.5 + number, "currency": "EUR"},
        "amenities": ["desk", "balcony", "minibar"][: number % 4],
        "available": number % 5 != 0,
    }


RAW: Final = [raw_room(number) for number in range(1, COUNT + 1)]
ROOMS: Final = convert(RAW, list[Room])


def port() -> int:
    """The port to listen on: the first argument of the program."""
    return int(sys.argv[1])
