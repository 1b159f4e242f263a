"""JSON schemas of types. pydantic makes the schemas of its models, and msgspec makes all others. All schemas share one
set of components."""

from collections import Counter
from collections.abc import Iterable, Iterator
from math import isfinite
from typing import Any, Final, Literal

from msgspec import inspect as shapes

from ropewalk.forms import UploadFile
from ropewalk.openapi.component_names import are_alike, free_name, renaming
from ropewalk.openapi.native_schemas import native_schemas
from ropewalk.openapi.problem_details import OWN_BODIES
from ropewalk.openapi.pydantic_schemas import pydantic_schemas
from ropewalk.typed.descriptions import within
from ropewalk.typed.pydantic_models import has_model, is_model
from ropewalk.typed.structs_with_models import models_in_fields

Direction = Literal["input", "output"]
Schema = dict[str, Any]

PLACE: Final = "#/components/schemas/"


class Schemas:
    """The schemas of all types in a document. They are made together, so that no two components have the same name."""

    def __init__(self, kinds: Iterable[tuple[Any, Direction]]) -> None:
        self._kinds = list(kinds)
        """Keeps the types alive, because `_found` uses their ids as keys."""
        self._found: dict[tuple[int, Direction], Schema] = {}
        native, models, ours = [], [], []
        in_structs: dict[type, None] = {}
        for kind, direction in self._kinds:
            node = _described(kind)
            if node is not None and has_model(node):
                models.append((kind, direction))
            elif any(kind is each for each in OWN_BODIES):
                ours.append((kind, direction))
            elif node is not None:
                native.append((kind, direction))
                in_structs.update((model, None) for model in _models_in_structs(node))
        self._kinds += [(model, "output") for model in in_structs]
        models += [(model, "output") for model in in_structs]
        self.components = self._add_native(native)
        """The schemas of the document's components, by name."""
        if models:
            self._add_models(models)
            self._refer_to_models(in_structs)
        self._add_ours(ours)
        _make_titles_distinct(self.components)

    def of(self, kind: Any, direction: Direction) -> Schema:
        """Return the schema of one of the document's types. If a type has no schema, return {}, which allows any
        value."""
        return self._found.get((id(kind), direction), {})

    def of_raw(self, kind: Any) -> Schema:
        """The schema of a body that is not JSON: bytes (with the format "binary") or str; {} for any other type."""
        if kind is bytes:
            return {"type": "string", "format": "binary"}
        return {"type": "string"} if kind is str else {}

    def resolved(self, schema: Schema) -> Schema:
        """The component to which a schema refers, or the schema itself."""
        name = schema.get("$ref", "").removeprefix(PLACE)
        found: Schema = self.components.get(name, schema)
        return found

    def _add_native(self, kinds: list[tuple[Any, Direction]]) -> dict[str, Any]:
        try:
            made, components = _native_schemas(kinds)
        except Exception:  # noqa: BLE001 - msgspec raises many exception types for a type without a schema
            kinds = [each for each in kinds if _has_schema(each)]
            made, components = _native_schemas(kinds)
        for (kind, direction), schema in zip(kinds, made, strict=True):
            self._found[id(kind), direction] = schema
        return components

    def _refer_to_models(self, models: Iterable[type]) -> None:
        """Insert references to pydantic models into the schemas of Structs that have fields with such models."""
        names = {_reference(model)["$ref"]: self.of(model, "output").get("$ref", "") for model in models}
        rename = renaming(names)
        self.components = {name: rename(schema) for name, schema in self.components.items()}

    def _add_ours(self, kinds: list[tuple[Any, Direction]]) -> None:
        """Add the schemas of Ropewalk's problem details. They are added last, so that the application's classes keep
        their names."""
        made, components = _native_schemas(kinds)
        names = {
            old: old if are_alike(self.components.get(old), schema) else free_name(old, self.components)
            for old, schema in components.items()
        }
        rename = renaming({f"{PLACE}{old}": f"{PLACE}{new}" for old, new in names.items()})
        self.components |= {names[old]: rename(schema) for old, schema in components.items()}
        for (kind, direction), schema in zip(kinds, made, strict=True):
            self._found[id(kind), direction] = rename(schema)

    def _add_models(self, kinds: list[tuple[Any, Direction]]) -> None:
        made, components = pydantic_schemas(kinds, PLACE, self.components)
        for schema in (*made, *components.values()):
            _simplify(schema)
        self.components = self.components | components | self.components
        for (kind, direction), schema in zip(kinds, made, strict=True):
            self._found[id(kind), direction] = schema


def _models_in_structs(node: shapes.Type) -> Iterator[type]:
    """Yield the pydantic models in the fields of Structs within a type, such as `Room` in `Page[Room]`."""
    for each in within(node):
        if isinstance(each, shapes.StructType):
            yield from models_in_fields(each)


def _reference(model: type) -> Schema:
    """A placeholder for the reference to a pydantic model, until its component has a name."""
    if issubclass(model, UploadFile):
        return {"type": "string", "format": "binary"}
    if not is_model(model):
        raise NotImplementedError  # msgspec expects this error for an unsupported type
    return {"$ref": f"model:{id(model)}"}


def _described(kind: Any) -> shapes.Type | None:
    try:
        return shapes.type_info(kind)
    except Exception:  # noqa: BLE001 - msgspec raises many exception types for types that it does not support
        return None


def _native_schemas(kinds: list[tuple[Any, Direction]]) -> tuple[list[Schema], dict[str, Schema]]:
    made, components = native_schemas([kind for kind, _ in kinds], PLACE, _reference)
    for schema in (*made, *components.values()):
        _simplify(schema)
    return made, components


def _make_titles_distinct(components: dict[str, Schema]) -> None:
    """If several components share a title, use their names as titles, because code generators name classes after
    titles."""
    by_title = Counter(schema.get("title") for schema in components.values())
    for name, schema in components.items():
        title = schema.get("title")
        if title is not None and title != name and by_title[title] > 1:
            components[name] = schema | {"title": name}


def _simplify(schema: Any) -> None:
    """Remove members of schemas that tools do not expect or need.

    `"items": false` of tuples is removed, because `maxItems` has the same meaning. A default that is infinite or not a
    number is removed, because it would become null in JSON.
    """
    left = [schema]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            if value.get("items") is False and value.get("maxItems") == len(value.get("prefixItems", ())):
                del value["items"]
            default = value.get("default")
            if isinstance(default, float) and not isfinite(default):
                del value["default"]
            left += value.values()
        elif isinstance(value, list | tuple):
            left += value


def _has_schema(kind: tuple[Any, Direction]) -> bool:
    try:
        _native_schemas([kind])
    except Exception:  # noqa: BLE001 - as above; a type without a schema allows any value
        return False
    return True
