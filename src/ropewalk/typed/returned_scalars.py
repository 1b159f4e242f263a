"""Encode numbers, dates, UUIDs and enums as JSON, if the return annotation of a handler has them."""

from collections.abc import Callable
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Final
from uuid import UUID

from msgspec import ValidationError, convert
from msgspec import inspect as shapes

from ropewalk.json_values import EncodedJSON
from ropewalk.response import to_json
from ropewalk.typed.descriptions import plain
from ropewalk.typed.mismatches import FORGOTTEN_RETURN
from ropewalk.typed.value_shapes import Shape, known, mismatch

_SCALARS: Final = (int, float, Decimal, date, time, timedelta, UUID, Enum)
_DESCRIPTIONS: Final = (
    shapes.BoolType,
    shapes.IntType,
    shapes.FloatType,
    shapes.DecimalType,
    shapes.DateType,
    shapes.DateTimeType,
    shapes.TimeType,
    shapes.TimeDeltaType,
    shapes.UUIDType,
    shapes.EnumType,
    shapes.LiteralType,
)


def allows_scalar(kind: Any) -> bool:
    """Whether a value of a type may itself be a number, a date, a UUID or an enum."""
    return any(isinstance(each, _DESCRIPTIONS) for each in _members(kind))


def _members(kind: Any) -> list[shapes.Type]:
    node = known(kind)
    if node is None:
        return []
    node = plain(node)
    return [plain(each) for each in (node.types if isinstance(node, shapes.UnionType) else (node,))]


def shape_scalars(shape: Shape | None, kind: Any, where: object) -> Shape:
    """Return a function that encodes numbers, dates, UUIDs and enums as JSON, and passes other values to `shape`."""
    allows_int = any(isinstance(each, shapes.IntType) for each in _members(kind))
    allows_none = any(isinstance(each, shapes.NoneType) for each in _members(kind))
    check: Callable[[Any], Any] = shape or (lambda value: convert(value, kind))

    def shape_scalar(value: Any) -> Any:
        if isinstance(value, _SCALARS) and not isinstance(value, str):
            try:
                made = check(value)
            except ValidationError as error:
                if not (type(value) is bool and allows_int):
                    raise mismatch(kind, where, str(error)) from None
                made = int(value)  # type checkers allow a bool for int
            return EncodedJSON(to_json(made), made)
        if value is None and not allows_none:
            raise mismatch(kind, where, FORGOTTEN_RETURN)
        return value if shape is None else shape(value)

    return shape_scalar
