"""Convert objects to a type by their attributes, even if some attributes are UNSET. If an object's class is not the
wanted class, but for example a subclass, msgspec reads the object's attributes. It then refuses the value UNSET,
although a field may have this value. So attributes that are UNSET are hidden from msgspec.
"""

from collections.abc import Callable, Mapping
from functools import reduce
from types import SimpleNamespace
from typing import Any, Final

from msgspec import NODEFAULT, UNSET, ValidationError, convert
from msgspec import inspect as shapes

from ropewalk.typed.descriptions import cached_by_type, described, plain
from ropewalk.typed.object_checks import check_awaited, check_objects

Hide = Callable[[Any], Any]
"""A function that returns a value whose objects lack the attributes that are UNSET; the value itself if no attribute is
UNSET."""

_WITH_ATTRIBUTES: Final = (shapes.StructType, shapes.DataclassType)
_ARRAYS: Final = (list, tuple, set, frozenset)


def convert_attributes(value: Any, kind: Any) -> Any:
    """Convert a value to a type by its attributes. Raises ValidationError for a value that does not match."""
    check_objects(value, kind)
    try:
        return convert(value, kind, from_attributes=True)
    except ValidationError:
        check_awaited(value, kind)
        hide = _hiding(kind)
        hidden = value if hide is None else hide(value)
        if hidden is value:
            raise
        return convert(hidden, kind, from_attributes=True)


def is_unset_by_default(field: shapes.Field) -> bool:
    """Whether the default of a field of a Struct or dataclass is UNSET. msgspec does not describe this default."""
    return not field.required and field.default is NODEFAULT and field.default_factory is NODEFAULT


@cached_by_type
def _hiding(kind: Any) -> Hide | None:
    return _Hiding().of(described(kind))


class _Hiding:
    """Makes the Hide functions for the parts of a type. Each class gets only one function, because a class may contain
    itself."""

    def __init__(self) -> None:
        self._of_classes: dict[Any, Hide | None] = {}

    def of(self, node: shapes.Type) -> Hide | None:
        node = plain(node)
        if isinstance(node, _WITH_ATTRIBUTES):
            return self._of_class(node)
        if isinstance(node, shapes.UnionType):
            return self._of_union(node)
        if isinstance(node, shapes.TupleType):
            return _of_tuple([self.of(each) for each in node.item_types])
        if isinstance(node, shapes.CollectionType):
            return _of_items(self.of(node.item_type))
        return _of_values(self.of(node.value_type)) if isinstance(node, shapes.DictType) else None

    def _of_class(self, node: Any) -> Hide | None:
        if node.cls in self._of_classes:
            return lambda value: self._hide(node.cls, value)
        self._of_classes[node.cls] = None
        own: Any = getattr(node.cls, "__origin__", node.cls)
        parts = {each.name: self.of(each.type) for each in node.fields}
        unset = {each.name for each in node.fields if is_unset_by_default(each)}
        if not unset and not any(parts.values()):
            return None
        keys = {each.name: each.encode_name for each in node.fields}

        def hide(value: Any) -> Any:
            if type(value) is own:  # msgspec does not read the attributes of such an object
                return value
            if isinstance(value, Mapping):
                found = {key: value[key] for key in value if key not in keys.values()}
                given = {name: value[key] for name, key in keys.items() if key in value}
            else:
                found, given = {}, {name: getattr(value, name) for name in keys if hasattr(value, name)}
            made = {
                name: hide_part(name, each) for name, each in given.items() if each is not UNSET or name not in unset
            }
            if len(made) == len(given) and all(made[name] is given[name] for name in made):
                return value
            if isinstance(value, Mapping):
                return found | {keys[name]: each for name, each in made.items()}
            return SimpleNamespace(**made)

        def hide_part(name: str, value: Any) -> Any:
            part = parts[name]
            return value if part is None else part(value)

        self._of_classes[node.cls] = hide
        return hide

    def _hide(self, cls: Any, value: Any) -> Any:
        """Hide UNSET attributes of a value whose class contains itself."""
        hide = self._of_classes[cls]
        return value if hide is None else hide(value)

    def _of_union(self, node: shapes.UnionType) -> Hide | None:
        classes = [each for each in node.types if isinstance(plain(each), _WITH_ATTRIBUTES)]
        if len(classes) > 1:  # msgspec refuses objects of other classes, which lack the tags of the members
            return None
        found = [hide for each in node.types if (hide := self.of(each)) is not None]
        return None if not found else lambda value: reduce(lambda made, hide: hide(made), found, value)


def _of_tuple(hides: list[Hide | None]) -> Hide | None:
    if not any(hides):
        return None

    def hide_each(value: Any) -> Any:
        if not isinstance(value, _ARRAYS) or len(value) != len(hides):
            return value
        made = [each if hide is None else hide(each) for each, hide in zip(value, hides, strict=True)]
        return value if all(one is other for one, other in zip(made, value, strict=True)) else made

    return hide_each


def _of_items(hide: Hide | None) -> Hide | None:
    if hide is None:
        return None

    def hide_items(value: Any) -> Any:
        if not isinstance(value, _ARRAYS):
            return value
        made = list(map(hide, value))
        return value if all(one is other for one, other in zip(made, value, strict=True)) else made

    return hide_items


def _of_values(hide: Hide | None) -> Hide | None:
    if hide is None:
        return None

    def hide_values(value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        made = {key: hide(each) for key, each in value.items()}
        return value if all(made[key] is each for key, each in value.items()) else made

    return hide_values
