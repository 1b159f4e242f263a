"""The schemas of patches: the operations of a JSON patch, and the fields that a merge patch may change."""

from collections.abc import Iterator
from typing import Any

from ropewalk.openapi.schemas import Schema, Schemas
from ropewalk.typed.parameter_sources import Input
from ropewalk.typed.patches import JSONPatch
from ropewalk.typed.patches.kinds import patch_kinds
from ropewalk.typed.patches.operations import Operations


def kinds_of_patches(body: Input) -> Iterator[Any]:
    """Yield the types whose schemas `patch_content` needs."""
    for each in patch_kinds(body.kind):
        yield Operations if issubclass(each.patch, JSONPatch) else each.changed


def patch_content(body: Input, schemas: Schemas) -> dict[str, dict[str, Any]]:
    """The Media Type Objects for the kinds of patch that the body may be, by media type."""
    found: dict[str, dict[str, Any]] = {}
    for each in patch_kinds(body.kind):
        if issubclass(each.patch, JSONPatch):
            schema = schemas.of(Operations, "input")
        else:
            schema = _partial(schemas.of(each.changed, "input"), schemas, ())
        found[each.patch.media_type] = {"schema": schema}
        if len(patch_kinds(body.kind)) == 1:
            found |= {name: {"schema": schema} for name in getattr(body.marker, "media_types", ())}
    return found


def _partial(schema: Schema, schemas: Schemas, above: tuple[str, ...]) -> Schema:
    """A copy of a schema in which no member is required, at any depth. A member that was optional in the original may
    also be null, because null in a merge patch removes the member. `above` are the references on the way to the schema:
    with them, the recursion ends for a type that contains itself.
    """
    reference = schema.get("$ref")
    if reference is not None:
        if reference in above:
            return {"type": "object"}
        return _partial(schemas.resolved(schema), schemas, (*above, reference))
    if "anyOf" in schema:
        kinds = [_partial(each, schemas, above) for each in schema["anyOf"]]
        return {**{name: value for name, value in schema.items() if name != "discriminator"}, "anyOf": kinds}
    if schema.get("type") != "object":
        return schema
    left = {name: value for name, value in schema.items() if name not in ("required", "title")}
    required = schema.get("required", ())
    if "properties" in schema:
        left["properties"] = {
            name: each if name in required else _or_null(each)
            for name, value in schema["properties"].items()
            for each in (_partial(_without_default(value), schemas, above),)
        }
    if isinstance(schema.get("additionalProperties"), dict):
        left["additionalProperties"] = _or_null(_partial(schema["additionalProperties"], schemas, above))
    return left


def _without_default(schema: Schema) -> Schema:
    """A copy of a schema without its default: a member that a patch leaves out stays unchanged."""
    return {name: value for name, value in schema.items() if name != "default"}


def _or_null(schema: Schema) -> Schema:
    if not schema or schema.get("type") == "null" or {"type": "null"} in schema.get("anyOf", ()):
        return schema
    return {"anyOf": [schema, {"type": "null"}]}
