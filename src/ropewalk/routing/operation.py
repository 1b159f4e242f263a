"""The options with which a route is described in the OpenAPI document."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from ropewalk.errors import HandlerError, Named, is_int, shown
from ropewalk.routing.route_options import RouteOptions


@dataclass(frozen=True, slots=True, eq=False)
class OperationOptions:
    """The description of a route in the OpenAPI document, apart from the types of its handler."""

    summary: str | None = None
    """The summary; None for the first line of the docstring, or for the function's name if there is no docstring."""
    description: str | None = None
    """The description; None for the rest of the docstring."""
    tags: tuple[str, ...] = ()
    deprecated: bool = False
    hidden: bool = False
    """Whether the document omits the route."""
    responses: Mapping[int | str, Any] = field(default_factory=dict)
    """Responses by status, such as 404 or "4XX": a description, a type, or a Response Object of OpenAPI."""
    operation_id: str | None = None
    """The `operationId`; None for an id made from the function's name."""
    operation: Mapping[str, Any] = field(default_factory=dict)
    """Members that are merged into the finished Operation Object of OpenAPI."""


_DEFAULTS: Final = OperationOptions()
"""Shared by the routes without any option, which are most routes."""

_OPTIONS: Final = frozenset(each.name for each in fields(OperationOptions))


def operation_options(
    function: Callable[..., Any], options: RouteOptions, flags: Mapping[str, bool]
) -> OperationOptions:
    """Check the options of a route and return them. `flags` has the values of `deprecated` and `hidden` from the
    route's class. Raises HandlerError (RW219)."""
    if not options.keys() & _OPTIONS and not any(flags.values()):
        return _DEFAULTS
    where = Named(function)
    tags = tags_given(options.get("tags", ()), where)
    responses: Any = options.get("responses")
    operation = options.get("operation")
    for name, given in (("responses", responses), ("operation", operation)):
        if not (given is None or isinstance(given, Mapping)):
            raise HandlerError("RW219", f"{where} has the invalid value {name}={shown(given)}.", "Give a dict.")
    operation_id = options.get("operation_id")
    if operation_id is None:
        operation_id = (operation or {}).get("operationId")
    given_id: object = operation_id
    if given_id is not None and (not isinstance(given_id, str) or not given_id):
        raise HandlerError(
            "RW219", f"{where} has the invalid value operation_id={shown(operation_id)}.", "Give it as a str."
        )
    for status in responses or ():
        if not _is_status(status):
            remedy = 'Use a status from 100 to 599, a class such as "4XX", or "default".'
            raise HandlerError("RW219", f"{where} describes responses of the status {shown(status)}.", remedy)
    return OperationOptions(
        summary=options.get("summary"),
        description=options.get("description"),
        tags=tags,
        deprecated=options.get("deprecated", False) or flags["deprecated"],
        hidden=options.get("hidden", False) or flags["hidden"],
        responses=responses or {},
        operation_id=operation_id,
        operation=operation or {},
    )


def tags_given(tags: Iterable[str], where: object) -> tuple[str, ...]:
    """Check tags and return them as a tuple. Raises HandlerError (RW219)."""
    if isinstance(tags, str) or not isinstance(tags, Iterable):
        raise HandlerError(
            "RW219", f"{where} has the invalid value tags={shown(tags)}.", f"Write tags=[{shown(tags)}]."
        )
    given = tuple(tags)
    if not all(isinstance(each, str) for each in given):
        raise HandlerError("RW219", f"{where} has the invalid value tags={shown(given)}.", "Give each tag as a str.")
    return given


def _is_status(status: Any) -> bool:
    if is_int(status):
        return bool(100 <= status <= 599)
    if not isinstance(status, str):
        return False
    if len(status) == 3 and status[0] in "12345":
        return status[1:] == "XX" or (status.isascii() and status.isdigit())
    return status == "default"
