"""`Response[T]`: a response class together with the type of its body. It can be used as an annotation, and called to
make a response."""

from collections.abc import Callable
from types import GenericAlias
from typing import Any, Final

Shape = Callable[[Any], Any]
ShapeOf = Callable[[type, Any], Shape | None]
"""A function that takes a response class and a body type, and returns the function that converts bodies to this
type."""

_shapes: Final[list[ShapeOf]] = []


def register_shapes(shape_of: ShapeOf) -> None:
    """Set the function that makes converters to body types.

    `ropewalk.typed`, a higher layer, calls this when it is imported.
    """
    _shapes[:] = [shape_of]


class ResponseOf(GenericAlias):
    """A response class together with the type of its body. Calling it converts the given body to this type, and makes a
    response."""

    __slots__ = ()

    def __call__(self, body: Any = None, *arguments: Any, **options: Any) -> Any:
        """Make a response. Raises HandlerError (RW215) for a body that does not match the type."""
        cls: Any = self.__origin__
        shape = _shapes[0](cls, self.__args__[0]) if _shapes and body is not None else None
        return cls(body if shape is None else shape(body), *arguments, **options)
