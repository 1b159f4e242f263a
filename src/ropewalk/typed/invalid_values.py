"""Find every invalid part of a value.

msgspec stops at the first invalid part. After that, this search finds all invalid parts. Each part is converted once,
so the search takes linear time.
"""

import datetime as dt
import re
from ast import literal_eval
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, NamedTuple
from uuid import UUID

import msgspec
from msgspec import Meta, inspect

from ropewalk.finite_numbers import INFINITE, is_infinite
from ropewalk.typed.unprocessable_content import MOST

INVALID: Final[Any] = object()
"""The result for a value that cannot be converted."""

CODES: Final = {
    "missing": "A required value is absent.",
    "unknown": "There is no such field.",
    "type": "The value has another type.",
    "range": "The number is too small or too large, or not a multiple.",
    "length": "The value is too short or too long.",
    "pattern": "The text does not match the pattern.",
    "choice": "The value is not one of the allowed values.",
    "format": "The text does not have the format of the type, such as a date.",
    "repeated": "The value may be given only once.",
    "invalid": "The program's own check refused the value.",
}

_PATTERNS: Final = (
    ("missing", re.compile(r"Object missing required field")),
    ("unknown", re.compile(r"Object contains unknown field")),
    ("pattern", re.compile(r"Expected `\w+` matching regex")),
    ("length", re.compile(r"Expected `[^`]+` of (at least|at most|length|min|max)|.*length")),
    ("range", re.compile(r"Expected `[^`]+` ([<>]=? |that's a multiple)|.*out of range|Integer value")),
    ("choice", re.compile(r"Invalid enum value|Invalid value ")),
    ("type", re.compile(r"Expected `")),
    ("format", re.compile(r"Invalid ")),
)
_QUOTED: Final = re.compile(r"""(Expected `\w+` matching regex )('.*'|".*")""", re.DOTALL)
_PLACE: Final = re.compile(r" - at (?:`key` in )?`\$[^`]*`$")


class Fault(NamedTuple):
    """An invalid part of a value."""

    path: tuple[str | int, ...]
    code: str
    message: str

    @property
    def pointer(self) -> str:
        """The path to the invalid part as a JSON pointer (RFC 6901)."""
        return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in self.path)


NO_FAULT: Final = Fault((), "invalid", "The value is invalid.")
"""The fault that is reported if the search finds none in an invalid value. This is possible, because msgspec may check
JSON and the decoded Python values differently.
"""


def faults_in(value: Any, kind: Any, *, strict: bool = True) -> list[Fault]:
    """List the invalid parts of a value that cannot be converted to a type: at least one, at most `MOST`."""
    search = _Search(strict)
    search.convert(value, inspect.type_info(kind), ())
    if not search.faults:
        search.convert_whole(value, kind, ())
    return search.faults or [NO_FAULT]


def fault_of(message: str, path: tuple[str | int, ...] = ()) -> Fault:
    """The fault that an error message of msgspec describes."""
    message = _PLACE.sub("", message)
    code = next((code for code, pattern in _PATTERNS if pattern.match(message)), "invalid")
    quoted = _QUOTED.fullmatch(message)
    if quoted is not None:
        message = f"{quoted[1]}`{literal_eval(quoted[2])}`"  # the repr doubles backslashes, and JSON doubles them again
    return Fault(path, code, message)


class _Search:
    """Converts a value part by part, and collects the faults."""

    def __init__(self, strict: bool) -> None:
        self.strict = strict
        self.faults: list[Fault] = []

    def convert(self, value: Any, node: inspect.Type, path: tuple[str | int, ...]) -> Any:
        """Convert a value to the type that `node` describes. Return INVALID if a part of the value is invalid."""
        if len(self.faults) >= MOST:
            return INVALID
        while isinstance(node, inspect.Metadata):
            node = node.type
        if isinstance(node, _OBJECTS) and isinstance(value, dict):
            return self._object(value, node, path)
        if isinstance(node, _ARRAYS) and isinstance(value, list | tuple):
            return self._array(value, node, path)
        if isinstance(node, inspect.DictType) and isinstance(value, dict):
            return self._dict(value, node, path)
        if isinstance(node, inspect.UnionType):
            return self._union(value, node, path)
        return self.convert_whole(value, type_of(node), path)

    def convert_whole(self, value: Any, kind: Any, path: tuple[str | int, ...]) -> Any:
        """Convert a value in one step. If that fails, record one fault for the whole value."""
        try:
            made = msgspec.convert(value, kind, strict=self.strict, str_keys=True)
        except (msgspec.DecodeError, TypeError, ValueError) as error:
            self.faults.append(fault_of(str(error), path))
            return INVALID
        if not isinstance(made, str) and is_infinite(made):
            self.faults.append(Fault(path, "range", INFINITE))
            return INVALID
        return made

    def _object(self, value: dict[Any, Any], node: Any, path: tuple[str | int, ...]) -> Any:
        found: dict[str, Any] = {}
        before = len(self.faults)
        for field in node.fields:
            if field.encode_name in value:
                here = (*path, field.encode_name)
                found[field.name] = self.convert(value[field.encode_name], field.type, here)
            elif field.required:
                self._add((*path, field.encode_name), "missing", "The field is required.")
        if getattr(node, "forbid_unknown_fields", False):
            known = {field.encode_name for field in node.fields} | {getattr(node, "tag_field", None)}
            for name in value.keys() - known:
                self._add((*path, str(name)), "unknown", "There is no field of this name.")
        if len(self.faults) > before:
            return INVALID
        return self._make(lambda: node.cls(**found), path)

    def _array(self, value: Iterable[Any], node: Any, path: tuple[str | int, ...]) -> Any:
        before = len(self.faults)
        items = list(value)
        kinds = node.item_types if isinstance(node, inspect.TupleType) else [node.item_type] * len(items)
        if isinstance(node, inspect.TupleType) and len(items) != len(kinds):
            self._add(path, "length", f"Expected `array` of length {len(kinds)}, got {len(items)}")
            return INVALID
        for limit, wrong, word in (("min_length", int.__lt__, ">="), ("max_length", int.__gt__, "<=")):
            bound = getattr(node, limit, None)
            if bound is not None and wrong(len(items), bound):
                self._add(path, "length", f"Expected `array` of length {word} {bound}")
        made = [
            self.convert(item, kind, (*path, index))
            for index, (item, kind) in enumerate(zip(items, kinds, strict=True))
        ]
        return INVALID if len(self.faults) > before else self._make(lambda: _CONTAINERS[type(node)](made), path)

    def _dict(self, value: dict[Any, Any], node: inspect.DictType, path: tuple[str | int, ...]) -> Any:
        before = len(self.faults)
        made = {}
        whole = type_of(inspect.DictType(node.key_type, inspect.AnyType(), node.min_length, node.max_length))
        keys = self.convert_whole(dict.fromkeys(value), whole, path)
        if len(self.faults) == before:
            keys = keys if len(keys) == len(value) else value  # two keys can become equal, such as "1" and "01"
            for (name, item), key in zip(value.items(), keys, strict=True):
                made[key] = self.convert(item, node.value_type, (*path, str(name)))
        return INVALID if len(self.faults) > before else made

    def _union(self, value: Any, node: inspect.UnionType, path: tuple[str | int, ...]) -> Any:
        """Convert a value to the only union member with its JSON type.

        If not exactly one member has this JSON type, convert the value in one step.
        """
        if value is None and any(isinstance(each, inspect.NoneType) for each in node.types):
            return None
        if isinstance(value, dict):
            members: list[inspect.Type] = [
                each for each in node.types if isinstance(each, (*_OBJECTS, inspect.DictType))
            ]
            if len(members) > 1:
                members = [each for each in members if _has_tag(each, value)]
        elif isinstance(value, list | tuple):
            members = [each for each in node.types if isinstance(each, _ARRAYS)]
        else:
            members = [each for each in node.types if not isinstance(each, inspect.NoneType)]
        if len(members) == 1:
            return self.convert(value, members[0], path)
        return self.convert_whole(value, type_of(node), path)

    def _make(self, make: Callable[[], Any], path: tuple[str | int, ...]) -> Any:
        """Build an object from converted parts.

        Record a fault if its own check, such as `__post_init__`, raises an exception.
        """
        try:
            return make()
        except (msgspec.DecodeError, ValueError, TypeError) as error:
            self._add(path, "invalid", str(error))
            return INVALID

    def _add(self, path: tuple[str | int, ...], code: str, message: str) -> None:
        if len(self.faults) < MOST:
            self.faults.append(Fault(path, code, message))


def _has_tag(node: Any, value: dict[Any, Any]) -> bool:
    tag_field = getattr(node, "tag_field", None)
    return tag_field is not None and value.get(tag_field) == node.tag


@lru_cache(maxsize=512)
def _constrained(kind: Any, constraints: tuple[tuple[str, Any], ...]) -> Any:
    return Annotated[kind, Meta(**dict(constraints))] if constraints else kind


def type_of(node: inspect.Type) -> Any:
    """The type to which msgspec's description belongs."""
    if isinstance(node, inspect.Metadata):
        return type_of(node.type)
    if isinstance(node, inspect.UnionType):
        union: Any = type_of(node.types[0])
        for each in node.types[1:]:
            union = union | type_of(each)
        return union
    kind: Any = _LEAVES.get(type(node))
    if kind is None:
        kind = _compound(node)
    names = ("gt", "ge", "lt", "le", "multiple_of", "min_length", "max_length", "pattern", "tz")
    given = tuple((name, bound) for name in names if (bound := getattr(node, name, None)) is not None)
    return _constrained(kind, given)


def _compound(node: Any) -> Any:
    if isinstance(node, inspect.LiteralType):
        return Literal[tuple(node.values)]
    if isinstance(node, inspect.DictType):
        return dict[type_of(node.key_type), type_of(node.value_type)]  # type: ignore[misc] # made at run time
    if isinstance(node, inspect.TupleType):
        return tuple[tuple(type_of(each) for each in node.item_types)]  # type: ignore[misc] # as above
    if isinstance(node, inspect.VarTupleType):
        return tuple[type_of(node.item_type), ...]  # type: ignore[misc] # as above
    if isinstance(node, inspect.CollectionType):
        return _CONTAINERS[type(node)][type_of(node.item_type)]
    return node.cls


_OBJECTS: Final = (inspect.StructType, inspect.DataclassType, inspect.TypedDictType)
_CONTAINERS: Final[dict[Any, Any]] = {
    inspect.ListType: list,
    inspect.SetType: set,
    inspect.FrozenSetType: frozenset,
    inspect.VarTupleType: tuple,
    inspect.TupleType: tuple,
}
_ARRAYS: Final = tuple(_CONTAINERS)
_LEAVES: Final[dict[Any, Any]] = {
    inspect.AnyType: Any,
    inspect.NoneType: type(None),
    inspect.BoolType: bool,
    inspect.IntType: int,
    inspect.FloatType: float,
    inspect.StrType: str,
    inspect.BytesType: bytes,
    inspect.ByteArrayType: bytearray,
    inspect.MemoryViewType: memoryview,
    inspect.DateTimeType: dt.datetime,
    inspect.TimeType: dt.time,
    inspect.DateType: dt.date,
    inspect.TimeDeltaType: dt.timedelta,
    inspect.UUIDType: UUID,
    inspect.DecimalType: Decimal,
    inspect.RawType: msgspec.Raw,
}
