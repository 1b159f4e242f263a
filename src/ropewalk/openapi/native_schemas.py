"""The schemas that msgspec makes, which share one set of components."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import inspect as shapes

from ropewalk.openapi.component_names import free_name, renaming
from ropewalk.typed.descriptions import within

Schema = dict[str, Any]
_NAMED = (shapes.StructType, shapes.DataclassType, shapes.TypedDictType, shapes.NamedTupleType, shapes.EnumType)
"""msgspec's descriptions of classes whose schemas are components."""


def native_schemas(
    kinds: Sequence[Any], place: str, of_foreign: Callable[[type], Schema] | None = None
) -> tuple[list[Schema], dict[str, Schema]]:
    """The schema of each type, and the components. A reference in a schema is `place` and the name of a component.
    msgspec fails if two classes get the same name, as `Page[books.Model]` and `Page[films.Model]` do. So types with
    such classes are described one after the other, and a number is added to the names of the later classes. Raises
    various errors of msgspec. `of_foreign` makes the schema of a class that msgspec does not support.
    """
    groups = _groups(kinds)
    made: list[Schema] = [{} for _ in kinds]
    components: dict[str, Schema] = {}
    names: dict[Any, str] = {}
    for members, by_name in groups:
        classes = list(by_name.values()) if len(groups) > 1 else []
        wanted = [kinds[index] for index in members]
        found, parts = msgspec.json.schema_components(
            [*wanted, *classes], ref_template=f"{place}{{name}}", schema_hook=of_foreign
        )
        taken = set(components)
        new: dict[str, str] = {}
        for each, reference in zip(classes, found[len(wanted) :], strict=True):
            old = reference["$ref"].removeprefix(place)
            new[old] = names.setdefault(each, free_name(old, taken))
            taken.add(new[old])
        new |= {old: free_name(old, taken) for old in parts if old not in new}
        rename = renaming({f"{place}{old}": f"{place}{name}" for old, name in new.items()})
        components |= {new[old]: rename(schema) for old, schema in parts.items()}
        for index, schema in zip(members, found, strict=False):
            made[index] = rename(schema)
    return made, components


def _groups(kinds: Sequence[Any]) -> list[tuple[list[int], dict[Any, Any]]]:
    """Divide types into groups so that no group has two classes with the same name. For each group: the indices of its
    types, and its classes.
    """
    groups: list[tuple[list[int], dict[Any, Any]]] = []
    for index, kind in enumerate(kinds):
        own = _classes(kind)
        for members, known in groups:
            if all(known.get(name, each) == each for name, each in own.items()):
                members.append(index)
                known |= own
                break
        else:
            groups.append(([index], own))
    return groups


def _classes(kind: Any) -> dict[Any, Any]:
    """The classes within a type whose schemas are components. The keys are the values from which msgspec makes the
    names."""
    found: dict[Any, Any] = {}
    left = [shapes.type_info(kind)]
    while left:
        for node in within(left.pop(), keys=True):
            if isinstance(node, _NAMED):
                each: Any = node.cls
                arguments = getattr(each, "__args__", ())
                short = tuple(part.__name__ if isinstance(part, type) else repr(part) for part in arguments)
                name = each.__module__, each.__qualname__, short
                if name not in found:
                    found[name] = each
                    left += [field.type for field in getattr(node, "fields", ())]
    return found
