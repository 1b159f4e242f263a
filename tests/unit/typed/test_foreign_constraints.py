"""Constraints of other packages, which msgspec would ignore."""

import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

import annotated_types
import msgspec
import pydantic
import pydantic.dataclasses
import pytest
from msgspec import Meta, Struct
from typing_extensions import TypeAliasType

from ropewalk import App, Body, Cookie, Depends, Header, JSONPatch, MergePatch, Path, Query
from ropewalk.errors import HandlerError
from ropewalk.testing import Client

Item = TypeVar("Item")
AtLeastOne = Annotated[int, annotated_types.Ge(1)]
Aliased = TypeAliasType("Aliased", Annotated[int, pydantic.Field(ge=1)])


class Room(Struct):
    number: AtLeastOne


class Named(typing.NamedTuple):
    number: AtLeastOne


class Keys(typing.TypedDict):
    number: AtLeastOne


class Hotel(Struct):
    rooms: dict[str, list[Room]]


class Box(Struct, Generic[Item]):
    item: Item


class Default(Struct):
    name: str
    number: int = pydantic.Field(5, ge=1)


@dataclass
class Data:
    number: Annotated[int, pydantic.Field(gt=0)] = 5


@dataclass
class DataDefault:
    number: int = pydantic.Field(5, ge=1)


@pydantic.dataclasses.dataclass
class OfPydantic:
    number: Annotated[int, pydantic.Field(gt=0)]


class Model(pydantic.BaseModel):
    number: int = pydantic.Field(ge=1)


class Limits(Struct):
    """The objects of other packages in the annotation only describe the field, so they are allowed."""

    number: Annotated[int, Meta(ge=1), "a number", pydantic.Field(description="It is a number.")] = 5


def refused(kind: Any, match: str, default: Any = ...) -> None:
    def handle(value: Any) -> None: ...

    handle.__annotations__["value"] = kind
    handle.__defaults__ = None if default is ... else (default,)
    register: Callable[..., Any] = App().post("/{value}" if "Path" in repr(kind) else "/")
    with pytest.raises(HandlerError, match=rf"RW214 .*value has {match}"):
        register(handle)


@pytest.mark.parametrize("marker", [Query(), Header(), Cookie(), Path(), Body()])
@pytest.mark.parametrize(
    ("constraint", "written", "meta"),
    [
        (annotated_types.Ge(0), "annotated_types.Ge", "ge=0"),
        (annotated_types.Interval(gt=1, le=3), "annotated_types.Interval", "gt=1, le=3"),
        (annotated_types.MultipleOf(2), "annotated_types.MultipleOf", "multiple_of=2"),
        (pydantic.Field(ge=1, lt=9), "pydantic.Field", "ge=1, lt=9"),
    ],
)
def test_each_part_of_a_request(marker: Any, constraint: Any, written: str, meta: str) -> None:
    refused(Annotated[int, marker, constraint], rf"{written}, which .*Write .*msgspec\.Meta\({meta}\)")


@pytest.mark.parametrize(
    ("kind", "match"),
    [
        (Annotated[str, pydantic.StringConstraints(pattern="a")], r"pydantic\.String.*Meta\(pattern='a'\)"),
        (Annotated[str, annotated_types.Len(1, 3)], r"annotated_types\.Len.*Meta\(min_length=1, max_length=3\)"),
        (Annotated[int, pydantic.AfterValidator(abs)], r"pydantic\.AfterValidator.*Use .* a model of pydantic"),
        (annotated_types.LowerCase[str], r"annotated_types\.Predicate"),
        (pydantic.PositiveInt, r"annotated_types\.Gt"),
        (AtLeastOne | None, r"annotated_types\.Ge"),
        (list[AtLeastOne], r"annotated_types\.Ge"),
        (dict[str, AtLeastOne], r"annotated_types\.Ge"),
        (Aliased, r"pydantic\.Field"),
        (Room, r"annotated_types\.Ge in Room\.number"),
        (Named, r"annotated_types\.Ge in Named\.number"),
        (Keys, r"annotated_types\.Ge in Keys\.number"),
        (Hotel, r"annotated_types\.Ge in Room\.number"),
        (Box[AtLeastOne], r"annotated_types\.Ge"),
        (Default, r"pydantic\.Field in Default\.number"),
        (Data, r"pydantic\.Field in Data\.number"),
        (DataDefault, r"pydantic\.Field in DataDefault\.number"),
        (OfPydantic, "the dataclass OfPydantic of pydantic.*Make it a model"),
        (Annotated[Room, Query()], r"annotated_types\.Ge in Room\.number"),
        (MergePatch[Room], r"annotated_types\.Ge in Room\.number"),
        (JSONPatch[Room], r"annotated_types\.Ge in Room\.number"),
    ],
)
def test_each_kind_of_type(kind: Any, match: str) -> None:
    refused(kind, match)


def test_defaults() -> None:
    refused(int, r"pydantic\.Field, .*ge=1", pydantic.Field(5, ge=1))
    refused(int, r"pydantic\.Field, .*Write the default itself", pydantic.Field(5))


def test_providers() -> None:
    def provide(limit: AtLeastOne) -> int:
        return limit

    def handle(value: Annotated[int, Depends(provide)]) -> None: ...

    with pytest.raises(HandlerError, match=r"RW214 .*provide at .*limit has annotated_types\.Ge"):
        App().get("/")(handle)


def test_what_is_no_constraint_is_allowed() -> None:
    app = App()

    @app.post("/")
    def handle(
        limits: Limits,
        name: Annotated[str, "a name", msgspec.Meta(min_length=1), pydantic.WithJsonSchema({})] = "x",
    ) -> dict[str, str]:
        return {name: str(limits.number)}

    assert Client(app).post("/", json={"number": 3}).json() == {"x": "3"}


def test_models_of_pydantic_keep_their_constraints() -> None:
    app = App()

    @app.post("/")
    def handle(models: Annotated[list[Model], pydantic.Field(max_length=1)]) -> str:
        return f"{len(models)}"

    @app.get("/")
    def find(model: Annotated[Model, Query()]) -> str:
        return f"{model.number}"

    client = Client(app)
    assert client.post("/", json=[{"number": 3}]).text == "1"
    assert client.post("/", json=[{"number": 3}, {"number": 3}]).status == 422
    assert client.get("/?number=0").status == 422
