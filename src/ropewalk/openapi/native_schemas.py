"""The schemas that msgspec makes, which share one set of components."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import inspect as shapes

from ropewalk.openapi.references import free_name, renaming
from ropewalk.typed.descriptions import within

Schema = dict[str, Any]
_NAMED = (shapes.StructType, shapes.DataclassType, shapes.TypedDictType, shapes.NamedTupleType, shapes.EnumType)
"""The descriptions of classes that are components."""


def native_schemas(
    kinds: Sequence[Any], place: str, of_foreign: Callable[[type], Schema] | None = None
) -> tuple[list[Schema], dict[str, Schema]]:
    """The schema of each type, and the components to which they refer by `place` and their names.

    msgspec fails if two classes get one name, as `Page[books.Model]` and `Page[films.Model]` do. So types with such
    classes are described one after the other, and later ones get a number. Raises various errors of msgspec.
    `of_foreign` makes the schema of a class that msgspec does not support.
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
    """The indices of the types in groups, with the classes of each group.

    No group has two classes with the same name.
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
    """The classes in a type that are components, by the value from which msgspec makes their names."""
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
