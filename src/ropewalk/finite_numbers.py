"""Find numbers in decoded bodies that are infinite, or not a number (NaN).

JSON and OpenAPI have no such numbers, but msgspec converts the text "NaN" to a `Decimal`, and MessagePack has such
floats. A comparison with a `Decimal` that is NaN raises an exception, and a float that is NaN passes a check such as
`if x > 9: raise ...`.
"""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from math import isfinite
from typing import Any, Final

from msgspec import inspect as shapes

Finder = Callable[[Any], bool]
"""A function that returns whether a decoded value has an infinite number or a NaN where its type has a number."""

INFINITE: Final = "Expected a finite number"

_OBJECTS: Final = (shapes.StructType, shapes.DataclassType, shapes.TypedDictType, shapes.NamedTupleType)


def may_be_infinite(body: bytes) -> bool:
    """Whether a JSON body may have an infinite number or a NaN. The check takes linear time, and is much faster than
    decoding."""
    body = body.lower().replace(b"_", b"")  # Python ignores underscores in the text of a Decimal
    return b"nan" in body or b"inf" in body or b"\\u00" in body  # the letters may be escaped


def is_infinite(value: Any) -> bool:
    """Whether a number, or the text of a Decimal, is infinite or not a number."""
    if isinstance(value, str):
        try:
            value = Decimal(value)
        except InvalidOperation:  # the text is not a number
            return False
    if isinstance(value, Decimal):
        return not value.is_finite()
    return isinstance(value, float) and not isfinite(value)


def infinite_finder(kind: Any, *, floats: bool = False) -> Finder | None:
    """Return a function that finds infinite numbers and NaNs in decoded values of a type; None if the type allows no
    such numbers.

    `floats`: whether floats may be infinite, as in MessagePack. Otherwise only Decimals may be.
    """
    try:
        return _cached_finder(kind, floats)
    except TypeError:  # such as a list in Annotated, which is not hashable; any other TypeError is raised again below
        return _Finders(floats).of(shapes.type_info(kind))


def finder_within(node: shapes.Type, *, floats: bool = False) -> Finder | None:
    """Like `infinite_finder`, for a type that msgspec has already described, because describing a type is slow."""
    return _Finders(floats).of(node)


@lru_cache(maxsize=512)
def _cached_finder(kind: Any, floats: bool) -> Finder | None:
    return _Finders(floats).of(shapes.type_info(kind))


class _Finders:
    """Makes the finders for the parts of a type. Each class gets only one finder, because a class may contain
    itself."""

    def __init__(self, floats: bool) -> None:
        self._floats = floats
        self._by_class: dict[Any, list[tuple[int, str, Finder]]] = {}

    def of(self, node: Any) -> Finder | None:
        while isinstance(node, shapes.Metadata):
            node = node.type
        if isinstance(node, shapes.DecimalType):
            return is_infinite
        if isinstance(node, shapes.FloatType):
            return _is_infinite_float if self._floats else None
        if isinstance(node, _OBJECTS):
            return self._of_object(node)
        if isinstance(node, shapes.TupleType):
            return _any_of_items([self.of(each) for each in node.item_types])
        if isinstance(node, shapes.CollectionType):
            item = self.of(node.item_type)
            return None if item is None else lambda value: isinstance(value, list | tuple) and any(map(item, value))
        if isinstance(node, shapes.DictType):
            return _any_of_dict(self.of(node.key_type), self.of(node.value_type))
        if isinstance(node, shapes.UnionType):
            return self._of_union(node)
        return None

    def _of_object(self, node: Any) -> Finder | None:
        known = self._by_class.get(node.cls)
        if known is None:
            known = self._by_class[node.cls] = []
            first = 1 if getattr(node, "tag_field", None) is not None else 0
            for index, field in enumerate(node.fields, first):
                finder = self.of(field.type)
                if finder is not None:
                    known.append((index, field.encode_name, finder))
            if not known:
                return None
        parts = known

        def find(value: Any) -> bool:
            if isinstance(value, dict):
                return any(name in value and finder(value[name]) for _, name, finder in parts)
            if isinstance(value, list | tuple):
                return any(index < len(value) and finder(value[index]) for index, _, finder in parts)
            return False

        return find

    def _of_union(self, node: shapes.UnionType) -> Finder | None:
        members = [each.type if isinstance(each, shapes.Metadata) else each for each in node.types]
        are_tagged = sum(isinstance(each, _OBJECTS) for each in members) > 1
        finders = []
        for each in members:
            finder = self.of(each)
            if finder is not None:
                finders.append(_if_tagged(each, finder) if are_tagged and isinstance(each, _OBJECTS) else finder)
        return (lambda value: any(finder(value) for finder in finders)) if finders else None


def _is_infinite_float(value: Any) -> bool:
    return isinstance(value, float) and not isfinite(value)


def _if_tagged(node: Any, finder: Finder) -> Finder:
    """Limit a finder to the values that have the tag of a class in a tagged union."""
    field, tag = getattr(node, "tag_field", None), getattr(node, "tag", None)

    def find(value: Any) -> bool:
        found = value.get(field) if isinstance(value, dict) else value[0] if isinstance(value, list) and value else None
        return (field is None or found == tag) and finder(value)

    return find


def _any_of_items(items: list[Finder | None]) -> Finder | None:
    if not any(items):
        return None

    def find(value: Any) -> bool:
        return isinstance(value, list | tuple) and any(
            finder is not None and finder(each) for finder, each in zip(items, value, strict=False)
        )

    return find


def _any_of_dict(key: Finder | None, item: Finder | None) -> Finder | None:
    if key is None and item is None:
        return None

    def find(value: Any) -> bool:
        if not isinstance(value, dict):
            return False
        return (key is not None and any(map(key, value))) or (item is not None and any(map(item, value.values())))

    return find
