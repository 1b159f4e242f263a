"""Collect the descriptions that a handler's own types add to its operation: the precondition `IfMatch`, the Link field
of pages, and the descriptions that your functions and types have from `describes`."""

from collections.abc import Iterator
from typing import Any, Final, get_args, get_origin

from ropewalk.middleware import HeaderParameter, MiddlewareDescription, MiddlewareResponse, description_of
from ropewalk.openapi.operations import Operation
from ropewalk.paging import CursorQuery, OffsetPage, OffsetQuery, Page
from ropewalk.typed.annotations import without_annotated
from ropewalk.typed.preconditions import PreconditionMarker

_TAG: Final = {"ETag": "The version of the resource."}
_CHANGED: Final = MiddlewareResponse(412, "`If-Match` does not have the ETag of the current version.", _TAG)
_IF_MATCH: Final = "The ETag of the version that the request changes. If another version is current, the status is 412."
_OPTIONAL: Final = MiddlewareDescription(
    parameters=(HeaderParameter("If-Match", _IF_MATCH),), headers=_TAG, responses=(_CHANGED,)
)
_REQUIRED: Final = MiddlewareDescription(
    parameters=(HeaderParameter("If-Match", _IF_MATCH),),  # not marked as required: clients may omit it and get the 428
    headers=_TAG,
    responses=(_CHANGED, MiddlewareResponse(428, "The request has no If-Match.")),
)
_LINKS: Final = MiddlewareDescription(headers={"Link": "The URLs of other pages: `first`, `prev`, `next`, `last`."})
_PAGED: Final = (CursorQuery, OffsetQuery, Page, OffsetPage)


def self_descriptions(operation: Operation) -> Iterator[MiddlewareDescription]:
    """Yield the descriptions that belong to the function of an operation, to the types of its inputs and to the types
    that it returns."""
    own = description_of(operation.function)
    if own is not None:
        yield own
    types: dict[Any, None] = {}
    for each in operation.inputs:
        if isinstance(each.marker, PreconditionMarker):
            yield _REQUIRED if each.marker.is_required else _OPTIONAL
        elif (described := description_of(each.marker)) is not None:
            yield described
        types |= dict.fromkeys(_classes_in(each.kind))
    for kind in operation.returned.kinds():
        types |= dict.fromkeys(_classes_in(kind))
    if any(issubclass(each, _PAGED) for each in types):
        yield _LINKS
    for each in types:
        if (described := description_of(each)) is not None:
            yield described


def _classes_in(kind: Any) -> Iterator[type]:
    """Yield the class of a type, or for a union the classes of its members."""
    kind = without_annotated(kind)
    origin = get_origin(kind)
    if isinstance(origin or kind, type):
        yield origin or kind
        return
    for each in get_args(kind):
        yield from _classes_in(each)
