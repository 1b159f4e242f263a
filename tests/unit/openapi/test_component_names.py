"""The names of components: the classes of a program keep their own names, and each type has only one name."""

import enum
from dataclasses import dataclass
from typing import Any

import msgspec
import pydantic
import pytest
from tests.unit.openapi.described import described

from ropewalk import App


class State(enum.Enum):
    """Whether a room is free."""

    TAKEN = "taken"
    FREE = "free"


class Only(enum.Enum):
    ONE = "one"


@dataclass
class Place:
    floor: int
    state: State


class Room(pydantic.BaseModel):
    state: State
    only: Only
    place: Place


def components(app: App) -> dict[str, Any]:
    found: dict[str, Any] = described(app)["components"]["schemas"]
    return found


def test_a_type_of_a_query_and_of_a_model_has_one_name() -> None:
    app = App()

    @app.get("/")
    def show(state: State, only: Only) -> Room: ...  # type: ignore[empty-body]

    @app.post("/")
    def add(place: Place) -> None: ...

    found = set(components(app)) - {"Problem", "InvalidInputProblem", "FieldError"}
    assert found == {"State", "Only", "Room", "Place"}


def test_types_of_one_name_that_differ_have_two() -> None:
    app = App()
    other = enum.Enum("State", {"OPEN": "open"})  # type: ignore[misc] # not a constant

    def show(state: Any) -> Room: ...  # type: ignore[empty-body]

    show.__annotations__["state"] = other
    app.get("/")(show)
    assert {"State", "State_2"} < set(components(app))


STRUCTS = [msgspec.defstruct(name, [("mine", int)]) for name in ("Problem", "InvalidInputProblem", "FieldError")]
MODELS = [pydantic.create_model(name, mine=(int, ...)) for name in ("Problem", "InvalidInputProblem", "FieldError")]


@pytest.mark.parametrize("kind", [*STRUCTS, *MODELS])
def test_a_class_of_the_program_keeps_its_name(kind: Any) -> None:
    app = App()

    def add(body: Any) -> Any: ...

    add.__annotations__ |= {"body": kind, "return": kind}
    app.post("/")(add)
    found = components(app)
    assert list(found[kind.__name__]["properties"]) == ["mine"]
    responses = described(app)["paths"]["/"]["post"]["responses"]
    name = f"{kind.__name__}_2"
    assert found[name]["title"] == name
    used = str([responses["400"], responses["422"], found])
    assert f"#/components/schemas/{name}" in used
    assert set(found) == {"Problem", "InvalidInputProblem", "FieldError", name}
