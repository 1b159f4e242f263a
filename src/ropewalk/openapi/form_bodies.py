"""The request body of an operation that takes a form."""

from collections.abc import Iterator
from typing import Any

from ropewalk.forms import MULTIPART, URLENCODED
from ropewalk.openapi.examples import built_in, examples_of
from ropewalk.openapi.operations import Operation
from ropewalk.openapi.schemas import Schema, Schemas
from ropewalk.typed import form_kind
from ropewalk.typed.parameter_sources import BODILESS_METHODS, Input, is_form_data, takes_all
from ropewalk.typed.pydantic_models import is_model


def form_inputs(operation: Operation) -> list[Input]:
    """The handler's inputs that come from a form."""
    if operation.method in BODILESS_METHODS:
        return []
    return [each for each in operation.inputs if each.source == "form"]


def form_body(operation: Operation, schemas: Schemas) -> dict[str, Any]:
    """A dict with the member `requestBody`; empty if the operation takes no form."""
    inputs = form_inputs(operation)
    if not inputs:
        return {}
    wholes = [each for each in inputs if _takes_whole(each)]
    if len(inputs) == 1 and wholes:
        schema = schemas.of(form_kind(inputs[0].kind), "input")
        whole = schemas.resolved(schema)
    else:
        schema = whole = _object(inputs, schemas)
    types = [MULTIPART] if _has_file(whole) else [URLENCODED, MULTIPART]
    marker = inputs[0].marker
    content = {"schema": schema or {"type": "object"}}
    if len(inputs) == 1:
        content |= examples_of(marker.example, marker.examples) if wholes else {}
    made: dict[str, Any] = {"content": dict.fromkeys(types, content)}
    if whole.get("required"):
        made["required"] = True
    if wholes and len(inputs) == 1 and marker.description is not None:
        made["description"] = marker.description
    return {"requestBody": made}


def _takes_whole(each: Input) -> bool:
    kind = form_kind(each.kind)
    return is_form_data(kind) or is_model(kind) or takes_all(kind)


def _object(inputs: list[Input], schemas: Schemas) -> Schema:
    """The schema of a form whose fields are several parameters."""
    properties: dict[str, Schema] = {}
    required: list[str] = []
    for each in inputs:
        if _takes_whole(each):
            whole = schemas.resolved(schemas.of(form_kind(each.kind), "input"))
            properties = {**whole.get("properties", {}), **properties}
            required += whole.get("required", ())
            continue
        properties.setdefault(each.name, _property(each, schemas))
        if each.required:
            required.append(each.name)
    made: Schema = {"type": "object", "properties": properties}
    return made | ({"required": list(dict.fromkeys(required))} if required else {})


def _property(each: Input, schemas: Schemas) -> Schema:
    made = dict(schemas.of(each.kind, "input"))
    marker = each.marker
    if marker.description is not None:
        made["description"] = marker.description
    if marker.deprecated:
        made["deprecated"] = True
    examples = examples_of(marker.example, marker.examples)
    if "example" in examples:
        made["example"] = examples["example"]
    default = built_in(each.default)
    return made if default is None else {**made, "default": default}


def _has_file(whole: Schema) -> bool:
    """Whether a form has a file, so that it cannot be urlencoded."""
    left: list[Any] = list(whole.get("properties", {}).values())
    return any(schema.get("format") == "binary" for schema in _parts(left))


def _parts(schemas: list[Any]) -> Iterator[Schema]:
    while schemas:
        schema = schemas.pop()
        yield schema
        schemas += schema.get("anyOf", ())
        if "items" in schema:
            schemas.append(schema["items"])
