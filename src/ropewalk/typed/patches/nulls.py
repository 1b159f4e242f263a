"""Find out which members of an object may be null, according to the JSON schema that msgspec or pydantic makes of its
type."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

Schema = dict[str, Any]


class Places:
    """The places in a JSON schema. Each Place is made only once, because a type may contain itself and a patch may have
    many objects.
    """

    def __init__(self, schema: Schema) -> None:
        self._definitions: Schema = schema.get("$defs", {})
        self._made: dict[tuple[int, ...], Place] = {}
        self.root = self.of([schema])

    def of(self, schemas: Iterable[Schema]) -> "Place":
        """The Place for values that match any of `schemas`, which are parts of the whole schema."""
        alternatives = tuple(each for schema in schemas for each in self._alternatives(schema))
        key = tuple(map(id, alternatives))
        if key not in self._made:
            self._made[key] = Place(self, alternatives)
        return self._made[key]

    def _alternatives(self, schema: Schema) -> Iterator[Schema]:
        """Yield a schema, and the schemas to which it leads by `$ref`, `anyOf` and `oneOf`."""
        waiting, seen = [schema], set()
        while waiting:
            each = waiting.pop()
            if id(each) in seen:
                continue
            seen.add(id(each))
            yield each
            waiting += [other for other in (*each.get("anyOf", ()), *each.get("oneOf", ())) if isinstance(other, dict)]
            if "$ref" in each:
                found = self._definitions.get(each["$ref"].rpartition("/")[2])
                if isinstance(found, dict):
                    waiting.append(found)


class Place:
    """A place in a type: it says whether null is allowed there. If the value there is an object, it also has the places
    of the members.
    """

    def __init__(self, places: Places, alternatives: tuple[Schema, ...]) -> None:
        self._places = places
        self._alternatives = alternatives

    def below(self, name: str) -> "Place":
        """The Place of the member with this name."""
        return self._fields.get(name, self._others)

    def may_be_null(self, name: str) -> bool:
        """Whether there is a field with this name that may be null. Members of a dict are not fields."""
        return name in self._fields and self._fields[name].allows_null

    @cached_property
    def allows_null(self) -> bool:
        """Whether null is allowed at this place."""
        return any(map(_is_null, self._alternatives))

    @cached_property
    def _fields(self) -> "dict[str, Place]":
        schemas: dict[str, list[Schema]] = {}
        for each in self._alternatives:
            for name, schema in each.get("properties", {}).items():
                schemas.setdefault(name, []).append(schema)
        return {name: self._places.of(found) for name, found in schemas.items()}

    @cached_property
    def _others(self) -> "Place":
        """The Place of members that are not fields."""
        found = [each.get("additionalProperties") for each in self._alternatives]
        return self._places.of(each for each in found if isinstance(each, dict))


def _is_null(schema: Schema) -> bool:
    kind = schema.get("type")
    if kind is None:
        choices = schema.get("enum", ())
        return None in choices or not any(name in schema for name in ("anyOf", "oneOf", "$ref", "enum", "const"))
    return kind == "null" or (isinstance(kind, list) and "null" in kind)
