"""The components: which there are, how they are named, and what is written for tools that read them."""

from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, TypeVar

import pydantic
from msgspec import Struct, defstruct
from tests.unit.openapi.described import described, operation

from ropewalk import App, OpenAPI, Query

Item = TypeVar("Item")


class Tree(Struct):
    children: "list[Tree]" = []


@dataclass
class Chain:
    next: "Chain | None" = None


class Page(Struct, Generic[Item]):
    items: list[Item]


class Folder(pydantic.BaseModel):
    folders: "list[Folder]" = []


class Marked(pydantic.BaseModel):
    """A model whose schema as output differs from its schema as input, because of the computed field."""

    name: str

    @pydantic.computed_field  # type: ignore[prop-decorator] # as pydantic documents it
    @property
    def length(self) -> int:
        return len(self.name)


class Shelf(pydantic.BaseModel):
    marked: list[Marked] = []


def echo(*kinds: Any) -> dict[str, Any]:
    """The schemas of an app that takes and returns each of some types."""
    app = App()
    for number, kind in enumerate(kinds):

        def handler(value: Any) -> Any: ...

        handler.__annotations__.update({"value": kind, "return": kind})
        app.post(f"/{number}")(handler)
    found: dict[str, Any] = described(app)["components"]["schemas"]
    return {
        name: schema for name, schema in found.items() if name not in ("Problem", "InvalidInputProblem", "FieldError")
    }


def test_types_that_contain_themselves() -> None:
    found = echo(Tree, Chain, Folder)
    assert list(found) == ["Tree", "Chain", "Folder"]
    assert found["Tree"]["properties"]["children"]["items"] == {"$ref": "#/components/schemas/Tree"}
    assert found["Chain"]["properties"]["next"]["anyOf"][0] == {"$ref": "#/components/schemas/Chain"}
    assert found["Folder"]["properties"]["folders"]["items"] == {"$ref": "#/components/schemas/Folder"}


def test_generic_types() -> None:
    found = echo(Page[Tree], Page[int])
    assert list(found) == ["Page_Tree_", "Tree", "Page_int_"]
    assert found["Page_int_"]["properties"]["items"]["items"] == {"type": "integer"}


def test_classes_of_one_name() -> None:
    def one() -> Any:
        class Room(Struct):
            a: int

        return Room

    def two() -> Any:
        class Room(Struct):
            b: int

        return Room

    class Room(pydantic.BaseModel):
        c: int

    found = echo(one(), two(), Room)
    assert [list(each["properties"]) for each in found.values()] == [["a"], ["b"], ["c"]]
    assert len({each["title"] for each in found.values()}) == len(found)


def model(field: str) -> Any:
    class Model(Struct):
        __annotations__ = {field: int}

    return Model


def test_generic_types_of_classes_of_one_name() -> None:
    """For example `Page[books.Model]` and `Page[films.Model]`: msgspec would give both the same name."""
    page: Any = Page
    book, film, song = model("book"), model("film"), model("song")
    found = echo(page[book], page[film], page[song], book, Tree, page[int])
    fields = {name: list(schema["properties"]) for name, schema in found.items()}
    for field in ("book", "film", "song"):
        [name] = [name for name, each in fields.items() if each == [field]]
        items = {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}}
        assert len([each for each in found.values() if each["properties"].get("items") == items]) == 1
    assert len(found) == 8
    assert len({schema["title"] for schema in found.values()}) == 8


def test_classes_of_one_module_and_name() -> None:
    found = echo(model("book"), model("film"), model("film"))
    assert [list(each["properties"]) for each in found.values()] == [["book"], ["film"], ["film"]]


class Cat(pydantic.BaseModel):
    kind: Literal["cat"]


class Node(pydantic.BaseModel):
    kind: Literal["node"]
    below: "list[Annotated[Node | Cat, pydantic.Field(discriminator='kind')]]" = []


def test_a_discriminator_refers_to_the_components_as_they_are_named() -> None:
    """A discriminator names its components as they are named in the document. Here the model `Cat` becomes `Cat_2`,
    because a Struct has the name `Cat`."""
    found = echo(Node, defstruct("Cat", [("lives", int)]))
    items = found["Node"]["properties"]["below"]["items"]
    place = "#/components/schemas/"
    assert items["discriminator"]["mapping"] == {"cat": f"{place}Cat_2", "node": f"{place}Node"}
    assert [each["$ref"] for each in items["oneOf"]] == [f"{place}Node", f"{place}Cat_2"]


class Bounds(Struct):
    most: float = float("inf")
    mean: float | None = float("nan")
    least: float = 0.0


class BoundsModel(pydantic.BaseModel):
    most: float = float("inf")
    mean: float | None = float("nan")
    least: float = 0.0


def test_a_default_that_json_cannot_have() -> None:
    """Infinity would become null, which is not a number, so this default is left out."""
    for schema in echo(Bounds, BoundsModel).values():
        defaults = {name: each["default"] for name, each in schema["properties"].items() if "default" in each}
        assert defaults == {"least": 0.0}

    app = App()

    @app.get("/a")
    def find(most: float = float("inf"), least: float = 0.0) -> None: ...

    schemas = [each["schema"] for each in operation(app, "/a")["parameters"]]
    assert schemas == [{"type": "number"}, {"type": "number", "default": 0.0}]


def test_a_model_with_two_forms() -> None:
    found = echo(Shelf)
    assert set(found) == {"Shelf-Input", "Shelf-Output", "Marked-Input", "Marked-Output"}
    assert {name: schema["title"] for name, schema in found.items()} == {name: name for name in found}
    inputs = found["Shelf-Input"]["properties"]["marked"]["items"]
    assert inputs == {"$ref": "#/components/schemas/Marked-Input"}


def test_a_model_that_is_only_an_input() -> None:
    app = App()

    @app.post("/a")
    def add(value: Shelf) -> None: ...

    assert {"Shelf", "Marked"} < set(described(app)["components"]["schemas"])


def test_tuples_have_no_boolean_schema() -> None:
    app = App()

    @app.get("/a")
    def find() -> list[tuple[int, str]]:
        return []

    schema = operation(app, "/a")["responses"]["200"]["content"]["application/json"]["schema"]["items"]
    assert schema == {
        "type": "array",
        "prefixItems": [{"type": "integer"}, {"type": "string"}],
        "minItems": 2,
        "maxItems": 2,
    }


class Filter(Struct):
    limit: int = 0


def test_only_schemas_that_are_used() -> None:
    """A type for the whole query is described as one parameter for each field, so it needs no schema of its own."""
    app = App()

    @app.get("/a")
    def find(wanted: Annotated[Filter, Query()]) -> None: ...

    assert "Filter" not in described(app)["components"]["schemas"]
    used = OpenAPI("Hotel", "1.0", ui=None, extra={"x-filter": {"$ref": "#/components/schemas/Filter"}})
    assert "Filter" in described(app, used)["components"]["schemas"]


def test_extra_schemas_are_merged() -> None:
    app = App()

    @app.get("/a")
    def find() -> Tree:
        return Tree()

    extra = {"components": {"schemas": {"Tree": {"description": "A tree."}, "Other": {"type": "string"}}}}
    found = described(app, OpenAPI("Hotel", "1.0", ui=None, extra=extra))["components"]["schemas"]
    assert found["Tree"]["description"] == "A tree."
    assert "properties" in found["Tree"]
    assert found["Other"] == {"type": "string"}
