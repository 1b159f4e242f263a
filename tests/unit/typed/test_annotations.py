"""Annotations that are texts, aliases, or name what is imported for type checkers only."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import pydantic
import pytest
from typing_extensions import TypeAliasType

from ropewalk import App, Depends, Header, Query
from ropewalk.auth import requires
from ropewalk.errors import HandlerError
from ropewalk.testing import Client
from ropewalk.typed.outputs import returned_kind

if TYPE_CHECKING:
    from ropewalk import Request


class Room(msgspec.Struct):
    number: str


class Stored(Room):
    secret: str = "s"


def plain(request: Request, n: int = 1) -> Room:
    return Stored(str(n))


def with_more(more: str, request: Request, n: int = 1) -> Room:
    return Stored(str(n))


@functools.wraps(plain)
def wrapped(*args: Any, **keywords: Any) -> Any:
    return plain(*args, **keywords)


class Callables:
    def __call__(self, request: Request, n: int = 1) -> Room:
        return Stored(str(n))

    def method(self, request: Request, n: int = 1) -> Room:
        return Stored(str(n))


@pytest.mark.parametrize(
    "handler", [plain, functools.partial(with_more, "x"), wrapped, Callables(), Callables().method]
)
def test_a_name_for_type_checkers_leaves_the_other_annotations(handler: Callable[..., Any]) -> None:
    app = App()
    app.get("/")(handler)
    client = Client(app)
    assert client.get("/?n=2").json() == {"number": "2"}
    assert client.get("/?n=x").status == 422


def test_a_requirement_leaves_the_annotations() -> None:
    def show(request: Request) -> Room:
        raise AssertionError

    assert returned_kind(show) is Room
    assert returned_kind(requires("rooms:read")(show)) is Room


class Opened:
    def __init__(self, request: Request, n: int = 1) -> None:
        self.n = n


def test_a_class_as_a_provider() -> None:
    app = App()

    @app.get("/")
    def show(opened: Annotated[Any, Depends(Opened)]) -> str:
        return str(opened.n)

    assert Client(app).get("/?n=2").body == b"2"


Key = TypeAliasType("Key", Annotated[str, Header("x-key")])
Outer = TypeAliasType("Outer", Key)


@pytest.mark.parametrize("kind", [Key, Outer, Annotated[Key, msgspec.Meta(min_length=1)]])
def test_the_marker_of_an_alias_counts(kind: Any) -> None:
    def show(request: Request, key: str = "none") -> str:
        return key

    show.__annotations__["key"] = kind
    app = App()
    app.get("/")(show)
    assert Client(app).get("/?key=query").body == b"none"
    assert Client(app).get("/?key=query", headers={"x-key": "header"}).body == b"header"


@pytest.mark.parametrize(
    "kind", [Annotated[str, Header()] | None, Annotated[Annotated[str, Header()] | None, Query()], Key | None]
)
def test_a_marker_in_one_part_of_a_union_is_refused(kind: Any) -> None:
    def show(request: Request, key: Any = None) -> str:
        raise AssertionError

    show.__annotations__["key"] = kind
    with pytest.raises(HandlerError, match=r"key has Header in one part of a union") as caught:
        App().get("/")(show)
    assert caught.value.code == "RW214"


def test_a_name_that_no_struct_can_have_is_refused() -> None:
    def show(request: Request, __n: int) -> str:
        raise AssertionError

    with pytest.raises(HandlerError) as caught:
        App().get("/")(show)
    assert caught.value.code == "RW214"


class Aliased(pydantic.BaseModel):
    own: int = pydantic.Field(validation_alias="other")


class Choices(pydantic.BaseModel):
    own: int = pydantic.Field(validation_alias=pydantic.AliasChoices("other", "third"))


class ByName(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(populate_by_name=True)
    own: int = pydantic.Field(alias="other")


class WithJSON(pydantic.BaseModel):
    value: pydantic.Json[Any]


def taking(kind: Any, method: str = "GET") -> Client:
    def show(request: Request, value: Any) -> str:
        return str(value)

    show.__annotations__["value"] = kind
    app = App()
    app.route("/", methods=[method])(show)
    return Client(app)


@pytest.mark.parametrize(
    ("model", "query", "status"),
    [
        (Aliased, "other=1", 200),
        (Aliased, "own=1", 422),
        (Choices, "other=1", 200),
        (Choices, "third=1", 200),
        (Choices, "own=1", 422),
        (ByName, "other=1", 200),
        (ByName, "own=1", 200),
    ],
)
def test_aliases_for_validation(model: Any, query: str, status: int) -> None:
    response = taking(Annotated[model, Query()]).get(f"/?{query}")
    assert response.status == status
    if status == 200:
        assert response.body == b"own=1"


def test_invalid_json_within_a_field_is_that_fields_fault() -> None:
    responses = [
        taking(Annotated[WithJSON, Query()]).get("/?value=%7B"),
        taking(WithJSON, "POST").post("/", json={"value": "{"}),
    ]
    assert [each.status for each in responses] == [422, 422]
    assert [each.json()["errors"][0]["code"] for each in responses] == ["format", "format"]
