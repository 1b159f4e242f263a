"""Find out whether a type contains pydantic models, classes that msgspec does not support, or classes with fields."""

from typing import Any, NamedTuple

from msgspec import inspect as shapes

from ropewalk.typed.descriptions import cached_by_type, described, within
from ropewalk.typed.narrowing import has_object
from ropewalk.typed.pydantic_models import has_model


class Parts(NamedTuple):
    """The kinds of classes that a type contains."""

    has_model: bool
    """Whether the type contains a pydantic model."""
    has_foreign: bool
    """Whether the type contains a class that msgspec does not support, such as a pydantic model."""
    has_object: bool
    """Whether the type contains a class with fields. A value may have more fields than this class. These must be
    dropped.
    """


@cached_by_type
def parts_of(kind: Any) -> Parts:
    """Find out which kinds of classes a type contains. For an object that is not a type, msgspec raises various
    exceptions."""
    node = described(kind)
    return Parts(has_model(node), any(isinstance(each, shapes.CustomType) for each in within(node)), has_object(node))
