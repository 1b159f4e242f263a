"""Descriptions of types by msgspec, and what they contain."""

from collections.abc import Callable, Iterator
from functools import lru_cache, wraps
from typing import Any, TypeVar

from msgspec import inspect as shapes

Value = TypeVar("Value")


def cached_by_type(function: Callable[[Any], Value]) -> Callable[[Any], Value]:
    """A function of a type that is called once for each: many routes have the same few types."""
    cached = lru_cache(maxsize=512)(function)

    @wraps(function)
    def call(kind: Any) -> Value:
        try:
            return cached(kind)
        except TypeError:  # not hashable, such as Annotated with a list; or the function raises it again
            return function(kind)

    return call


@cached_by_type
def described(kind: Any) -> shapes.Type:
    """The description of a type. Raises various errors of msgspec for what is not a type."""
    return shapes.type_info(kind)


def plain(node: shapes.Type) -> shapes.Type:
    """A description without its metadata."""
    while isinstance(node, shapes.Metadata):
        node = node.type
    return node


def within(node: shapes.Type, *, keys: bool = False) -> Iterator[shapes.Type]:
    """A description, and those of the members of its unions, arrays and dicts, without metadata.

    It does not descend into the fields of objects. `keys`: it includes the keys of dicts.
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
