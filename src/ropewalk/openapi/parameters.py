"""The parameters of an operation: in the path, the query, header fields and cookies."""

from collections.abc import Iterator
from typing import Any, Final

from ropewalk.converters import Converter
from ropewalk.openapi.examples import built_in, examples_of
from ropewalk.openapi.middleware import header_parameters
from ropewalk.openapi.operations import Operation
from ropewalk.openapi.schemas import Schema, Schemas
from ropewalk.typed.named_values import written_name
from ropewalk.typed.parameter_sources import EMPTY, Input, takes_all
from ropewalk.typed.pydantic_models import is_model
from ropewalk.typed.raw_values import VALUES

_CONVERTED: Final[dict[str, Schema]] = {
    "int": {"type": "integer"},
    "str": {"type": "string", "minLength": 1},
    "float": {"type": "number"},
    "uuid": {"type": "string", "format": "uuid"},
}

_IGNORED_HEADERS: Final = frozenset(("accept", "content-type", "authorization"))
"""Header fields that OpenAPI describes elsewhere. It ignores parameters with these names (section 4.8.12.1)."""


def parameters_of(operation: Operation, schemas: Schemas) -> list[dict[str, Any]]:
    """The parameter objects of an operation. If two inputs take the same parameter, only the first is described."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    in_path: dict[str, dict[str, Any]] = {}
    for each in operation.inputs:
        if each.source not in VALUES:
            continue
        for made in _parameters(each, schemas):
            if made["in"] == "path":
                in_path.setdefault(made["name"], made)
            elif not (made["in"] == "header" and made["name"] in _IGNORED_HEADERS):
                found.setdefault((made["in"], made["name"]), made)
    for made in header_parameters(operation):
        key = ("header", made["name"].lower())
        if key[1] not in _IGNORED_HEADERS:
            found.setdefault(key, made)
    return [*_path_parameters(operation, in_path), *found.values()]


def _path_parameters(operation: Operation, known: dict[str, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for parameter, written in zip(operation.parameters, operation.written, strict=True):
        made = known.get(parameter.name, {"in": "path", "required": True, "schema": {}})
        converted = _converted(parameter.converter)
        if made["schema"] in ({}, {"type": "string"}):
            made |= {"schema": converted}
        elif made["schema"].get("type") == converted["type"] == "string" and "format" not in made["schema"]:
            made |= {"schema": {**converted, **made["schema"]}}
        yield {"name": written, **{name: value for name, value in made.items() if name != "name"}}


def _converted(converter: Converter) -> Schema:
    return _CONVERTED.get(converter.name, {"type": "string"})


def _parameters(each: Input, schemas: Schemas) -> Iterator[dict[str, Any]]:
    schema = schemas.of(each.kind, "input")
    if is_model(each.kind) or takes_all(each.kind):
        whole = schemas.resolved(schema)
        required = whole.get("required", ())
        for field, within in whole.get("properties", {}).items():
            name = written_name(field, each.source) if each.source == "header" else field
            yield _parameter(each, name, within, required=field in required)
        return
    made = _parameter(each, each.name, schema, required=each.required)
    marker = each.marker
    if marker.description is not None:
        made["description"] = marker.description
    made |= examples_of(marker.example, marker.examples)
    default = built_in(each.default)
    if default is not None:
        made["schema"] = {**made["schema"], "default": default}
    yield made


def _parameter(each: Input, name: str, schema: Schema, *, required: bool) -> dict[str, Any]:
    schema = _without_null(schema)
    made: dict[str, Any] = {"name": name, "in": each.source}
    if "description" in schema:
        made["description"] = schema["description"]
        schema = {key: value for key, value in schema.items() if key != "description"}
    if required or each.source == "path":
        made["required"] = True
    if each.marker.deprecated or schema.get("deprecated") is True:
        made["deprecated"] = True
    return made | {"schema": schema}


def _without_null(schema: Schema) -> Schema:
    """A schema that does not allow null, because a client cannot send null in a parameter: None is usually only the
    default."""
    kinds = schema.get("anyOf")
    if kinds is None:
        return schema
    left = [each for each in kinds if each != {"type": "null"}]
    others = {name: value for name, value in schema.items() if name != "anyOf"}
    if others.get("default", EMPTY) is None:
        del others["default"]
    if len(left) == 1:
        return {**left[0], **others}
    return {"anyOf": left, **others} if left else schema
