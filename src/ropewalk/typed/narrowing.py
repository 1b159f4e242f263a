"""Drop the fields that subclasses add, in all parts of an object. msgspec converts an object of a subclass to the
wanted class. But it does not change an object of exactly the wanted class, even if a part of the object is of a
subclass.
"""

from collections.abc import Callable
from copy import copy
from typing import Any, Final

from msgspec import UNSET, Struct, structs
from msgspec import inspect as shapes

from ropewalk.typed.attribute_conversion import convert_attributes
from ropewalk.typed.descriptions import plain, within
from ropewalk.typed.invalid_values import type_of

Narrow = Callable[[Any], Any]

_WITH_ATTRIBUTES: Final = (shapes.StructType, shapes.DataclassType, shapes.NamedTupleType)
_CONTAINERS: Final[dict[type, type]] = {
    shapes.ListType: list,
    shapes.SetType: set,
    shapes.FrozenSetType: frozenset,
    shapes.VarTupleType: tuple,
    shapes.TupleType: tuple,
    shapes.DictType: dict,
    shapes.TypedDictType: dict,
}


def narrowing(node: shapes.Type) -> Narrow | None:
    """Return a function that takes a value which msgspec has converted to a type, and drops additional fields from its
    parts.

    Return None if no part of the type has fields. The function raises ValidationError for a part that does not match.
    """
    return _Narrowings().of(node)


def has_object(node: shapes.Type) -> bool:
    """Whether values of a type are objects with fields, or contain them."""
    return any(isinstance(each, (*_WITH_ATTRIBUTES, shapes.TypedDictType)) for each in within(node))


class _Narrowings:
    """Makes the narrowing functions of classes. Each function is made only once, because a class may contain itself."""

    def __init__(self) -> None:
        self._parts: dict[Any, list[tuple[str, Narrow]]] = {}

    def of(self, node: shapes.Type) -> Narrow | None:
        node = plain(node)
        if isinstance(node, (*_WITH_ATTRIBUTES, shapes.TypedDictType)):
            return self._of_class(node)
        if isinstance(node, shapes.UnionType):
            return self._of_union(node)
        if isinstance(node, shapes.TupleType):
            return _of_tuple([self.of(each) for each in node.item_types])
        if isinstance(node, shapes.CollectionType):
            return _of_items(_CONTAINERS[type(node)], self.of(node.item_type))
        return _of_dict(self.of(node.value_type)) if isinstance(node, shapes.DictType) else None

    def _of_class(self, node: Any) -> Narrow | None:
        parts = self._parts.get(node.cls)
        if parts is None:
            parts = self._parts[node.cls] = []
            parts += [(each.name, self._of_part(each.type)) for each in node.fields if has_object(each.type)]
            if not parts:
                return None
        if isinstance(node, shapes.TypedDictType):
            return lambda value: value | _changes(parts, value.get)
        return lambda value: _narrowed(value, parts)

    def _of_part(self, node: shapes.Type) -> Narrow:
        kind = type_of(node)
        narrow = self.of(node)

        def convert_part(value: Any) -> Any:
            value = convert_attributes(value, kind)
            return value if narrow is None else narrow(value)

        return convert_part

    def _of_union(self, node: shapes.UnionType) -> Narrow | None:
        found = {_class_of(each): narrow for each in node.types if (narrow := self.of(each)) is not None}
        if not found:
            return None

        def narrow_member(value: Any) -> Any:
            narrow = found.get(type(value))
            return value if narrow is None else narrow(value)

        return narrow_member


def _class_of(node: shapes.Type) -> type:
    """The class of the values of a type that is a class with fields or a container."""
    node = plain(node)
    kind: Any = _CONTAINERS.get(type(node))
    if kind is None:
        own: Any = node
        kind = getattr(own.cls, "__origin__", own.cls)
    found: type = kind
    return found


def _of_tuple(narrows: list[Narrow | None]) -> Narrow | None:
    if not any(narrows):
        return None

    def narrow_each(value: Any) -> Any:
        pairs = zip(value, narrows, strict=True)
        return tuple(item if narrow is None else narrow(item) for item, narrow in pairs)

    return narrow_each


def _of_items(container: type, narrow: Narrow | None) -> Narrow | None:
    return None if narrow is None else lambda value: container(map(narrow, value))


def _of_dict(narrow: Narrow | None) -> Narrow | None:
    return None if narrow is None else lambda value: {key: narrow(item) for key, item in value.items()}


def _narrowed(value: Any, parts: list[tuple[str, Narrow]]) -> Any:
    """A copy of an object whose parts have no additional fields, or the object itself if nothing changes."""
    changes = _changes(parts, lambda name: getattr(value, name, None))
    if not changes:
        return value
    if isinstance(value, Struct):
        return structs.replace(value, **changes)
    if isinstance(value, tuple):  # the value is a NamedTuple
        own: Any = value
        return own._replace(**changes)
    made = copy(value)
    for name, part in changes.items():
        object.__setattr__(made, name, part)  # `setattr` would fail for frozen classes
    return made


def _changes(parts: list[tuple[str, Narrow]], get: Callable[[str], Any]) -> dict[str, Any]:
    found = {}
    for name, narrow in parts:
        part = get(name)
        if part is not None and part is not UNSET:
            made = narrow(part)
            if made is not part:
                found[name] = made
    return found
