"""Find out whether a value and all its parts have exactly the classes that a type names, so that no fields need to be
dropped.

Most handlers return such values. The check takes a fraction of the time that msgspec needs to convert them.
"""

from typing import Any

from msgspec import UNSET
from msgspec import inspect as shapes

from ropewalk.request import ExactTypes
from ropewalk.typed.descriptions import plain
from ropewalk.typed.narrowing import has_object

_Node = tuple[type, bool, list[tuple[str, int]], int | None]


def exactness(node: shapes.Type) -> ExactTypes | None:
    """Return a function that finds out whether a value is exactly of a type, so that `narrowing` would not change it.

    Return None for a type that has parts other than Structs, lists and None.
    """
    nodes = _Nodes()
    try:
        nodes.add(node)
    except _Unsupported:
        return None
    return ExactTypes(nodes.found, UNSET)


class _Unsupported(Exception):
    """A part of a type is not supported, so values of the type must be converted in any case."""


class _Nodes:
    """Makes the nodes of `ExactTypes`. A node has the class of a value, whether the value may also be None, the fields
    of a Struct with the numbers of their nodes, and for a list the number of the node of its items.

    A class has at most two nodes: one for values that may be None, and one for all others. If the class occurs again,
    its node is used again, because a class may contain itself.
    """

    def __init__(self) -> None:
        self.found: list[_Node] = []
        self._numbers: dict[tuple[type, bool], int] = {}

    def add(self, node: shapes.Type, *, optional: bool = False) -> int:
        """Add the nodes of a type. Return the number of the first node."""
        node = plain(node)
        if isinstance(node, shapes.StructType) and isinstance(node.cls, type):  # not a generic class with arguments
            return self._add_struct(node, optional)
        if isinstance(node, shapes.ListType) and node.min_length is None and node.max_length is None:
            number = len(self.found)
            self.found.append((list, optional, [], None))
            self.found[number] = (list, optional, [], self.add(node.item_type))
            return number
        if isinstance(node, shapes.UnionType):
            others = [each for each in node.types if not isinstance(each, shapes.NoneType)]
            if len(others) == 1 < len(node.types):
                return self.add(others[0], optional=True)
        raise _Unsupported

    def _add_struct(self, node: shapes.StructType, optional: bool) -> int:
        key: Any = (node.cls, optional)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.found)
            fields: list[tuple[str, int]] = []
            self.found.append((node.cls, optional, fields, None))
            fields += [(each.name, self.add(each.type)) for each in node.fields if has_object(each.type)]
        return number
