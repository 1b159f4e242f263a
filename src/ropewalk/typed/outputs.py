"""Convert the value that a typed handler returns to the handler's return annotation: fields that the annotated type
lacks are dropped. A function that does this is called a shape.
"""

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from functools import lru_cache
from types import GenericAlias, NoneType, UnionType
from typing import Any, Final, get_args, get_origin

from twisted.internet.defer import Deferred

from ropewalk.errors import HandlerError, Named
from ropewalk.response import Response, to_json
from ropewalk.typed.annotations import evaluated, evaluated_signature, resolved, without_alias, without_annotated
from ropewalk.typed.item_streams import ServerSentEvent, item_kind, stream_of
from ropewalk.typed.mismatches import FORGOTTEN_RETURN, SOME_HANDLER
from ropewalk.typed.response_shapes import Declared, declared_responses, response_shape
from ropewalk.typed.returned_scalars import allows_scalar, shape_scalars
from ropewalk.typed.shared_parameters import MOST, key_of
from ropewalk.typed.type_parts import parts_of
from ropewalk.typed.value_shapes import Shape, apart, known, members_of, mismatch, shape_by_class, shape_of

_AWAITED: Final = (Deferred, Awaitable, Coroutine)
_PARTS: Final = (bytes, str, Any, bytes | str)
"""The item types of streams whose items are sent unchanged."""
_CONTAINERS: Final = (list, tuple, dict, set, frozenset)
_shared: Final[dict[Hashable, tuple[Any, Shape | None]]] = {}
"""The shapes that handlers share, by the key of the annotation. The key has ids of objects in the annotation. The
annotation is kept with its shape, so that no new object can get one of these ids.
"""


def returned_kind(function: Callable[..., Any], signature: inspect.Signature | None = None) -> Any:
    """The return annotation of a handler, without Deferred or Awaitable; `Any` if there is none.

    `signature` is the function's signature, if the caller has evaluated it already.
    """
    kind = _annotated_kind(function, signature)
    return Any if isinstance(kind, str) else kind


def shape_for(
    function: Callable[..., Any], content_type: str | None = None, signature: inspect.Signature | None = None
) -> Shape | None:
    """Return the function that converts a returned value to the return annotation. None if values are sent unchanged.

    The items of an iterator are sent as JSON lines, or as events if the Content-Type is `text/event-stream`. The
    function raises Mismatch (RW215) for a value that does not match the annotation. Its caller must catch this
    exception and add the name of the handler. `shape_for` raises HandlerError (RW228) for an annotation that cannot be
    evaluated, or to which values cannot be converted.
    """
    kind = _annotated_kind(function, signature)
    if kind is Any:
        return None
    if isinstance(kind, str):
        what = f"{Named(function)} has the return annotation {kind!r}, which cannot be evaluated."
        raise HandlerError("RW228", what)
    if not _is_shared(kind):
        return shape_of_returned(kind, Named(function), content_type)
    key = key_of(kind)
    if key not in _shared:
        try:
            shape = shape_of_returned(kind, SOME_HANDLER)
        except HandlerError:
            return shape_of_returned(kind, Named(function))  # raises the same error with the handler's name
        if len(_shared) >= MOST:
            _shared.clear()
        _shared[key] = kind, shape
    return _shared[key][1]


def _is_shared(kind: Any) -> bool:
    """Whether handlers with this annotation share its shape. Handlers that return streams do not: a stream raises its
    errors while it is sent, and no code there could add the name of the handler.
    """
    if isinstance(kind, type):
        return item_kind(kind) is None and not issubclass(kind, Response)
    if isinstance(kind, UnionType) or (isinstance(kind, GenericAlias) and kind.__origin__ in _CONTAINERS):
        return all(_is_shared(each) for each in kind.__args__ if each is not ...)
    return False


def shape_of_returned(kind: Any, where: object, content_type: str | None = None) -> Shape | None:
    """Return the function that converts a returned value to a type; None if values are sent unchanged."""
    kind = without_annotated(kind)
    declared = declared_responses(kind)
    if declared:
        return _shape_of_responses(kind, declared, where, content_type)
    items = item_kind(kind)
    if items is not None:
        return None if items in _PARTS else stream_of(_encoder(items, where), content_type)
    members = apart(kind)
    if members:
        shapes_of_members = [(each, shape_of_returned(each, where, content_type)) for each in members]
        return shape_by_class(kind, shapes_of_members, where)
    shape = shape_of(kind, where)
    if allows_scalar(kind):
        shape = shape_scalars(shape, kind, where)
    if shape is None or known(kind) is None or not parts_of(kind).has_model:
        return shape
    allows_none = NoneType in members_of(kind)

    def shape_model(value: Any) -> Any:
        if value is None and not allows_none:
            raise mismatch(kind, where, FORGOTTEN_RETURN)
        # Otherwise, pydantic would refuse a Response, and None would be sent as the text `null`.
        return value if value is None or isinstance(value, Response) else shape(value)

    return shape_model


def shape_of_body(cls: type, kind: Any) -> Shape | None:
    """Return the function that converts the body of `cls[kind](...)`, where `cls` is a class of responses.

    Raises HandlerError (RW228).
    """
    try:
        hash(kind)
    except TypeError:  # raised if `kind` has unhashable metadata
        return _shape_of_body.__wrapped__(cls, kind)
    return _shape_of_body(cls, kind)


@lru_cache(maxsize=512)
def _shape_of_body(cls: type, kind: Any) -> Shape | None:
    return shape_of_returned(kind, f"{cls.__name__}[{inspect.formatannotation(kind)}]")


def _shape_of_responses(kind: Any, declared: Declared, where: object, content_type: str | None) -> Shape:
    by_status = {status: shape_of_returned(each, where, content_type) for status, each in declared.bodies.items()}
    values = None if declared.values is None else shape_of_returned(declared.values, where, content_type)
    return response_shape(kind, declared, by_status, values, where)


def _annotated_kind(function: Callable[..., Any], signature: inspect.Signature | None = None) -> Any:
    """Like `returned_kind`, but returns a str if the annotation has names that do not exist at run time."""
    signature = signature or evaluated_signature(function)
    if signature.return_annotation is inspect.Signature.empty:
        return Any
    kind = evaluated(signature.return_annotation, function)
    if isinstance(kind, type):
        return kind
    if not isinstance(kind, str):
        try:
            kind = resolved(kind, function)
        except NameError:
            return inspect.formatannotation(kind)
    kind = without_alias(kind)
    while get_origin(kind) in _AWAITED:
        kind = without_alias(get_args(kind)[-1])
    return kind


def _encoder(kind: Any, where: object) -> Callable[[Any], bytes]:
    """Return a function that converts an item of a stream to JSON."""
    shape = None if kind is ServerSentEvent else shape_of(kind, where)
    return to_json if shape is None else lambda item: to_json(shape(item))
