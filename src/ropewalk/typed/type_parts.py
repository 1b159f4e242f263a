"""What is in a type: models of pydantic, classes that msgspec does not support, and classes with fields."""

from typing import Any, NamedTuple

from msgspec import inspect as shapes

from ropewalk.typed.descriptions import cached_by_type, described, within
from ropewalk.typed.narrowing import has_object
from ropewalk.typed.pydantic_models import has_model


class Parts(NamedTuple):
    """What is in a type that msgspec can describe."""

    has_model: bool
    """A model of pydantic."""
    has_foreign: bool
    """A class that msgspec does not support, such as a model of pydantic."""
    has_object: bool
    """A class with fields, of which a value may have more."""


@cached_by_type
def parts_of(kind: Any) -> Parts:
    """What is in a type that msgspec can describe."""
    node = described(kind)
    return Parts(has_model(node), any(isinstance(each, shapes.CustomType) for each in within(node)), has_object(node))
