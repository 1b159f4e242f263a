"""Streams of items, and that what is sent is as it is described."""

import json
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

import pydantic
import pytest
from msgspec import Struct
from openapi_schema_validator import OAS31Validator
from tests.unit.openapi.described import described, operation

from ropewalk import App, Request, Resource, ServerSentEvent
from ropewalk.testing import Client


class Room(Struct):
    number: int


class Model(pydantic.BaseModel):
    number: int


def content(app: App) -> dict[str, Any]:
    found: dict[str, Any] = operation(app, "/a")["responses"]["200"].get("content", {})
    return found


def app_of(kind: Any, items: list[Any], **options: Any) -> App:
    """An app whose `/a` sends a stream of these items."""

    async def handler() -> Any:
        for item in items:
            yield item

    handler.__annotations__["return"] = kind
    app = App()
    app.get("/a", **options)(handler)
    return app


@pytest.mark.parametrize("kind", [AsyncIterator[Room], Iterator[Room], Iterable[Room]])
def test_json_lines(kind: Any) -> None:
    assert content(app_of(kind, [])) == {
        "application/jsonl": {
            "schema": {
                "type": "string",
                "contentMediaType": "application/jsonl",
                "contentSchema": {"type": "array", "items": {"$ref": "#/components/schemas/Room"}},
            }
        }
    }


def test_the_lines_are_as_described() -> None:
    app = app_of(AsyncIterator[Room], [Room(1), Room(2)])
    sent = Client(app).get("/a")
    media_type, found = next(iter(content(app).items()))
    assert sent.headers["content-type"] == media_type
    lines = [json.loads(line) for line in sent.text.splitlines()]
    schema = {**found["schema"]["contentSchema"], "components": described(app)["components"]}
    OAS31Validator(schema).validate(lines)
    assert len(lines) == 2


def test_models_of_pydantic() -> None:
    found = content(app_of(AsyncIterator[Model], []))["application/jsonl"]["schema"]
    assert found["contentSchema"]["items"] == {"$ref": "#/components/schemas/Model"}


def test_another_media_type() -> None:
    app = app_of(AsyncIterator[Room], [], content_type="application/x-ndjson")
    assert content(app)["application/x-ndjson"]["schema"]["contentMediaType"] == "application/x-ndjson"


def test_events() -> None:
    app = app_of(AsyncIterator[Room], [Room(1)], content_type="text/event-stream; charset=utf-8")
    schema = content(app)["text/event-stream"]["schema"]
    assert schema["required"] == ["data"]
    assert schema["properties"]["data"] == {
        "type": "string",
        "contentMediaType": "application/json",
        "contentSchema": {"$ref": "#/components/schemas/Room"},
    }
    assert "Room" in described(app)["components"]["schemas"]


def test_events_of_any_data() -> None:
    app = app_of(AsyncIterator[ServerSentEvent], [], content_type="text/event-stream")
    schema = content(app)["text/event-stream"]["schema"]
    assert list(schema["properties"]) == ["data", "event", "id", "retry"]
    assert "required" not in schema
    assert described(app)["components"] == {}


def test_parts_that_are_sent_as_they_are() -> None:
    binary = {"schema": {"type": "string", "format": "binary"}}
    assert content(app_of(AsyncIterator[bytes], [b""])) == {"application/octet-stream": binary}
    assert content(app_of(AsyncIterator[bytes], [b""], content_type="video/mp4")) == {"video/mp4": binary}
    assert content(app_of(AsyncIterator[str], [""])) == {"text/plain": {"schema": {"type": "string"}}}
    assert content(app_of(AsyncIterator[bytes | str], [""])) == {}


def test_a_method_of_a_resource_sends_json_lines() -> None:
    class Rooms(Resource):
        def render_GET(self, request: Request) -> Iterator[Room]:
            return iter(())

    app = App()
    app.resource.putChild("a", Rooms())
    assert list(content(app)) == ["application/jsonl"]
