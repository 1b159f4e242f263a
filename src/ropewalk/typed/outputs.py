"""Shape what a typed handler returns by its return annotation: fields that the annotation lacks are dropped."""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from typing import Any, Final, get_args, get_origin

import msgspec
from msgspec import convert
from msgspec import inspect as shapes
from twisted.internet.defer import Deferred

from ropewalk.errors import HandlerError, describe, place
from ropewalk.response import Response
from ropewalk.typed.inputs import plain
from ropewalk.typed.pydantic_models import has_model, shape_model

Shape = Callable[[Any], Any]

_AWAITED: Final = (Deferred, Awaitable, Coroutine)
_AS_IT_IS: Final = (Response, Iterator, AsyncIterator)
_OBJECTS: Final = (shapes.StructType, shapes.DataclassType, shapes.TypedDictType, shapes.NamedTupleType)


def returned_kind(function: Callable[..., Any]) -> Any:
    """The type that a handler returns by its annotation, without Deferred or Awaitable; `Any` if it does not say."""
    try:
        kind = inspect.signature(function, eval_str=True).return_annotation
    except NameError:
        return Any
    while get_origin(kind) in _AWAITED:
        kind = get_args(kind)[-1]
    return Any if kind is inspect.Signature.empty else kind


def shape_for(function: Callable[..., Any]) -> Shape | None:
    """What makes a value of the annotated type of a returned value. None if values are sent as they are.

    The shape raises HandlerError (RW215) for a value that does not match the annotation.
    """
    kind = returned_kind(function)
    if kind is Any or isinstance(kind, str):
        return None
    try:
        node = shapes.type_info(kind)
    except Exception:  # noqa: BLE001 - msgspec raises what it likes for types that it does not know
        return None
    where = f"{describe(function)} at {place(function)}"
    if has_model(node):
        return shape_model(kind, where)
    if not _has_object(node) or _has_foreign(node):
        return None
    exact = kind if isinstance(kind, type) and isinstance(plain(node), shapes.StructType) else None

    def shape(value: Any) -> Any:
        if type(value) is exact:
            return value
        if isinstance(value, _AS_IT_IS):
            return value
        try:
            return convert(value, kind, from_attributes=True)
        except msgspec.ValidationError as error:
            written = inspect.formatannotation(kind)
            what = f"{where} returned a value that does not match {written}: {error}."
            raise HandlerError("RW215", what) from None

    return shape


def _has_object(node: shapes.Type) -> bool:
    node = plain(node)
    if isinstance(node, shapes.UnionType):
        return any(_has_object(each) for each in node.types)
    if isinstance(node, shapes.TupleType):
        return any(_has_object(each) for each in node.item_types)
    if isinstance(node, shapes.CollectionType):
        return _has_object(node.item_type)
    if isinstance(node, shapes.DictType):
        return _has_object(node.value_type)
    return isinstance(node, _OBJECTS)


def _has_foreign(node: shapes.Type) -> bool:
    node = plain(node)
    if isinstance(node, shapes.UnionType):
        return any(_has_foreign(each) for each in node.types)
    if isinstance(node, shapes.CollectionType):
        return _has_foreign(node.item_type)
    return isinstance(node, shapes.CustomType)
