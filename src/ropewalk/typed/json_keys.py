"""Find out whether a type has parts that take any value. In a MessagePack body, such a part could have dict keys that
JSON cannot have, so the keys of the body must be checked.
"""

from collections.abc import Iterator
from typing import Any, Final

from msgspec import inspect as shapes

from ropewalk.typed.descriptions import cached_by_type, described, within

_NOT_IN_JSON: Final = (shapes.NoneType, shapes.BoolType, shapes.CollectionType, shapes.TupleType, shapes.StructType)
"""Types of dict keys that MessagePack allows but JSON does not. If an annotation names such a key type, the handler
expects these keys, so no keys are refused.
"""


@cached_by_type
def takes_any_keys(kind: Any) -> bool:
    """Whether a part of a type takes any value, and no annotation in it names a key type that JSON cannot have."""
    found = list(_parts(described(kind)))
    named = (part for each in found if isinstance(each, shapes.DictType) for part in within(each.key_type, keys=True))
    if any(isinstance(each, _NOT_IN_JSON) for each in named):
        return False
    return any(isinstance(each, shapes.AnyType | shapes.CustomType) for each in found)


def _parts(node: shapes.Type) -> Iterator[shapes.Type]:
    """Yield all parts of a type, including those in the fields of its classes."""
    left, seen = [node], set()
    while left:
        for each in within(left.pop(), keys=True):
            yield each
            own: Any = each
            fields = getattr(own, "fields", ())
            if fields and own.cls not in seen:
                seen.add(own.cls)
                left += [field.type for field in fields]
