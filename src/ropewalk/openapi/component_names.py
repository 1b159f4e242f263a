"""The names of schemas among the components of a document, and the references to them."""

from collections.abc import Callable, Container, Mapping
from typing import Any


def renaming(references: Mapping[str, str]) -> Callable[[Any], Any]:
    """Return a function that copies a schema and renames its references, including those in a discriminator's
    mapping."""

    def rename(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: rename_member(name, each) for name, each in value.items()}
        return [rename(each) for each in value] if isinstance(value, list) else value

    def rename_member(name: str, value: Any) -> Any:
        if name == "$ref" and isinstance(value, str):
            return references.get(value, value)
        if name == "discriminator" and isinstance(value, dict) and isinstance(value.get("mapping"), dict):
            return value | {"mapping": {tag: references.get(to, to) for tag, to in value["mapping"].items()}}
        return rename(value)

    return rename


def free_name(name: str, taken: Container[str]) -> str:
    """The name itself, or the name followed by a number if it is in `taken`."""
    if name not in taken:
        return name
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"


def are_alike(one: Any, other: Any) -> bool:
    """Whether two schemas allow the same values. Titles, descriptions and the order of enum values are
    ignored. For an enum, the type is ignored, too."""
    if isinstance(one, dict) and isinstance(other, dict):
        left, right = _rules(one), _rules(other)
        return left.keys() == right.keys() and all(are_alike(left[name], right[name]) for name in left)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(are_alike, one, other))
    return type(one) is type(other) and bool(one == other)


def _rules(schema: dict[str, Any]) -> dict[str, Any]:
    """The members of a schema that decide which values it allows."""
    if isinstance(schema.get("enum"), list):
        return {"enum": sorted(schema["enum"], key=repr)}
    if "const" in schema:
        return {"enum": [schema["const"]]}
    told = {name for name in ("title", "description") if isinstance(schema.get(name), str)}
    return {name: each for name, each in schema.items() if name not in told}
