"""Examples of parameters, bodies and responses."""

from datetime import date
from typing import Annotated, Any

import pydantic
import pytest
from msgspec import Struct
from tests.unit.openapi.described import operation

from ropewalk import App, Body, Query
from ropewalk.openapi.examples import examples_of


class Room(Struct):
    number: str


class Model(pydantic.BaseModel):
    email: str = pydantic.Field(alias="e-mail")


SEA = {"summary": "By the sea.", "value": Room("12a")}


def test_of_a_parameter() -> None:
    app = App()

    @app.get("/a")
    def find(day: Annotated[date, Query(examples={"new year": date(2027, 1, 1)})]) -> None: ...

    assert operation(app, "/a")["parameters"][0]["examples"] == {"new year": {"value": "2027-01-01"}}


def test_of_a_body() -> None:
    app = App()

    @app.post("/a")
    def add(room: Annotated[Room, Body(examples={"sea": SEA, "plain": Room("1")})]) -> None: ...

    content = operation(app, "/a", "post")["requestBody"]["content"]["application/json"]
    assert content["examples"] == {
        "sea": {"summary": "By the sea.", "value": {"number": "12a"}},
        "plain": {"value": {"number": "1"}},
    }


@pytest.mark.parametrize("kind", [Room, Any])
def test_of_a_response(kind: Any) -> None:
    def find() -> Any: ...

    find.__annotations__["return"] = kind
    app = App()
    app.get("/a", responses={200: {"example": Room("1")}, 409: {"model": Room, "examples": {"sea": SEA}}})(find)
    found = operation(app, "/a")["responses"]
    assert found["200"]["content"]["application/json"]["example"] == {"number": "1"}
    assert found["409"]["content"]["application/json"]["examples"]["sea"]["value"] == {"number": "12a"}
    assert "example" not in found["200"]
    assert "examples" not in found["409"]


@pytest.mark.parametrize(
    ("example", "examples", "made"),
    [
        (None, None, {}),
        (0, {}, {"example": 0}),
        (Model.model_validate({"e-mail": "a@b"}), None, {"example": {"e-mail": "a@b"}}),
        (1, {"two": 2}, {"examples": {"example": {"value": 1}, "two": {"value": 2}}}),
        (None, {"far": {"externalValue": "/a.json"}}, {"examples": {"far": {"externalValue": "/a.json"}}}),
        (None, {"value": {"value": 1, "unit": "m"}}, {"examples": {"value": {"value": {"value": 1, "unit": "m"}}}}),
    ],
)
def test_forms(example: Any, examples: Any, made: dict[str, Any]) -> None:
    assert examples_of(example, examples) == made
