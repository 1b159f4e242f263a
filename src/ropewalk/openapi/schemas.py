"""JSON schemas of types: those of msgspec, and pydantic's own for its models, with one set of components."""

from collections.abc import Callable, Iterable
from typing import Any, Final, Literal

import msgspec
from msgspec import inspect as shapes

from ropewalk.typed.pydantic_models import has_model

Direction = Literal["input", "output"]
Schema = dict[str, Any]

PLACE: Final = "#/components/schemas/"


class Schemas:
    """The schemas of types, made together, so that no two components have the same name."""

    def __init__(self, kinds: Iterable[tuple[Any, Direction]]) -> None:
        self._kinds = list(kinds)
        """They are kept, so that no other object gets their id."""
        self._found: dict[tuple[int, Direction], Schema] = {}
        native, models = [], []
        for kind, direction in self._kinds:
            node = _described(kind)
            if node is not None and has_model(node):
                models.append((kind, direction))
            elif node is not None:
                native.append((kind, direction))
        self.components = self._add_native(native)
        """By name."""
        if models:
            self._add_models(models)

    def of(self, kind: Any, direction: Direction) -> Schema:
        """The schema of one of the types; empty, which allows any value, if it has none."""
        return self._found.get((id(kind), direction), {})

    def resolved(self, schema: Schema) -> Schema:
        """A schema, or the component that it refers to."""
        name = schema.get("$ref", "").removeprefix(PLACE)
        found: Schema = self.components.get(name, schema)
        return found

    def _add_native(self, kinds: list[tuple[Any, Direction]]) -> dict[str, Any]:
        try:
            made, components = _native_schemas(kinds)
        except Exception:  # noqa: BLE001 - msgspec raises what it likes for a type without a schema
            kinds = [each for each in kinds if _has_schema(each)]
            made, components = _native_schemas(kinds)
        for (kind, direction), schema in zip(kinds, made, strict=True):
            self._found[id(kind), direction] = schema
        return components

    def _add_models(self, kinds: list[tuple[Any, Direction]]) -> None:
        from pydantic import TypeAdapter

        made, definitions = TypeAdapter.json_schemas(
            [
                (number, "validation" if direction == "input" else "serialization", TypeAdapter(kind))
                for number, (kind, direction) in enumerate(kinds)
            ],
            ref_template=f"{PLACE}{{model}}",
        )
        components = definitions.get("$defs", {})
        names: dict[str, str] = {}
        for name in components:
            names[name] = _free(name, {*self.components, *names.values()})
        rename = _renaming({f"{PLACE}{old}": f"{PLACE}{new}" for old, new in names.items() if old != new})
        for name, schema in components.items():
            self.components[names[name]] = rename(schema)
        for (number, _), schema in made.items():
            kind, direction = kinds[int(number)]
            self._found[id(kind), direction] = rename(schema)


def _described(kind: Any) -> shapes.Type | None:
    try:
        return shapes.type_info(kind)
    except Exception:  # noqa: BLE001 - msgspec raises what it likes for types that it does not know
        return None


def _native_schemas(kinds: list[tuple[Any, Direction]]) -> tuple[tuple[Schema, ...], dict[str, Any]]:
    return msgspec.json.schema_components([kind for kind, _ in kinds], ref_template=f"{PLACE}{{name}}")


def _has_schema(kind: tuple[Any, Direction]) -> bool:
    try:
        _native_schemas([kind])
    except Exception:  # noqa: BLE001 - as above: a class without a schema is described as any value
        return False
    return True


def _free(name: str, taken: set[str]) -> str:
    if name not in taken:
        return name
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"


def _renaming(references: dict[str, str]) -> Callable[[Any], Any]:
    """What copies a schema with other references."""

    def rename(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                name: references.get(each, each) if name == "$ref" and isinstance(each, str) else rename(each)
                for name, each in value.items()
            }
        return [rename(each) for each in value] if isinstance(value, list) else value

    def unchanged(value: Any) -> Any:
        return value

    return rename if references else unchanged
