"""Find the schemas to which a document refers."""

from collections.abc import Iterator
from typing import Any

from ropewalk.openapi.schemas import PLACE


def used_schemas(document: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """The schemas to which the document refers, directly or through another schema."""
    used: set[str] = set()
    left = list(_names_in(document))
    while left:
        name = left.pop()
        if name in schemas and name not in used:
            used.add(name)
            left += _names_in(schemas[name])
    return {name: schema for name, schema in schemas.items() if name in used}


def _names_in(value: Any) -> Iterator[str]:
    """Yield the component names to which a part of a document refers, in `$ref` or in a discriminator's mapping."""
    left = [value]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            left += value.values()
        elif isinstance(value, list | tuple):
            left += value
        elif isinstance(value, str) and value.startswith(PLACE):
            yield value.removeprefix(PLACE).partition("/")[0]
