"""Shape what a typed handler returns by its return annotation: fields that the annotation lacks are dropped."""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

import msgspec
from msgspec import convert
from msgspec import inspect as shapes
from twisted.internet.defer import Deferred

from ropewalk.errors import HandlerError, describe, full_name, place
from ropewalk.response import Response, to_json
from ropewalk.typed.annotations import evaluated, without_alias
from ropewalk.typed.descriptions import plain
from ropewalk.typed.item_streams import ServerSentEvent, item_kind, stream_of
from ropewalk.typed.narrowing import has_object, narrowing
from ropewalk.typed.pydantic_models import has_model, model_encoder, shape_model

Shape = Callable[[Any], Any]

_AWAITED: Final = (Deferred, Awaitable, Coroutine)
_AS_IT_IS: Final = (Response, Iterator, AsyncIterator)
_PARTS: Final = (bytes, str, Any, bytes | str)
"""The types of the items of streams that are sent as they are."""
_SEQUENCES: Final = (list, Sequence, Iterable)
_MAPPINGS: Final = (dict, Mapping)


def returned_kind(function: Callable[..., Any]) -> Any:
    """The type that a handler returns by its annotation, without Deferred or Awaitable; `Any` if it does not say."""
    try:
        signature = inspect.signature(function, eval_str=True)
    except NameError:  # an annotation may name what is imported for type checkers only
        signature = inspect.signature(function)
    kind = without_alias(evaluated(signature.return_annotation, function))
    while get_origin(kind) in _AWAITED:
        kind = without_alias(get_args(kind)[-1])
    return Any if kind is inspect.Signature.empty or isinstance(kind, str) else kind


def shape_for(function: Callable[..., Any], content_type: str | None = None) -> Shape | None:
    """What makes a value of the annotated type of a returned value. None if values are sent as they are.

    The items of an iterator are sent as JSON lines, or as events if that is the Content-Type. The shape raises
    HandlerError (RW215) for a value that does not match the annotation.
    """
    kind = returned_kind(function)
    return _shape_of_returned(kind, f"{describe(function)} at {place(function)}", content_type)


def _shape_of_returned(kind: Any, where: str, content_type: str | None) -> Shape | None:
    items = item_kind(kind)
    if items is not None:
        return None if items in _PARTS else stream_of(_encoder(items, where), content_type)
    members = _apart(kind)
    if members:
        shapes_of_members = [(each, _shape_of_returned(each, where, content_type)) for each in members]
        return _shape_by_class(kind, shapes_of_members, where)
    node = _described(kind)
    return shape_model(kind, where) if node is not None and has_model(node) else _shape_of(kind, where)


def _encoder(kind: Any, where: str) -> Callable[[Any], bytes]:
    """What makes the JSON of an item of a stream."""
    shape = None if kind is ServerSentEvent else _shape_of(kind, where)
    return to_json if shape is None else lambda item: to_json(shape(item))


def _shape_of(kind: Any, where: str) -> Shape | None:
    """What makes a value, or its JSON, of a type: alone, or as an item of another. None if values stay as they are."""
    kind = without_alias(kind)
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    members = _apart(kind)
    if members:
        return _shape_by_class(kind, [(each, _shape_of(each, where)) for each in members], where)
    node = _described(kind)
    if node is None:
        return _shape_of_items(kind, where)
    if has_model(node):
        encode = model_encoder(kind, where)
        return lambda value: msgspec.Raw(encode(value))
    return _shape(kind, node, where) if has_object(node) and not _has_foreign(node) else None


def _apart(kind: Any) -> tuple[Any, ...]:
    """The members of a union that is not read as a whole, because values of several could not be told apart in JSON."""
    if get_origin(kind) not in (Union, UnionType):
        return ()
    node = _described(kind)
    members = get_args(kind)
    if Any in members:
        return ()
    several = len([each for each in members if each is not NoneType]) > 1
    return members if several and (node is None or has_model(node) or _has_foreign(node)) else ()


def _shape_by_class(kind: Any, members: Sequence[tuple[Any, Shape | None]], where: str) -> Shape | None:
    """What shapes a value by the member of a union whose class it has; if it has none, by the first that it matches."""
    if all(shape is None for _, shape in members):
        return None
    by_class = [(_class_of(each), shape) for each, shape in members]

    def shape_member(value: Any) -> Any:
        if isinstance(value, _AS_IT_IS) and not any(isinstance(value, known) for known, shape in by_class if shape):
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
                except HandlerError as error:
                    if error.code != "RW215":
                        raise
        raise _mismatch(kind, where, f"{full_name(type(value))} is none of them")

    return shape_member


def _class_of(kind: Any) -> type:
    """The class of the values of a type; `_NoValue` for what is not a class."""
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    kind = NoneType if kind is None else get_origin(kind) or kind
    if not isinstance(kind, type) or getattr(kind, "_is_protocol", False):
        return _NoValue
    return dict if hasattr(kind, "__total__") else kind


class _NoValue:
    """A class without objects."""


def _distance(kind: type, base: type) -> int:
    """How far a base is from a class; the greatest for an abstract one of which the class only has the methods."""
    return kind.__mro__.index(base) if base in kind.__mro__ else len(kind.__mro__)


def _shape_of_items(kind: Any, where: str) -> Shape | None:
    """The shape of a list or dict of what is not described as a whole."""
    arguments = get_args(kind)
    if get_origin(kind) in _SEQUENCES and len(arguments) == 1:
        base: type = Iterable
        shape = _shape_of(arguments[0], where)
        make: Callable[[Any, Shape], Any] = _each_item
    elif get_origin(kind) in _MAPPINGS and len(arguments) == len(("key", "value")):
        base = Mapping
        shape = _shape_of(arguments[1], where)
        make = _each_value
    else:
        return None
    if shape is None:
        return None

    def shape_items(value: Any) -> Any:
        if isinstance(value, _AS_IT_IS):
            return value
        if not isinstance(value, base):
            raise _mismatch(kind, where, f"it is {full_name(type(value))}")
        return make(value, shape)

    return shape_items


def _each_item(value: Any, shape: Shape) -> Any:
    return [shape(item) for item in value]


def _each_value(value: Any, shape: Shape) -> Any:
    return {key: shape(item) for key, item in value.items()}


def _described(kind: Any) -> shapes.Type | None:
    """The description of a type; None for what msgspec does not know."""
    if kind is Any or isinstance(kind, str):
        return None
    try:
        return shapes.type_info(kind)
    except Exception:  # noqa: BLE001 - msgspec raises what it likes for types that it does not know
        return None


def _shape(kind: Any, node: shapes.Type, where: str) -> Shape:
    narrow = narrowing(node)
    flat = narrow is None and isinstance(kind, type) and isinstance(plain(node), shapes.StructType)
    exact = kind if flat else None

    def shape(value: Any) -> Any:
        if type(value) is exact or isinstance(value, _AS_IT_IS):
            return value
        try:
            made = convert(value, kind, from_attributes=True)
            return made if narrow is None else narrow(made)
        except msgspec.ValidationError as error:
            raise _mismatch(kind, where, str(error)) from None

    return shape


def _mismatch(kind: Any, where: str, why: str) -> HandlerError:
    written = inspect.formatannotation(kind)
    return HandlerError("RW215", f"{where} returned a value that does not match {written}: {why}.")


def _has_foreign(node: shapes.Type) -> bool:
    node = plain(node)
    if isinstance(node, shapes.UnionType):
        return any(_has_foreign(each) for each in node.types)
    if isinstance(node, shapes.CollectionType):
        return _has_foreign(node.item_type)
    return isinstance(node, shapes.CustomType)
