"""Objects of other classes, such as subclasses, whose fields are UNSET."""

import dataclasses
from types import SimpleNamespace
from typing import Any

import pydantic
import pytest
from msgspec import UNSET, Struct, UnsetType, ValidationError

from ropewalk import App, Response
from ropewalk.testing import Client
from ropewalk.typed.attribute_conversion import convert_attributes


class Address(Struct):
    street: str


class Room(Struct):
    name: str
    address: Address | UnsetType = UNSET
    beds: int | UnsetType = UNSET
    annex: "Room | UnsetType | None" = UNSET


class Suite(Room):
    secret: str = "s"


class Secretive(Address):
    secret: str = "s"


@dataclasses.dataclass
class Data:
    name: str
    address: Address | UnsetType = UNSET


@dataclasses.dataclass
class MoreData(Data):
    secret: str = "s"


class Hotel(Struct):
    first: Room | UnsetType = UNSET
    rooms: list[Room] | UnsetType = UNSET
    by_name: dict[str, Room] | UnsetType = UNSET
    pair: tuple[int, Room] | UnsetType = UNSET


class Chain(Hotel):
    secret: str = "s"


class Model(pydantic.BaseModel):
    number: int


class WithModel(Struct):
    model: Model
    address: Address | UnsetType = UNSET


class MayHaveModel(Struct):
    name: str
    model: Model | UnsetType = UNSET


class MoreWithModel(WithModel):
    secret: str = "s"


@pytest.mark.parametrize(
    ("kind", "value", "sent"),
    [
        (Room, Suite("a"), {"name": "a"}),
        (Room, Suite("a", beds=2), {"name": "a", "beds": 2}),
        (Room, Suite("a", Secretive("b")), {"name": "a", "address": {"street": "b"}}),
        (
            Room,
            Suite("a", annex=Suite("b", annex=Suite("c"))),
            {"name": "a", "annex": {"name": "b", "annex": {"name": "c"}}},
        ),
        (Room, SimpleNamespace(name="a", address=UNSET), {"name": "a"}),
        (Room, {"name": "a", "address": UNSET}, {"name": "a"}),
        (
            list[Room],
            [Suite("a"), Room("b"), Suite("c", Address("d"))],
            [{"name": "a"}, {"name": "b"}, {"name": "c", "address": {"street": "d"}}],
        ),
        (Response[Room], Response(Suite("a")), {"name": "a"}),
        (Room | list[Room], [Suite("a")], [{"name": "a"}]),
        (Data, MoreData("a"), {"name": "a"}),
        (
            Hotel,
            Chain(Suite("a"), [Suite("b")], {"c": Suite("c")}, (1, Suite("d"))),
            {
                "first": {"name": "a"},
                "rooms": [{"name": "b"}],
                "by_name": {"c": {"name": "c"}},
                "pair": [1, {"name": "d"}],
            },
        ),
        (Hotel, Chain(rooms=[Suite("b")]), {"rooms": [{"name": "b"}]}),
        (MayHaveModel, MayHaveModel("a"), {"name": "a"}),
        (MayHaveModel, SimpleNamespace(name="a", model=UNSET), {"name": "a"}),
        (MayHaveModel, MayHaveModel("a", Model(number=1)), {"name": "a", "model": {"number": 1}}),
        (WithModel, MoreWithModel(Model(number=1)), {"model": {"number": 1}}),
    ],
    ids=str,
)
def test_what_is_sent(kind: Any, value: Any, sent: Any) -> None:
    def handler() -> Any:
        return value

    handler.__annotations__["return"] = kind
    app = App()
    app.get("/")(handler)
    assert Client(app).get("/").json() == sent


class Plain(Struct):
    name: str
    beds: int = 5


@pytest.mark.parametrize("value", [SimpleNamespace(name="a", beds=UNSET), {"name": "a", "beds": UNSET}])
def test_a_field_that_cannot_be_unset(value: Any) -> None:
    """UNSET is an error for such a field. Without the error, the default of the field would replace the UNSET that the
    program chose.
    """
    with pytest.raises(ValidationError, match=r"at `\$.beds`"):
        convert_attributes(value, Plain)


def test_other_faults() -> None:
    with pytest.raises(ValidationError, match=r"Expected `int`, got `str` - at `\$.beds`"):
        convert_attributes(SimpleNamespace(name="a", address=UNSET, beds="2"), Room)
