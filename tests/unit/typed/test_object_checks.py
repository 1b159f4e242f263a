"""Objects that have nothing in common with the return annotation are refused, even if all its fields have defaults."""

import asyncio
import sys
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, NamedTuple, TypedDict

import pytest
from msgspec import UNSET, Struct, UnsetType
from pydantic import BaseModel, model_validator
from twisted.internet.defer import Deferred

from ropewalk import App, Response
from ropewalk.errors import HandlerError
from ropewalk.statuses import Created
from ropewalk.testing import Client


class Settings(Struct):
    theme: str = "light"


class Renamed(Struct, rename="camel"):
    theme_name: str | UnsetType = UNSET


@dataclass
class Options:
    theme: str = "light"


class Model(BaseModel):
    theme: str = "light"


class Outer(Struct):
    inner: Settings = field(default_factory=Settings)


class Required(Struct):
    theme: str


class OuterModel(BaseModel):
    inner: Model = Model()


class Pair(NamedTuple):
    first: Settings
    second: int


class Keys(TypedDict):
    inner: Settings


class Tree(Struct):
    theme: str = "light"
    trees: "list[Tree]" = []


class Other:
    color = "red"


async def load() -> Settings:
    return Settings("dark")


def find() -> Settings:
    return Settings("dark")


def get(kind: Any, value: Any) -> Any:
    app = App()

    async def handler() -> Any:
        return value() if value is load else value

    handler.__annotations__["return"] = kind
    app.get("/")(handler)
    return Client(app).get("/")


def refused(kind: Any, value: Any) -> str:
    with pytest.raises(HandlerError) as caught:
        get(kind, value)
    assert caught.value.code == "RW215"
    assert "handler" in caught.value.message
    return caught.value.message


KINDS = [Settings, Renamed, Options, Model, Outer, OuterModel, Tree, Required]
WRONG = [
    (Other(), "Other has none of the attributes of"),
    (object(), "object has none of the attributes of"),
    (find, "it is the function"),
    (Settings.__init__, "none of the attributes"),
    (len, "it is the function"),
    (Options, "it is the class"),
    (Other, "it is the class"),
    (sys, "it is the module sys"),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("value", "why"), WRONG)
def test_objects_of_other_kinds(kind: Any, value: Any, why: str) -> None:
    for each in (kind, kind | None):
        message = refused(each, value)
        if kind is not Required or "attributes" not in why:
            assert why in message or isinstance(kind, type(BaseModel))


SHAPES = [
    *KINDS,
    Settings | None,
    Settings | int,
    Settings | Response,
    Settings | Model,
    Response[Settings] | Settings,
    Created[Settings],
    list[Settings],
    list[Model],
    tuple[Settings, int],
    tuple[Settings, ...],
    dict[str, Settings],
    dict[str, Model],
    Pair,
    Keys,
    list[Settings] | dict[str, Settings],
]


@pytest.mark.parametrize("kind", SHAPES)
def test_a_coroutine(kind: Any) -> None:
    assert "it is a coroutine that was not awaited; write `await load(...)`" in refused(kind, load())


@pytest.mark.parametrize("kind", [Settings, Model, list[Settings], Required])
def test_other_awaitables(kind: Any) -> None:
    class Later:
        def __await__(self) -> Any:
            yield

    loop = asyncio.new_event_loop()
    future = loop.create_future()
    loop.close()
    for value in (future, Later()):
        assert f"it is a {type(value).__qualname__} that was not awaited; write `await`" in refused(kind, value)


PARTS: list[tuple[Any, Any, str]] = [
    (list[Settings], lambda part: [part], "$[0]"),
    (list[Settings], lambda part: [Settings(), part], "$[1]"),
    (list[Settings | None], lambda part: [None, part], "$[1]"),
    (list[Model], lambda part: [Model(), part], "$[1]"),
    (tuple[int, Settings], lambda part: (1, part), "$[1]"),
    (dict[str, Settings], lambda part: {"a": part}, "$['a']"),
    (dict[str, Model], lambda part: {"a": part}, "$['a']"),
    (dict[str, list[Options]], lambda part: {"a": [part]}, "$['a'][0]"),
    (Outer, lambda part: {"inner": part}, "$.inner"),
    (Outer, lambda part: SimpleNamespace(inner=part), "$.inner"),
    (Outer, Outer, ""),
    (OuterModel, lambda part: {"inner": part}, "$.inner"),
    (OuterModel, lambda part: SimpleNamespace(inner=part), "$.inner"),
    (Keys, lambda part: {"inner": part}, "$.inner"),
    (Pair, lambda part: (part, 1), "$[0]"),
    (Tree, lambda part: {"trees": [{"trees": [part]}]}, "$.trees[0].trees[0]"),
    (Settings | list[Settings], lambda part: [part], "$[0]"),
    (list[Pair], lambda part: [Pair(part, 1)], "$[0][0]"),
]


@pytest.mark.parametrize(("kind", "make", "place"), PARTS)
def test_parts(kind: Any, make: Any, place: str) -> None:
    assert place in refused(kind, make(Other()))
    message = refused(kind, make(Deferred()))
    assert "it is a Deferred that was not awaited" in message
    message = refused(kind, make(load()))
    assert "it is a coroutine that was not awaited; write `await load(...)`" in message
    assert place in message


@pytest.mark.parametrize("kind", [Settings, Required, Options, Model])
def test_fields_without_fields(kind: Any) -> None:
    for value in ({"theme": load()}, SimpleNamespace(theme=load())):
        assert "it is a coroutine that was not awaited; write `await load(...)`" in refused(kind, value)


class Sub(Settings):
    more: int = 1


class Lazy:
    @property
    def theme(self) -> str:
        return "dark"


class Computed:
    def __getattr__(self, name: str) -> str:
        if name != "theme":
            raise AttributeError(name)
        return "dark"


class Slots:
    __slots__ = ("theme",)

    def __init__(self) -> None:
        self.theme = "dark"


@pytest.mark.parametrize("kind", [Settings, Options, Model, Settings | None, Settings | int])
@pytest.mark.parametrize("value", [Lazy(), Computed(), Slots(), SimpleNamespace(theme="dark"), {"theme": "dark"}])
def test_objects_with_the_attributes_are_converted(kind: Any, value: Any) -> None:
    assert get(kind, value).json() == {"theme": "dark"}
    assert get(list[kind], [value, value]).json() == [{"theme": "dark"}] * 2


def test_subclasses_and_empty_values_are_converted() -> None:
    assert get(Settings, Sub("dark")).json() == {"theme": "dark"}
    assert get(Settings, {}).json() == {"theme": "light"}
    assert get(Tree, Tree("a", [Tree("b")])).json() == {"theme": "a", "trees": [{"theme": "b", "trees": []}]}
    assert get(Settings | int, 5).json() == 5


def test_a_model_that_accepts_other_objects() -> None:
    class Open(BaseModel):
        theme: str = "light"

        @model_validator(mode="before")
        @classmethod
        def _from_other(cls, value: Any) -> Any:
            return {"theme": value.color} if isinstance(value, Other) else value

    assert get(Open, Other()).json() == {"theme": "red"}
    refused(Open, load())
