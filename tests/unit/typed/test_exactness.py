"""`exactness`: a value is exact if it needs no conversion to a type."""

import copy
from typing import Annotated, Any, Generic, TypedDict, TypeVar

import msgspec
import pytest
from msgspec import UNSET, Meta, Struct, UnsetType, convert
from msgspec import inspect as shapes

from ropewalk.request import ExactTypes
from ropewalk.typed.exactness import exactness
from ropewalk.typed.narrowing import narrowing
from ropewalk.typed.outputs import shape_for

T = TypeVar("T")


class Price(Struct):
    amount: int


class SecretPrice(Price, kw_only=True):
    cost: int = 1


class Room(Struct):
    id: int
    price: Price
    extras: list[Price] = []
    former: Price | None = None
    planned: Price | UnsetType = UNSET


class SecretRoom(Room, kw_only=True):
    safe: str = "1234"


class Tree(Struct):
    branches: list["Tree"] = []


class Subtree(Tree, kw_only=True):
    secret: int = 1


class Tags(TypedDict):
    name: str


class Tagged(Struct):
    tags: Tags


class Box(Struct, Generic[T]):
    value: T


class Sorted(list[Room]):
    pass


PLAIN = Room(1, Price(2), [Price(3)], Price(4), Price(5))
ROOMS: Any = list[Room]

EXACT = [
    (ROOMS, []),
    (ROOMS, [PLAIN]),
    (ROOMS, [Room(1, Price(2)), PLAIN]),
    (Room, PLAIN),
    (list[Room | None], [None, PLAIN]),
    (list[list[Price]], [[], [Price(1)], [Price(2), Price(3)]]),
    (Tree, Tree([Tree(), Tree([Tree()])])),
]
NOT_EXACT = [
    (ROOMS, [PLAIN, SecretRoom(1, Price(2))]),
    (ROOMS, [PLAIN, Room(1, SecretPrice(2))]),
    (ROOMS, [PLAIN, Room(1, Price(2), [Price(3), SecretPrice(4)])]),
    (ROOMS, [PLAIN, Room(1, Price(2), former=SecretPrice(4))]),
    (ROOMS, [PLAIN, Room(1, Price(2), planned=SecretPrice(4))]),
    (ROOMS, Sorted([PLAIN])),
    (ROOMS, (PLAIN,)),
    (ROOMS, [None]),
    (ROOMS, [{"id": 1}]),
    (ROOMS, iter([PLAIN])),
    (Room, None),
    (Room, SecretRoom(1, Price(2))),
    (list[list[Price]], [[], [Price(1), SecretPrice(2)]]),
    (Tree, Tree([Tree(), Tree([Subtree()])])),
]


def is_exact(kind: Any, value: Any) -> bool:
    found = exactness(shapes.type_info(kind))
    assert found is not None
    return found(value)


@pytest.mark.parametrize(("kind", "value"), EXACT)
def test_conversion_leaves_an_exact_value_as_it_is(kind: Any, value: Any) -> None:
    assert is_exact(kind, value)
    narrow = narrowing(shapes.type_info(kind)) or (lambda same: same)
    before = copy.deepcopy(value)
    converted = narrow(convert(value, kind, from_attributes=True))
    assert msgspec.json.encode(converted) == msgspec.json.encode(value)
    assert value == before


@pytest.mark.parametrize(("kind", "value"), NOT_EXACT)
def test_other_values_are_not_exact(kind: Any, value: Any) -> None:
    assert not is_exact(kind, value)


def test_an_object_without_a_field_is_not_exact() -> None:
    room = Room(1, Price(2))
    del room.price
    assert not is_exact(ROOMS, [room])


def deep_tree(levels: int) -> Tree:
    tree = Tree()
    for _ in range(levels):
        tree = Tree([tree])
    return tree


def test_a_value_that_is_nested_too_deeply_is_not_exact() -> None:
    assert is_exact(Tree, deep_tree(499))  # each tree has a list, which is also a level
    assert not is_exact(Tree, deep_tree(500))
    assert not is_exact(Tree, deep_tree(100_000))


def test_the_error_of_an_attribute_is_raised() -> None:
    class Lazy(Struct):
        price: Price

        def __getattribute__(self, name: str) -> Any:
            raise ZeroDivisionError(name)

    with pytest.raises(ZeroDivisionError, match="price"):
        is_exact(Lazy, Lazy(Price(1)))


def test_a_list_that_an_attribute_shortens_is_checked_to_its_end() -> None:
    class Removing(Struct):
        price: Price

        def __getattribute__(self, name: str) -> Any:
            removing.clear()
            return super().__getattribute__(name)

    removing = [Removing(Price(1)), Removing(SecretPrice(2))]
    assert is_exact(list[Removing], removing)
    assert removing == []


@pytest.mark.parametrize("nodes", [[], [(list, False, [], 1)], [(Room, False, [("price", 1)], None)]])
def test_every_part_has_a_node(nodes: Any) -> None:
    with pytest.raises(IndexError, match="no node"):
        ExactTypes(nodes, UNSET)


@pytest.mark.parametrize(
    "kind",
    [
        Tags,
        Tagged,
        list[Tagged],
        dict[str, Room],
        tuple[Room, ...],
        Box[Room],
        Annotated[list[Room], Meta(max_length=1)],
        Annotated[list[Room], Meta(min_length=1)],
        list[Room | list[Room]],
        int,
    ],
)
def test_some_types_are_always_converted(kind: Any) -> None:
    assert exactness(shapes.type_info(kind)) is None


def test_a_list_of_the_annotated_class_is_not_copied() -> None:
    def rooms() -> list[Room]:
        return []

    shape = shape_for(rooms)
    assert shape is not None
    value = [PLAIN, Room(2, Price(3))]
    assert shape(value) is value
    plain = [Room(1, Price(2), planned=Price(3))]
    assert shape([SecretRoom(1, Price(2), planned=Price(3))]) == plain
    assert shape([Room(1, SecretPrice(2), planned=Price(3))]) == plain
