"""Shape what a typed handler returns by its return annotation: fields that the annotation lacks are dropped."""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from typing import Any, Final, get_args, get_origin

import msgspec
from msgspec import convert
from msgspec import inspect as shapes
from twisted.internet.defer import Deferred

from ropewalk.errors import HandlerError, describe, place
from ropewalk.response import Response, to_json
from ropewalk.typed.inputs import plain
from ropewalk.typed.item_streams import ServerSentEvent, item_kind, stream_of
from ropewalk.typed.pydantic_models import has_model, model_encoder, shape_model

Shape = Callable[[Any], Any]

_AWAITED: Final = (Deferred, Awaitable, Coroutine)
_AS_IT_IS: Final = (Response, Iterator, AsyncIterator)
_PARTS: Final = (bytes, str, Any, bytes | str)
"""The types of the items of streams that are sent as they are."""
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


def shape_for(function: Callable[..., Any], content_type: str | None = None) -> Shape | None:
    """What makes a value of the annotated type of a returned value. None if values are sent as they are.

    The items of an iterator are sent as JSON lines, or as events if that is the Content-Type. The shape raises
    HandlerError (RW215) for a value that does not match the annotation.
    """
    kind = returned_kind(function)
    where = f"{describe(function)} at {place(function)}"
    items = item_kind(kind)
    if items is not None:
        return None if items in _PARTS else stream_of(_encoder(items, where), content_type)
    node = _described(kind)
    if node is None:
        return None
    if has_model(node):
        return shape_model(kind, where)
    return _shape(kind, node, where) if _has_object(node) and not _has_foreign(node) else None


def _encoder(kind: Any, where: str) -> Callable[[Any], bytes]:
    """What makes the JSON of an item of a stream."""
    node = _described(kind)
    if node is not None and has_model(node):
        return model_encoder(kind, where)
    if node is None or kind is ServerSentEvent or not _has_object(node) or _has_foreign(node):
        return to_json
    shape = _shape(kind, node, where)
    return lambda item: to_json(shape(item))


def _described(kind: Any) -> shapes.Type | None:
    """The description of a type; None for what msgspec does not know."""
    if kind is Any or isinstance(kind, str):
        return None
    try:
        return shapes.type_info(kind)
    except Exception:  # noqa: BLE001 - msgspec raises what it likes for types that it does not know
        return None


def _shape(kind: Any, node: shapes.Type, where: str) -> Shape:
    exact = kind if isinstance(kind, type) and isinstance(plain(node), shapes.StructType) else None

    def shape(value: Any) -> Any:
        if type(value) is exact or isinstance(value, _AS_IT_IS):
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
