"""The request body of an operation."""

from typing import Any

from ropewalk.openapi.examples import examples_of
from ropewalk.openapi.operations import Operation
from ropewalk.openapi.patches import patch_content
from ropewalk.openapi.schemas import Schemas
from ropewalk.typed.markers import Body
from ropewalk.typed.parameter_sources import BODILESS_METHODS, Input


def body_input(operation: Operation) -> Input | None:
    """The handler's input that is read from the body; None if no input is, or if the method allows no request body."""
    if operation.method in BODILESS_METHODS:
        return None
    return next((each for each in operation.inputs if each.source == "body"), None)


def is_raw(body: Input) -> bool:
    """Whether the handler takes the body as bytes or str, without parsing."""
    return body.kind in (bytes, str)


def request_body(operation: Operation, schemas: Schemas) -> dict[str, Any]:
    """A dict with the member `requestBody`; empty if the operation has no body."""
    body = body_input(operation)
    if body is None or not isinstance(body.marker, Body):
        return {}
    by_type = patch_content(body, schemas)
    content: dict[str, Any] = {}
    if not by_type:
        content = {"schema": schemas.of_raw(body.kind) or schemas.of(body.kind, "input")}
    content |= examples_of(body.marker.example, body.marker.examples)
    made: dict[str, Any] = {"content": {each: {**by_type.get(each, {}), **content} for each in body.marker.media_types}}
    if body.required:
        made["required"] = True
    if body.marker.description is not None:
        made["description"] = body.marker.description
    return {"requestBody": made}
