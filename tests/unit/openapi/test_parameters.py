"""Parameters and request bodies: every place and every kind of type."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal, NamedTuple, TypedDict
from uuid import UUID

import msgspec
import pydantic
import pytest
from msgspec import Meta, Struct
from tests.unit.openapi.described import described, operation, parameters

from ropewalk import App, Body, Converter, Cookie, Depends, Header, Path, Query, Request


class Order(Enum):
    NAME = "name"
    PRICE = "price"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Room(Struct, forbid_unknown_fields=True):
    number: Annotated[str, Meta(min_length=1, max_length=10, description="On the door.")]
    beds: int = 1


@dataclass
class Guest:
    name: str
    rooms: list[Room] = field(default_factory=list)


class Bill(TypedDict):
    total: Decimal


class Place(NamedTuple):
    x: int
    y: int


class Model(pydantic.BaseModel):
    """A model."""

    email: str = pydantic.Field(alias="e-mail", min_length=3, description="An address.")
    tags: list[str] = []


class TestParameters:
    @pytest.mark.parametrize(
        ("kind", "schema"),
        [
            (int, {"type": "integer"}),
            (float, {"type": "number"}),
            (bool, {"type": "boolean"}),
            (str, {"type": "string"}),
            (UUID, {"type": "string", "format": "uuid"}),
            (date, {"type": "string", "format": "date"}),
            (datetime, {"type": "string"}),  # the format `date-time` requires an offset, but the type does not
            (Annotated[datetime, Meta(tz=True)], {"type": "string", "format": "date-time"}),
            (Annotated[time, Meta(tz=True)], {"type": "string", "format": "time"}),
            (timedelta, {"type": "string", "format": "duration"}),
            (Decimal, {"type": "string", "format": "decimal"}),
            (Literal["a", "b"], {"enum": ["a", "b"]}),
            (Order, {"$ref": "#/components/schemas/Order"}),
            (Level, {"$ref": "#/components/schemas/Level"}),
            (list[int], {"type": "array", "items": {"type": "integer"}}),
            (set[str], {"type": "array", "items": {"type": "string"}, "uniqueItems": True}),
            (int | None, {"type": "integer"}),
            (int | str | None, {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
            (Annotated[int, Meta(ge=1, lt=9)], {"type": "integer", "minimum": 1, "exclusiveMaximum": 9}),
            (Annotated[str, Meta(pattern="^a", title="T")], {"type": "string", "pattern": "^a", "title": "T"}),
            (Annotated[list[int], Meta(max_length=3)], {"type": "array", "items": {"type": "integer"}, "maxItems": 3}),
            (Annotated[str, Meta(extra_json_schema={"format": "uri"})], {"type": "string", "format": "uri"}),
        ],
    )
    def test_types_of_the_query(self, kind: Any, schema: dict[str, Any]) -> None:
        def find(value: Any) -> None: ...

        find.__annotations__["value"] = kind
        app = App()
        app.get("/a")(find)
        expected = {"name": "value", "in": "query", "required": True, "schema": schema}
        assert parameters(app, "/a") == {"value": expected}

    def test_everything_that_a_marker_says(self) -> None:
        app = App()

        @app.get("/a")
        def find(
            tag: Annotated[str, Query("t", description="A tag.", example="sea", deprecated=True)] = "x",
            secret: Annotated[str, Query(hidden=True)] = "",
        ) -> None: ...

        assert parameters(app, "/a") == {
            "t": {
                "name": "t",
                "in": "query",
                "deprecated": True,
                "schema": {"type": "string", "default": "x"},
                "description": "A tag.",
                "example": "sea",
            }
        }

    def test_the_description_of_a_type(self) -> None:
        app = App()

        @app.get("/a")
        def find(tag: Annotated[str, Meta(description="Of the type.")]) -> None: ...

        made = parameters(app, "/a")["tag"]
        assert made["description"] == "Of the type."
        assert made["schema"] == {"type": "string"}

    @pytest.mark.parametrize(
        ("default", "written"),
        [(date(2026, 1, 2), "2026-01-02"), (Order.PRICE, "price"), (Decimal("1.5"), "1.5"), (["a"], ["a"]), (0, 0)],
    )
    def test_defaults(self, default: Any, written: Any) -> None:
        def find(value: Any = default) -> None: ...

        find.__annotations__["value"] = list[str] if isinstance(default, list) else type(default)
        app = App()
        app.get("/a")(find)
        made = parameters(app, "/a")["value"]
        assert made["schema"]["default"] == written
        assert "required" not in made

    def test_a_default_of_none_is_no_value(self) -> None:
        app = App()

        @app.get("/a")
        def find(value: int | None = None) -> None: ...

        assert parameters(app, "/a")["value"] == {"name": "value", "in": "query", "schema": {"type": "integer"}}

    def test_those_of_providers(self) -> None:
        def by_function(page: int = 1) -> int:
            return page

        def by_name(x_token: Annotated[int, Header()], more: Annotated[int, Depends(by_function)]) -> int:
            return x_token + more

        app, inner = App(), App()
        app.provide("token", by_name)

        @inner.get("/a")
        def find(token: Annotated[int, Depends()]) -> None: ...

        app.mount("/inner", inner)
        assert set(parameters(app, "/inner/a")) == {"page", "x-token"}
        assert "422" in operation(app, "/inner/a")["responses"]
        assert "parameters" not in operation(inner, "/a")  # `inner` alone has no provider for it

    def test_two_that_take_one_value(self) -> None:
        app = App()

        @app.get("/a")
        def find(number: Annotated[int, Query("n")], text: Annotated[str, Query("n")] = "") -> None: ...

        found = operation(app, "/a")["parameters"]
        assert found == [{"name": "n", "in": "query", "required": True, "schema": {"type": "integer"}}]

    def test_a_type_without_a_schema_is_any_value(self) -> None:
        app = App()

        @app.post("/a")
        def add(room: Room, values: Any = None) -> object:
            return complex(1)

        def convert(request: Request) -> Any: ...

        convert.__annotations__["return"] = complex
        app.get("/b")(convert)
        paths = described(app)["paths"]
        assert paths["/b"]["get"]["responses"]["200"]["content"] == {"application/json": {}}
        schema = paths["/a"]["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert schema == {"$ref": "#/components/schemas/Room"}

    def test_headers_and_cookies(self) -> None:
        app = App()

        @app.get("/a")
        def find(
            x_trace_id: Annotated[UUID, Header()],
            session: Annotated[str, Cookie("sid")],
            accept: Annotated[str, Header()] = "*/*",
        ) -> None: ...

        made = parameters(app, "/a")
        assert {name: each["in"] for name, each in made.items()} == {"x-trace-id": "header", "sid": "cookie"}
        assert made["x-trace-id"]["schema"] == {"type": "string", "format": "uuid"}
        assert made["x-trace-id"]["required"] is True

    def test_a_type_that_takes_the_whole_query(self) -> None:
        app = App()

        @app.get("/a")
        def find(room: Annotated[Room, Query()]) -> None: ...

        assert parameters(app, "/a") == {
            "number": {
                "name": "number",
                "in": "query",
                "description": "On the door.",
                "required": True,
                "schema": {"type": "string", "minLength": 1, "maxLength": 10},
            },
            "beds": {"name": "beds", "in": "query", "schema": {"type": "integer", "default": 1}},
        }

    def test_a_type_that_takes_all_header_fields(self) -> None:
        class Fields(Struct):
            if_match: str
            x_depth: int = 0

        app = App()

        @app.get("/a")
        def find(fields: Annotated[Any, Header()]) -> None: ...

        find.__annotations__["fields"] = Annotated[Fields, Header()]
        app.get("/b")(find)
        assert list(parameters(app, "/b")) == ["if-match", "x-depth"]

    def test_a_model_of_pydantic_that_takes_the_whole_query(self) -> None:
        app = App()

        @app.get("/a")
        def find(model: Annotated[Model, Query()]) -> None: ...

        made = parameters(app, "/a")
        assert list(made) == ["e-mail", "tags"]
        assert made["e-mail"]["description"] == "An address."
        assert made["e-mail"]["schema"]["minLength"] == 3
        assert "required" not in made["tags"]


class TestPaths:
    @pytest.mark.parametrize(
        ("path", "schema"),
        [
            ("/a/{value}", {"type": "string", "minLength": 1}),
            ("/a/{value:int}", {"type": "integer"}),
            ("/a/{value:float}", {"type": "number"}),
            ("/a/{value:uuid}", {"type": "string", "format": "uuid"}),
            ("/a/{value:path}", {"type": "string"}),
        ],
    )
    @pytest.mark.parametrize("typed", [False, True])
    def test_converters(self, path: str, schema: dict[str, Any], typed: bool) -> None:
        def untyped(request: Request, value: Any) -> None: ...

        def by_annotation(value: Any) -> None: ...

        app = App()
        function: Callable[..., None] = by_annotation if typed else untyped
        app.get(path)(function)
        expected = {"name": "value", "in": "path", "required": True, "schema": schema}
        assert parameters(app, "/a/{value}") == {"value": expected}

    def test_a_converter_of_the_program(self) -> None:
        app = App()
        app.converter(Converter("even", int))
        app.get("/a/{value:even}")(lambda request, value: "")
        assert parameters(app, "/a/{value}")["value"]["schema"] == {"type": "string"}

    def test_a_type_that_no_converter_makes(self) -> None:
        app = App()

        @app.get("/a/{day}")
        def find(day: Annotated[date, Path(description="A day.")]) -> None: ...

        assert parameters(app, "/a/{day}")["day"] == {
            "name": "day",
            "in": "path",
            "required": True,
            "schema": {"type": "string", "format": "date"},
            "description": "A day.",
        }

    def test_a_parameter_of_the_mount(self) -> None:
        app, inner = App(), App()

        @inner.get("/rooms")
        def find(hotel: Annotated[int, Path(description="A hotel.")], page: int = 1) -> None: ...

        app.mount("/{hotel}", inner)
        made = parameters(app, "/{hotel}/rooms")
        assert made["hotel"]["description"] == "A hotel."
        assert made["hotel"]["schema"] == {"type": "integer"}
        assert made["page"]["in"] == "query"


class TestBodies:
    @pytest.mark.parametrize(
        ("kind", "schema"),
        [
            (Room, {"$ref": "#/components/schemas/Room"}),
            (Guest, {"$ref": "#/components/schemas/Guest"}),
            (Bill, {"$ref": "#/components/schemas/Bill"}),
            (Model, {"$ref": "#/components/schemas/Model"}),
            (list[Room], {"type": "array", "items": {"$ref": "#/components/schemas/Room"}}),
            (list[Model], {"type": "array", "items": {"$ref": "#/components/schemas/Model"}}),
            (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
        ],
    )
    def test_json(self, kind: Any, schema: dict[str, Any]) -> None:
        def add(value: Any) -> None: ...

        add.__annotations__["value"] = kind
        app = App()
        app.post("/a")(add)
        made = operation(app, "/a", "post")["requestBody"]
        assert made == {"content": {"application/json": {"schema": schema}}, "required": True}

    def test_a_named_tuple(self) -> None:
        app = App()

        @app.post("/a")
        def add(place: Place) -> None: ...

        assert "requestBody" in operation(app, "/a", "post")

    def test_everything_that_a_marker_says(self) -> None:
        app = App()
        media_types = ("application/json", "application/merge-patch+json")

        @app.patch("/a")
        def change(
            room: Annotated[Room | None, Body(media_types=media_types, description="D", example=Room("7"))] = None,
        ) -> None: ...

        made = operation(app, "/a", "patch")["requestBody"]
        assert list(made["content"]) == list(media_types)
        assert made["content"]["application/json"]["example"] == {"number": "7", "beds": 1}
        assert made["description"] == "D"
        assert "required" not in made

    def test_bytes_and_text(self) -> None:
        app = App()

        @app.post("/bytes")
        def add(data: Annotated[bytes, Body(media_types=("image/png",))]) -> None: ...

        @app.post("/text")
        def note(text: Annotated[str, Body(media_types=("text/plain",))]) -> None: ...

        paths = described(app)["paths"]
        assert paths["/bytes"]["post"]["requestBody"]["content"] == {
            "image/png": {"schema": {"type": "string", "format": "binary"}}
        }
        assert paths["/text"]["post"]["requestBody"]["content"] == {"text/plain": {"schema": {"type": "string"}}}

    def test_a_get_of_a_route_that_also_posts_has_none(self) -> None:
        app = App()

        @app.route("/a", ["GET", "POST"])
        def both(room: Room) -> None: ...

        paths = described(app)["paths"]["/a"]
        assert "requestBody" not in paths["get"]
        assert "requestBody" in paths["post"]

    def test_a_hidden_one(self) -> None:
        app = App()

        @app.post("/a")
        def add(room: Annotated[Room, Body(hidden=True)]) -> None: ...

        assert "requestBody" not in operation(app, "/a", "post")


def test_the_names_of_schemas_do_not_clash() -> None:
    def of_msgspec() -> Any:
        class Item(Struct):
            a: int

        return Item

    def of_pydantic() -> Any:
        return pydantic.create_model("Item", b=(int, ...))

    first, second, third, fourth = of_msgspec(), msgspec.defstruct("Item", [("c", int)]), of_pydantic(), of_pydantic()
    app = App()
    for number, kind in enumerate((first, second, list[third], dict[str, fourth])):  # type: ignore[valid-type]

        def add(value: Any) -> None: ...

        add.__annotations__["value"] = kind
        app.post(f"/{number}")(add)
    document = described(app)
    schemas = document["components"]["schemas"]

    def fields(number: int) -> list[str]:
        schema = document["paths"][f"/{number}"]["post"]["requestBody"]["content"]["application/json"]["schema"]
        schema = schema.get("items") or schema.get("additionalProperties") or schema
        return list(schemas[schema["$ref"].rpartition("/")[2]]["properties"])

    assert [fields(number) for number in range(4)] == [["a"], ["c"], ["b"], ["b"]]


def test_a_model_that_is_written_in_another_way_than_it_is_read() -> None:
    class Price(pydantic.BaseModel):
        amount: int = 1

        @pydantic.computed_field  # type: ignore[prop-decorator]
        @property
        def text(self) -> str:
            return ""

    app = App()

    def add(price: Any) -> Any: ...

    add.__annotations__ |= {"price": Price, "return": Price}
    app.post("/a")(add)
    found = described(app)
    made = found["paths"]["/a"]["post"]
    taken = made["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    sent = made["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    assert "text" not in found["components"]["schemas"][taken]["properties"]
    assert "text" in found["components"]["schemas"][sent]["properties"]
