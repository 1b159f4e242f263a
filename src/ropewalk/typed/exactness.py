"""Find out whether values, and all their parts, have exactly the classes of a type, so that no fields need to be
dropped.

Most handlers return such values. All objects of a list are compared at once, level by level. This takes a fraction of
the time that msgspec needs to convert them one by one.
"""

from collections.abc import Callable, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any

from msgspec import UNSET
from msgspec import inspect as shapes

from ropewalk.typed.descriptions import plain
from ropewalk.typed.narrowing import has_object

AllExact = Callable[[Sequence[Any]], bool]
"""A function that returns whether all given values are exactly of a type."""
_Parts = list[tuple[Callable[[Any], Any], AllExact]]


def exactness(node: shapes.Type) -> AllExact | None:
    """Return a function that finds out whether values are exactly of a type, so that `narrowing` would not change them.

    Return None for a type that has other parts than Structs, lists and None.
    """
    try:
        return _Exactness().of(node)
    except _Unsupported:
        return None


class _Unsupported(Exception):
    """A part of a type is not supported: its values must be converted to find out."""


class _Exactness:
    """Makes the checks of classes. Each is made only once, because a class may contain itself."""

    def __init__(self) -> None:
        self._parts: dict[type, _Parts] = {}

    def of(self, node: shapes.Type) -> AllExact:
        node = plain(node)
        if isinstance(node, shapes.StructType) and isinstance(node.cls, type):  # not a generic class with arguments
            return self._of_struct(node)
        if isinstance(node, shapes.ListType) and node.min_length is None and node.max_length is None:
            return _of_list(self.of(node.item_type))
        if isinstance(node, shapes.UnionType):
            return self._of_optional(node)
        raise _Unsupported

    def _of_struct(self, node: shapes.StructType) -> AllExact:
        parts = self._parts.get(node.cls)
        if parts is None:
            parts = self._parts[node.cls] = []
            parts += [(attrgetter(each.name), self.of(each.type)) for each in node.fields if has_object(each.type)]
        wanted = {node.cls}

        def all_exact(values: Sequence[Any]) -> bool:
            if not wanted.issuperset(map(type, values)):
                return False
            for get, part in parts:
                try:
                    found = [each for each in map(get, values) if each is not None and each is not UNSET]
                except AttributeError:  # a field of the object was deleted
                    return False
                if found and not part(found):
                    return False
            return True

        return all_exact

    def _of_optional(self, node: shapes.UnionType) -> AllExact:
        others = [each for each in node.types if not isinstance(each, shapes.NoneType)]
        if len(others) != 1 or len(others) == len(node.types):
            raise _Unsupported
        part = self.of(others[0])
        return lambda values: part([each for each in values if each is not None])


def _of_list(part: AllExact) -> AllExact:
    def all_exact(values: Sequence[Any]) -> bool:
        return {list}.issuperset(map(type, values)) and part(list(chain.from_iterable(values)))

    return all_exact
