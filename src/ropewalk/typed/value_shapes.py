"""Make functions, called shapes, that convert a value to a type: fields that the type lacks are dropped.

Pydantic converts types with pydantic models, and msgspec converts other types that it supports. A union or a container
with a class that neither supports is converted part by part, so that additional fields are dropped in the other parts.
"""

import inspect
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from msgspec import ValidationError
from msgspec import inspect as shapes

from ropewalk.errors import HandlerError, full_name
from ropewalk.json_values import unwrapped
from ropewalk.request import ExactTypes
from ropewalk.response import Response
from ropewalk.typed.annotations import without_annotated
from ropewalk.typed.attribute_conversion import convert_attributes
from ropewalk.typed.descriptions import cached_by_type, described, plain, within
from ropewalk.typed.exactness import exactness
from ropewalk.typed.invalid_values import type_of
from ropewalk.typed.mismatches import Mismatch, why_not
from ropewalk.typed.narrowing import Narrow, narrowing
from ropewalk.typed.pydantic_models import has_model, is_model, model_encoder
from ropewalk.typed.structs_with_models import shape_struct_with_models
from ropewalk.typed.type_parts import parts_of

Shape = Callable[[Any], Any]

AS_IT_IS: Final = (Response, Iterator, AsyncIterator)
"""Types of values that are sent unchanged."""
_SEQUENCES: Final = (list, Sequence, Collection, Iterable, set, frozenset, Set)
_MAPPINGS: Final = (dict, Mapping)
_WITH_FIELDS: Final = (
    shapes.StructType,
    shapes.DataclassType,
    shapes.NamedTupleType,
    shapes.TypedDictType,
)


def shape_of(kind: Any, where: object) -> Shape | None:
    """Return the function that converts a value to a type, or to JSON of the type; None if values stay unchanged.

    The value may also be an item of a list, dict or other value. `where` names the user's code in messages. Raises
    HandlerError (RW228) for a type to which values cannot be converted.
    """
    kind = without_annotated(kind)
    members = apart(kind)
    if members:
        return shape_by_class(kind, [(each, shape_of(each, where)) for each in members], where)
    node = known(kind)
    if node is None:
        return _shape_of_parts(kind, where)
    parts = parts_of(kind)
    if parts.has_model:
        encode = model_encoder(kind, where)
        if encode is None and is_model(kind):
            raise unshapeable(kind, where, "pydantic cannot make a schema of it")
        return encode or _shape_of_parts(kind, where)
    if parts.has_foreign:
        return _shape_of_parts(kind, where)
    return _shape(kind, node, where) if parts.has_object else None


def members_of(kind: Any) -> tuple[Any, ...]:
    """The members of a union; for any other type, the type itself as the only member."""
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)


def known(kind: Any) -> shapes.Type | None:
    """msgspec's description of a type; None if msgspec does not support the type."""
    if kind is Any or isinstance(kind, str):
        return None
    try:
        return described(kind)
    except Exception:  # noqa: BLE001 - msgspec raises many exception types for types that it does not support
        return None


def apart(kind: Any) -> tuple[Any, ...]:
    """The members of a union that must be converted separately, because JSON does not distinguish their values.

    Otherwise ().
    """
    members = members_of(kind)
    if Any in members or len(members) == 1:
        return ()
    parts = None if known(kind) is None else parts_of(kind)
    if parts is None or parts.has_foreign:
        several = len([each for each in members if each is not NoneType]) > 1
        return members if several or parts is None or not parts.has_model else ()
    return ()


def shape_by_class(kind: Any, members: Sequence[tuple[Any, Shape | None]], where: object) -> Shape | None:
    """Return the function that converts a value to the union member of the value's class, or else to the first member
    that the value matches. Return None if no member needs a conversion.
    """
    if all(shape is None for _, shape in members):
        return None
    by_class = [(_class_of(each), shape) for each, shape in members]

    def shape_member(value: Any) -> Any:
        value = unwrapped(value)
        if isinstance(value, AS_IT_IS) and not any(isinstance(value, base) for base, shape in by_class if shape):
            return value
        found = [each for each in by_class if isinstance(value, each[0])]
        if found:
            _, shape = min(found, key=lambda each: _distance(type(value), each[0]))
            return value if shape is None else shape(value)
        if (_NoValue, None) in by_class:
            return value
        for _, shape in by_class:
            if shape is not None:
                try:
                    return shape(value)
                except Mismatch:
                    continue
        why = why_not(value, f"{full_name(type(value))} is none of them")
        raise mismatch(kind, where, why)

    return shape_member


def mismatch(kind: Any, where: object, why: str) -> HandlerError:
    """The error for a value that does not match the annotation of the handler."""
    written = inspect.formatannotation(kind)
    return Mismatch(where, f"returned a value that does not match {written}: {why}.")


def unshapeable(kind: Any, where: object, why: str, remedy: str | None = None) -> HandlerError:
    """The error for an annotation to which values cannot be converted."""
    return HandlerError("RW228", f"{where} returns {inspect.formatannotation(kind)}: {why}.", remedy)


def _class_of(kind: Any) -> type:
    """The class of the values of a type; `_NoValue` if the type is not a class."""
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    kind = NoneType if kind is None else get_origin(kind) or kind
    if not isinstance(kind, type) or getattr(kind, "_is_protocol", False):
        return _NoValue
    return dict if hasattr(kind, "__total__") else kind


class _NoValue:
    """A class without instances, which stands for a type that is not a class: no value belongs to it."""


def _distance(kind: type, base: type) -> int:
    """The position of a base in a class's method resolution order.

    An abstract class that is not in this order comes last.
    """
    return kind.__mro__.index(base) if base in kind.__mro__ else len(kind.__mro__)


def _shape_of_parts(kind: Any, where: object) -> Shape | None:
    """Return the function that converts the items of a container which msgspec cannot convert as a whole; None for no
    change."""
    origin, arguments = get_origin(kind), get_args(kind)
    base: type = Iterable
    if (origin in _SEQUENCES and len(arguments) == 1) or (origin is tuple and arguments[-1:] == (...,)):
        make = _each_item(shape_of(arguments[0], where))
    elif origin is tuple:
        make = _each_of_tuple([shape_of(each, where) for each in arguments])
    elif origin in _MAPPINGS and len(arguments) == len(("key", "value")):
        base, make = Mapping, _each_value(shape_of(arguments[1], where))
    elif arguments and any(_has_fields(each, where) for each in arguments):
        raise unshapeable(
            kind,
            where,
            "values of this type cannot be converted to the annotated type",
            "Use list, dict, tuple or a Struct.",
        )
    else:
        return None
    if make is None:
        return None

    def shape_parts(value: Any) -> Any:
        value = unwrapped(value)
        if isinstance(value, AS_IT_IS):
            return value
        if not isinstance(value, base) or isinstance(value, str | bytes):
            why = why_not(value, f"it is {full_name(type(value))}")
            raise mismatch(kind, where, why)
        try:
            return make(value)
        except ValueError as error:  # raised for a tuple with another number of items
            raise mismatch(kind, where, str(error)) from None

    return shape_parts


def _has_fields(kind: Any, where: object) -> bool:
    """Whether values of a type are converted, because it contains fields. `kind` may be a list of types, as for the
    parameters of a Callable."""
    if isinstance(kind, list):
        return any(_has_fields(each, where) for each in kind)
    return kind is not ... and shape_of(kind, where) is not None


def _each_item(shape: Shape | None) -> Shape | None:
    return None if shape is None else lambda value: [shape(item) for item in value]


def _each_value(shape: Shape | None) -> Shape | None:
    return None if shape is None else lambda value: {key: shape(item) for key, item in value.items()}


def _each_of_tuple(found: list[Shape | None]) -> Shape | None:
    if not any(found):
        return None

    def shape_each(value: Any) -> Any:
        items = tuple(value)
        if len(items) != len(found):
            raise ValueError(f"it has {len(items)} items")
        return [item if shape is None else shape(item) for item, shape in zip(items, found, strict=True)]

    return shape_each


def _shape(kind: Any, node: shapes.Type, where: object) -> Shape:
    unshaped = _unshaped_field(kind)
    if unshaped is not None:
        shape_each = _shape_with_models(kind, node, where) if is_model(unshaped[1]) else None
        if shape_each is not None:
            return shape_each
        raise unshapeable(kind, where, f"{unshaped[0]} is {full_name(unshaped[1])}", _remedy(unshaped[1]))
    narrow, is_exact = _comparisons(kind)
    flat = narrow is None and isinstance(kind, type) and isinstance(plain(node), shapes.StructType)
    exact = kind if flat else None
    if flat:
        is_exact = None

    def shape(value: Any) -> Any:
        if type(value) is exact or (is_exact is not None and is_exact(value)):
            return value
        if isinstance(value, AS_IT_IS):
            return value
        try:
            made = convert_attributes(unwrapped(value), kind)
            return made if narrow is None else narrow(made)
        except ValidationError as error:
            raise mismatch(kind, where, why_not(value, str(error))) from None

    return shape


def _shape_with_models(kind: Any, node: shapes.Type, where: object) -> Shape | None:
    """Return the shape for a Struct that has pydantic models in its fields, or for a union, list or dict of such
    Structs. None for any other type."""
    node = plain(node)
    if not isinstance(node, shapes.StructType):
        members = members_of(kind)
        if len(members) == 1:
            return _shape_of_parts(kind, where)
        return shape_by_class(kind, [(each, shape_of(each, where)) for each in members], where)
    others = [each for each in node.fields if not has_model(each.type)]
    if any(_unshaped_field(type_of(each.type)) is not None for each in others):
        return None  # models in a Struct inside this Struct are not supported
    shape = shape_struct_with_models(node, lambda each: model_encoder(each, where))
    if shape is None:
        return None

    def shape_struct(value: Any) -> Any:
        if isinstance(value, AS_IT_IS):
            return value
        try:
            return shape(value)
        except ValidationError as error:
            raise mismatch(kind, where, why_not(value, str(error))) from None

    return shape_struct


@cached_by_type
def _comparisons(kind: Any) -> tuple[Narrow | None, ExactTypes | None]:
    """The function that drops additional fields from values of a type, and the function that finds out whether a value
    has exactly the type. Each may be None."""
    node = described(kind)
    return narrowing(node), exactness(node)


@cached_by_type
def _unshaped_field(kind: Any) -> tuple[str, type] | None:
    """The name and class of a field that msgspec cannot convert, so it would be sent unchanged or not at all. None if
    there is no such field.
    """
    classes = [each for each in within(described(kind)) if isinstance(each, _WITH_FIELDS)]
    seen: set[Any] = set()
    while classes:
        own: Any = classes.pop()
        if own.cls in seen:
            continue
        seen.add(own.cls)
        for field in own.fields:
            for part in within(field.type):
                if isinstance(part, _WITH_FIELDS):
                    classes.append(part)
                elif isinstance(part, shapes.CustomType) and part.cls is not object:
                    return f"{getattr(own.cls, '__name__', own.cls)}.{field.name}", part.cls
    return None


def _remedy(foreign: type) -> str:
    if is_model(foreign):
        return (
            "A model of pydantic can be in a field of a Struct that is returned, but not of a Struct within that, and "
            "not of a dataclass. Make both models of pydantic, or neither."
        )
    if issubclass(list, foreign):
        return "Use list or Sequence, whose items are converted to their type."
    return "Use types that msgspec supports, a dataclass or a Struct."
