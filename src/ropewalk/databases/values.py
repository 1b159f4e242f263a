"""Converts a program's values to values that SQLite stores, and rows to the program's types."""

from collections.abc import Mapping
from dataclasses import is_dataclass
from sqlite3 import Row
from typing import Any, Final, TypeVar, get_origin, is_typeddict

import msgspec

from ropewalk.errors import HandlerError, full_name

Kind = TypeVar("Kind")

STORED: Final = (str, int, float, bytes, bytearray, memoryview, type(None))
"""The types that SQLite stores."""


def bound(values: Any) -> Any:
    """The values of a statement's parameters: a tuple for `?`, or a dict for `:name`.

    Raises HandlerError (RW283) unless they are a sequence, a mapping, a Struct or a dataclass.
    """
    if isinstance(values, Mapping):
        return {name: _stored(value) for name, value in values.items()}
    if isinstance(values, list | tuple):
        return tuple(_stored(value) for value in values)
    if isinstance(values, msgspec.Struct) or (is_dataclass(values) and not isinstance(values, type)):
        return bound(msgspec.to_builtins(values, builtin_types=(bytes, bytearray, memoryview)))
    what = f"The values of a statement are of type {full_name(type(values))}."
    raise HandlerError("RW283", what, "Give a tuple for `?`, such as `(title,)`, or a dict or a Struct for `:name`.")


def _stored(value: Any) -> Any:
    if isinstance(value, STORED):
        return value
    try:
        return msgspec.to_builtins(value)  # such as ISO 8601 for a date
    except TypeError:
        return value  # sqlite3 may have an adapter for this type


def converted(rows: list[Row], kind: type[Kind]) -> list[Kind]:
    """Convert rows to objects of a type. Each column becomes a field; a simple type takes the only column.

    Raises msgspec.ValidationError for a value that does not fit.
    """
    validate = getattr(kind, "model_validate", None)
    if validate is not None:  # a pydantic model
        return [validate(dict(row)) for row in rows]
    origin = get_origin(kind) or kind
    has_fields = hasattr(origin, "__struct_fields__") or is_dataclass(origin) or is_typeddict(origin)
    found: list[Any]
    if has_fields or origin in (dict, Mapping):
        found = [dict(row) for row in rows]
    elif origin is tuple:
        found = [tuple(row) for row in rows]
    else:
        found = [row[0] if len(row) == 1 else dict(row) for row in rows]
    return [msgspec.convert(each, kind, strict=False) for each in found]
