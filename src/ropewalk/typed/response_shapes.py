"""Convert the bodies of a handler's responses to the annotated types: `-> Response[Room]`, `-> Created[Room] |
NotFound`.

If the annotation has a class for the response's status, such as `Created[Room]`, its type is used. Otherwise, the type
of `Response[T]` is used.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar, Union, get_args, get_origin

from ropewalk.errors import full_name
from ropewalk.response import REDIRECTS, Response
from ropewalk.statuses import StatusResponse
from ropewalk.typed.annotations import without_annotated
from ropewalk.typed.object_checks import unawaited
from ropewalk.typed.value_shapes import Shape, members_of, mismatch

ANY_STATUS: Final = 0
"""The key for `Response[T]`, which may have any status."""
_ELSEWHERE: Final = (304, *REDIRECTS)
"""Statuses that an annotation need not declare, because these responses have no body of their own."""


@dataclass(frozen=True, slots=True)
class Declared:
    """The response types that an annotation declares."""

    bodies: Mapping[int, Any]
    """The types of the bodies by status; None for no body."""
    values: Any
    """The type of values that may be returned instead of a response; None if the annotation has only responses."""
    others: bool
    """Whether the annotation has `Response` without a type, so that any response is allowed."""


def declared_responses(kind: Any) -> Declared | None:
    """The responses that an annotation declares; None if it declares neither a body type nor a status."""
    bodies: dict[int, Any] = {}
    values = []
    others = False
    for member in map(without_annotated, members_of(kind)):
        origin = get_origin(member) or member
        if not (isinstance(origin, type) and issubclass(origin, Response)):
            values.append(member)
            continue
        status = origin.fixed_status if issubclass(origin, StatusResponse) else ANY_STATUS
        body = _body_of(member, origin)
        if status == ANY_STATUS and body is Any:
            others = True
        else:
            bodies[status] = Union[bodies[status], body] if status in bodies else body  # noqa: UP007 - at run time
    if not bodies:
        return None
    return Declared(bodies, Union[tuple(values)] if values else None, others)  # noqa: UP007 - as above


def _body_of(member: Any, origin: type[Response]) -> Any:
    """The body type of `Response[T]`, or of a class that derives from it; Any if the annotation has no body type."""
    for arguments in (get_args(member), *(get_args(base) for cls in origin.__mro__ for base in _typed_bases(cls))):
        if arguments and not isinstance(arguments[0], TypeVar):
            return arguments[0]
    return Any


def _typed_bases(cls: type) -> Iterator[Any]:
    for base in vars(cls).get("__orig_bases__", ()):
        own = get_origin(base)
        if isinstance(own, type) and issubclass(own, Response):
            yield base


def response_shape(
    kind: Any, declared: Declared, by_status: Mapping[int, Shape | None], values: Shape | None, where: object
) -> Shape:
    """Return the function that converts a returned response according to its status, and any other value to
    `declared.values`.

    The function raises HandlerError (RW215) for a response that the annotation does not declare.
    """

    def shape_returned(value: Any) -> Any:
        if isinstance(value, Response):
            return shape_response(value)
        if declared.values is None and not declared.others:
            raise mismatch(kind, where, unawaited(value) or f"{full_name(type(value))} is not a Response")
        return value if values is None else values(value)

    def shape_response(response: Response) -> Response:
        status = response.status
        if status in by_status:
            return _shaped(response, by_status[status])
        if declared.others or (status in _ELSEWHERE and response.body == b""):
            return response
        if ANY_STATUS in by_status:
            return _shaped(response, by_status[ANY_STATUS])
        if declared.values is not None and status == 200:
            return _shaped(response, values)
        raise mismatch(kind, where, f"it has no response of status {status}")

    return shape_returned


def _shaped(response: Response, shape: Shape | None) -> Response:
    """A response whose body is converted by `shape`."""
    value = response.value
    if shape is None or (isinstance(value, bytes) and not value):
        return response
    made = shape(value)
    if made is value:
        return response
    if isinstance(made, Response):  # a stream is converted to a Response
        streamed = response.detached()
        streamed.body = made.body
        streamed.headers.setdefault("content-type", made.headers["content-type"])
        return streamed
    return response.with_value(made)
