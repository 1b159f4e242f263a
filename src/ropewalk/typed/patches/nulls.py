"""Which members of an object may be null, by the JSON schema of its type: msgspec and pydantic make the same kind."""

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]


class Nulls:
    """Looks up members in a schema with its definitions."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._definitions: Schema = schema.get("$defs", {})

    def allows(self, path: tuple[str, ...]) -> bool:
        """Whether the type has a field at a path, and that may be null. Members of a dict do not count as fields."""
        places = [self._schema]
        for index, name in enumerate(path):
            last = index == len(path) - 1
            below = []
            for place in places:
                for each in self._alternatives(place):
                    fields = each.get("properties", {})
                    if name in fields:
                        below.append(fields[name])
                    elif not last and isinstance(each.get("additionalProperties"), dict):
                        below.append(each["additionalProperties"])
            places = below
        return any(_is_null(each) for place in places for each in self._alternatives(place))

    def _alternatives(self, schema: Schema) -> Iterator[Schema]:
        """A schema, the one that it refers to, and those of which it allows any."""
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


def _is_null(schema: Schema) -> bool:
    kind = schema.get("type")
    if kind is None:
        choices = schema.get("enum", ())
        return None in choices or not any(name in schema for name in ("anyOf", "oneOf", "$ref", "enum", "const"))
    return kind == "null" or (isinstance(kind, list) and "null" in kind)
