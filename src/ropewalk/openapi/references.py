"""The names of components, and the references to them in schemas."""

from collections.abc import Callable, Container, Mapping
from typing import Any


def renaming(references: Mapping[str, str]) -> Callable[[Any], Any]:
    """Return a function that copies a schema and replaces its references, including those in a discriminator's
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
    """The name, followed by a number if it is taken."""
    if name not in taken:
        return name
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"
