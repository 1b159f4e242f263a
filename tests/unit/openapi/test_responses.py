"""The responses of an operation: by the return annotation, the options of the route, and what input can be refused."""

import pathlib
from collections.abc import AsyncIterator, Awaitable, Iterator
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import pydantic
import pytest
from msgspec import Meta, Struct
from openapi_schema_validator import OAS31Validator
from tests.unit.openapi.described import described, operation
from twisted.internet.defer import Deferred

from ropewalk import App, Body, Cookie, Header, HTTPError, InvalidInput, Path, Query, Request, Response
from ropewalk.statuses import Conflict, Created, NoContent
from ropewalk.testing import Client


class Room(Struct):
    number: str


class Model(pydantic.BaseModel):
    email: str


ROOM = {"application/json": {"schema": {"$ref": "#/components/schemas/Room"}}}
ROOMS = {"application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/Room"}}}}
MODEL = {"application/json": {"schema": {"$ref": "#/components/schemas/Model"}}}
PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
BINARY = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
TEXT = {"text/plain": {"schema": {"type": "string"}}}
CREATED = {
    "description": "Created",
    "headers": {"Location": {"description": "The URL or path of the new resource.", "schema": {"type": "string"}}},
}


def responses(app: App, method: str = "get") -> dict[str, Any]:
    found: dict[str, Any] = operation(app, "/a", method)["responses"]
    return found


def returning(kind: Any, **options: Any) -> dict[str, Any]:
    """The responses of a handler with a return annotation."""

    def handler(request: Request) -> Any: ...

    handler.__annotations__["return"] = kind
    app = App()
    app.get("/a", **options)(handler)
    return responses(app)


def ok(content: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"200": {"description": "OK"} | ({} if content is None else {"content": content})}


NO_CONTENT = {"204": {"description": "No Content"}}


class TestReturned:
    @pytest.mark.parametrize(
        ("kind", "expected"),
        [
            (Any, ok()),
            (None, NO_CONTENT),
            (str, ok(TEXT)),
            (bytes, ok(BINARY)),
            (Room, ok(ROOM)),
            (Model, ok(MODEL)),
            (list[Room], ok(ROOMS)),
            (dict[str, Any], ok({"application/json": {"schema": {"type": "object"}}})),
            (Room | None, ok(ROOM) | NO_CONTENT),
            (Model | None, ok(MODEL) | NO_CONTENT),
            (Room | Response, ok(ROOM)),
            (Response, ok()),
            (Response | None, ok() | NO_CONTENT),
            (pathlib.Path, ok()),
            (Iterator[bytes], ok(BINARY)),
            (AsyncIterator[str], ok(TEXT)),
            (AsyncIterator[Any], ok()),
            (Deferred[Room], ok(ROOM)),
            (Awaitable[Room | None], ok(ROOM) | NO_CONTENT),
            (str | Room, ok(TEXT | ROOM)),
            (Response[Room], ok(ROOM)),
            (Response[str], ok(TEXT)),
            (Response[Model] | None, ok(MODEL) | NO_CONTENT),
            (Created[Room], {"201": {**CREATED, "content": ROOM}}),
            (Room | Created[Room], ok(ROOM) | {"201": {**CREATED, "content": ROOM}}),
            (
                Created[Room] | Conflict[Model] | NoContent,
                {
                    "201": {**CREATED, "content": ROOM},
                    "204": {"description": "No Content"},
                    "409": {"description": "Conflict", "content": MODEL},
                },
            ),
            (Deferred[Created[Room]], {"201": {**CREATED, "content": ROOM}}),
            (Created[Any] | Response, ok() | {"201": {**CREATED}}),
            (object, ok({"application/json": {}})),
        ],
    )
    def test_by_annotation(self, kind: Any, expected: dict[str, Any]) -> None:
        assert returning(kind) == expected

    def test_several_types_of_json(self) -> None:
        content = returning(Room | int)["200"]["content"]["application/json"]["schema"]
        assert content == {"anyOf": [{"type": "integer"}, {"$ref": "#/components/schemas/Room"}]}

    def test_a_coroutine(self) -> None:
        app = App()

        @app.get("/a")
        async def handler() -> Room:
            return Room("1")

        assert responses(app) == ok(ROOM)

    @pytest.mark.parametrize(
        ("kind", "expected"),
        [
            (Room, {"201": {**CREATED, "content": ROOM}}),
            (None, {"201": {**CREATED}}),
            (Room | None, {"201": {**CREATED, "content": ROOM}}),
            (Any, {"201": {**CREATED}}),
        ],
    )
    def test_the_status_of_the_route(self, kind: Any, expected: dict[str, Any]) -> None:
        assert returning(kind, status=201) == expected

    def test_the_content_type_of_the_route(self) -> None:
        assert list(returning(str, content_type="text/csv; charset=utf-8")["200"]["content"]) == ["text/csv"]
        assert list(returning(bytes, content_type="image/png")["200"]["content"]) == ["image/png"]


class TestOptions:
    def test_every_form(self) -> None:
        given = {
            302: "It has moved.",
            404: "No such room.",
            409: Room,
            "4XX": {"model": Model, "description": "Another error."},
            "default": {"content": {"text/html": {}}},
        }
        assert returning(None, responses=given) == NO_CONTENT | {
            "302": {"description": "It has moved."},
            "404": {"description": "No such room.", "content": PROBLEM},
            "409": {"description": "Conflict", "content": ROOM},
            "4XX": {"description": "Another error.", "content": MODEL},
            "default": {"description": "Other responses", "content": {"text/html": {}}},
        }

    def test_one_that_the_annotation_has_too(self) -> None:
        assert returning(Room, responses={200: "The room."}) == {"200": {"description": "The room.", "content": ROOM}}


class TestInvalidInput:
    @pytest.mark.parametrize(
        ("kind", "has_default", "refused"),
        [
            (str, True, True),  # it may be repeated
            (Annotated[str, Header()], True, False),
            (Annotated[str, Header()], False, True),
            (Annotated[str, Cookie()], True, False),
            (Annotated[int, Cookie()], True, True),
            (Annotated[int, Query()], True, True),
        ],
    )
    def test_where_a_value_can_be_refused(self, kind: Any, has_default: bool, refused: bool) -> None:
        def required(value: Any) -> None: ...

        def optional(value: Any = None) -> None: ...

        function = optional if has_default else required
        function.__annotations__["value"] = kind
        app = App()
        app.get("/a")(function)
        assert ("422" in responses(app)) is refused

    @pytest.mark.parametrize(
        ("path", "kind", "refused"),
        [
            ("/a/{value}", str, False),
            ("/a/{value}", int, False),
            ("/a/{value:int}", int, False),
            ("/a/{value}", UUID, False),
            ("/a/{value:str}", Annotated[int, Path()], False),
            ("/a/{value:str}", Annotated[int, Meta(ge=1)], True),
            ("/a/{value}", date, True),
        ],
    )
    def test_of_a_path(self, path: str, kind: Any, refused: bool) -> None:
        def handler(value: Any) -> None: ...

        handler.__annotations__["value"] = kind
        app = App()
        app.get(path)(handler)
        assert ("422" in operation(app, "/a/{value}")["responses"]) is refused

    @pytest.mark.parametrize(
        ("path", "kind", "converted"),
        [
            ("/a/{value}", str, False),
            ("/a/{value}", date, False),
            ("/a/{value:int}", int, True),
            ("/a/{value:str}", int, True),
            ("/a/{value:str}", Annotated[int, Meta(ge=1)], True),
            ("/a/{value:str}", Annotated[UUID, Path()], True),
        ],
    )
    def test_a_value_that_a_converter_refuses_is_not_found(self, path: str, kind: Any, converted: bool) -> None:
        def handler(value: Any) -> None: ...

        handler.__annotations__["value"] = kind
        app = App()
        app.get(path)(handler)
        assert ("404" in operation(app, "/a/{value}")["responses"]) is converted
        assert (Client(app, raise_errors=False).get("/a/x").status == 404) is converted

    def test_json(self) -> None:
        app = App()

        @app.post("/a")
        def add(room: Room) -> None: ...

        found = responses(app, "post")
        assert list(found) == ["204", "400", "413", "415", "422"]
        assert found["422"]["content"] == {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/InvalidInputProblem"}}
        }
        assert {"InvalidInputProblem", "FieldError"} < set(described(app)["components"]["schemas"])

    def test_other_refusals_have_the_schema_of_problem_details(self) -> None:
        app = App()

        @app.post("/a")
        def add(room: Room) -> None: ...

        document = described(app)
        found = document["paths"]["/a"]["post"]["responses"]
        for status in ("400", "413", "415"):
            schema = found[status]["content"]["application/problem+json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/Problem"}
        sent = Client(app).post("/a", body=b"{", headers={"content-type": "application/json"})
        assert sent.status == 400
        OAS31Validator({"$ref": "#/components/schemas/Problem", **document}).validate(sent.json())

    def test_refusals_as_text(self) -> None:
        app = App(error_format="text")

        @app.post("/a")
        def add(room: Room) -> None: ...

        assert responses(app, "post")["400"]["content"] == TEXT
        assert "Problem" not in described(app)["components"]["schemas"]

    def test_bytes_and_text(self) -> None:
        app = App()

        @app.put("/a")
        def put(data: Annotated[bytes, Body(media_types=("image/png",))]) -> None: ...

        @app.post("/a")
        def post(text: Annotated[str, Body(media_types=("text/plain",))]) -> None: ...

        assert list(responses(app, "put")) == ["204", "413", "415"]
        assert list(responses(app, "post")) == ["204", "400", "413", "415"]

    @pytest.mark.parametrize("kind", [InvalidInput, HTTPError, 422])
    def test_an_error_handler_decides_what_is_sent(self, kind: Any) -> None:
        app, inner = App(), App()

        @inner.get("/a")
        def find(value: int) -> None: ...

        app.mount("/", inner)
        app.error(kind)(lambda request, error: "")
        assert responses(app)["422"] == {"description": "Unprocessable Content"}
        assert "components" in described(app)
        assert described(app)["components"] == {}

    def test_the_schema_is_that_of_what_is_sent(self) -> None:
        app = App()

        @app.post("/a")
        def add(room: Room, beds: int) -> None: ...

        sent = Client(app).post("/a", json={}).json()
        assert len(sent["errors"]) == 2
        document = described(app)
        OAS31Validator({"$ref": "#/components/schemas/InvalidInputProblem", **document}).validate(sent)
