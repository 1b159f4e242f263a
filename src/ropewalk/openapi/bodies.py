"""The request body of an operation."""

from typing import Any

from ropewalk.openapi.examples import examples_of
from ropewalk.openapi.operations import Operation
from ropewalk.openapi.patches import patch_content
from ropewalk.openapi.schemas import Schemas
from ropewalk.typed.inputs import BODILESS_METHODS, Input
from ropewalk.typed.markers import Body


def body_input(operation: Operation) -> Input | None:
    """The input that takes the body; None if there is none, or requests of the method have no body."""
    if operation.method in BODILESS_METHODS:
        return None
    return next((each for each in operation.inputs if each.source == "body"), None)


def is_raw(body: Input) -> bool:
    """Whether a body is taken as bytes or text, of any content."""
    return body.kind in (bytes, str)


def request_body(operation: Operation, schemas: Schemas) -> dict[str, Any]:
    """The member `requestBody`, if there is one."""
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
