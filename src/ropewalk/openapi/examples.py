"""The examples of a parameter or a body."""

from collections.abc import Mapping
from math import isfinite
from typing import Any, Final

import msgspec

from ropewalk.typed.parameter_sources import EMPTY

_MEMBERS: Final = frozenset(("summary", "description", "value", "externalValue"))


def examples_of(example: Any, examples: Mapping[str, Any] | None) -> dict[str, Any]:
    """A dict with the member `examples` or `example`, because OpenAPI does not allow both. Empty if there are no
    examples."""
    if examples:
        first = {} if example is None else {"example": {"value": built_in(example)}}
        return {"examples": first | {name: _example_object(each) for name, each in examples.items()}}
    return {} if example is None else {"example": built_in(example)}


def built_in(value: Any) -> Any:
    """Convert a value to JSON types; None if it is EMPTY or cannot be converted."""
    if value is EMPTY or (isinstance(value, float) and not isfinite(value)):
        return None
    try:
        return msgspec.to_builtins(value, str_keys=True, enc_hook=_pydantic)
    except (TypeError, ValueError, NotImplementedError):
        return None


def _example_object(given: Any) -> dict[str, Any]:
    """An Example Object, made from a value. A dict that already is an Example Object is kept."""
    if isinstance(given, Mapping) and given.keys() <= _MEMBERS and {"value", "externalValue"} & given.keys():
        return {name: built_in(each) for name, each in given.items()}
    return {"value": built_in(given)}


def _pydantic(value: Any) -> Any:
    """Convert a pydantic model to JSON types."""
    if hasattr(value, "__pydantic_serializer__"):
        return value.model_dump(mode="json", by_alias=True)
    raise NotImplementedError
