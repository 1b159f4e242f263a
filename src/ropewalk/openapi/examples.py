"""The examples of a parameter or a body."""

from collections.abc import Mapping
from math import isfinite
from typing import Any, Final

import msgspec

from ropewalk.typed.inputs import EMPTY

_MEMBERS: Final = frozenset(("summary", "description", "value", "externalValue"))


def examples_of(example: Any, examples: Mapping[str, Any] | None) -> dict[str, Any]:
    """The member `examples` or `example`, if there is one. OpenAPI has no place for both."""
    if examples:
        first = {} if example is None else {"example": {"value": built_in(example)}}
        return {"examples": first | {name: _example_object(each) for name, each in examples.items()}}
    return {} if example is None else {"example": built_in(example)}


def built_in(value: Any) -> Any:
    """A value as JSON has it; None if there is none, or it cannot be written."""
    if value is EMPTY or (isinstance(value, float) and not isfinite(value)):
        return None
    try:
        return msgspec.to_builtins(value, str_keys=True, enc_hook=_pydantic)
    except (TypeError, ValueError, NotImplementedError):
        return None


def _example_object(given: Any) -> dict[str, Any]:
    """An Example Object, of a value or of such an object itself."""
    if isinstance(given, Mapping) and given.keys() <= _MEMBERS and {"value", "externalValue"} & given.keys():
        return {name: built_in(each) for name, each in given.items()}
    return {"value": built_in(given)}


def _pydantic(value: Any) -> Any:
    """A model of pydantic as JSON has it."""
    if hasattr(value, "__pydantic_serializer__"):
        return value.model_dump(mode="json", by_alias=True)
    raise NotImplementedError
