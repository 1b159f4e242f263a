"""`Response[T]`: a class of responses with the type of its body, as an annotation and to make responses."""

from collections.abc import Callable
from types import GenericAlias
from typing import Any, Final

Shape = Callable[[Any], Any]
ShapeOf = Callable[[type, Any], Shape | None]
"""Takes a class of responses and the type of its body. Returns what makes a value of the type."""

_shapes: Final[list[ShapeOf]] = []


def register_shapes(shape_of: ShapeOf) -> None:
    """Have values shaped by a function. `ropewalk.typed`, a layer above, calls this when it is imported."""
    _shapes[:] = [shape_of]


class ResponseOf(GenericAlias):
    """A class of responses with the type of its body. A call shapes the body by the type, and makes a response."""

    __slots__ = ()

    def __call__(self, body: Any = None, *arguments: Any, **options: Any) -> Any:
        """A response. Raises HandlerError (RW215) for a body that does not match the type."""
        cls: Any = self.__origin__
        shape = _shapes[0](cls, self.__args__[0]) if _shapes and body is not None else None
        return cls(body if shape is None else shape(body), *arguments, **options)
