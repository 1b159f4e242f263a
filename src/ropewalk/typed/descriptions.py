"""Get msgspec's descriptions of types, and of the types that they contain."""

from collections.abc import Callable, Iterator
from functools import lru_cache, wraps
from typing import Any, TypeVar

from msgspec import inspect as shapes

Value = TypeVar("Value")


def cached_by_type(function: Callable[[Any], Value]) -> Callable[[Any], Value]:
    """A decorator that caches the results of a function by type, because many routes have the same few types."""
    cached = lru_cache(maxsize=512)(function)

    @wraps(function)
    def call(kind: Any) -> Value:
        try:
            return cached(kind)
        except TypeError:  # the type is not hashable, such as Annotated with a list; or `function` has raised it
            return function(kind)

    return call


@cached_by_type
def described(kind: Any) -> shapes.Type:
    """msgspec's description of a type. For an object that is not a type, msgspec raises various exceptions."""
    return shapes.type_info(kind)


def plain(node: shapes.Type) -> shapes.Type:
    """The description of a type without its metadata."""
    while isinstance(node, shapes.Metadata):
        node = node.type
    return node


def within(node: shapes.Type, *, keys: bool = False) -> Iterator[shapes.Type]:
    """Yield a type's description, and the descriptions of the members of its unions, arrays and dicts, all without
    metadata.

    The fields of objects are not included. With `keys`, the keys of dicts are included.
    """
    node = plain(node)
    yield node
    members: tuple[shapes.Type, ...] = ()
    if isinstance(node, shapes.UnionType):
        members = node.types
    elif isinstance(node, shapes.TupleType):
        members = node.item_types
    elif isinstance(node, shapes.CollectionType):
        members = (node.item_type,)
    elif isinstance(node, shapes.DictType):
        members = (node.key_type, node.value_type) if keys else (node.value_type,)
    for member in members:
        yield from within(member, keys=keys)
