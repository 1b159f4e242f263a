"""The model of `rooms.py` for the frameworks that take pydantic."""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, Field, TypeAdapter
from rooms import RAW


class Price(BaseModel):
    """The price of a night."""

    amount: Annotated[float, Field(gt=0)]
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]


class Room(BaseModel):
    """A room of the hotel."""

    id: Annotated[int, Field(ge=1)]
    number: Annotated[str, Field(min_length=1, max_length=10)]
    floor: Annotated[int, Field(ge=0, le=100)]
    beds: Annotated[int, Field(ge=1, le=20)]
    view: Literal["sea", "garden", "street"]
    price: Price
    amenities: Annotated[list[Annotated[str, Field(max_length=30)]], Field(max_length=20)]
    available: bool = True


LIST: Final = TypeAdapter(list[Room])
ROOMS: Final = LIST.validate_python(RAW)
