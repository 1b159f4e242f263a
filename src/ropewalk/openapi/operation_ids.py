"""Choose the `operationId` of each operation. Code generators name functions after it."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ropewalk.errors import HandlerError, describe, named, place, shown
from ropewalk.openapi.docstrings import name_of
from ropewalk.openapi.operations import Operation

NameOperation = Callable[[str, str, str], str]
"""A function that takes the handler's name, the method and the path, and returns the `operationId`."""


def ids_of(operations: Sequence[Operation], name_operation: NameOperation | None = None) -> list[str]:
    """The operationId of each operation: the id that its route gives, or else the id that `name_operation` returns.
    Without `name_operation`, it is the function's name, followed by the method and path if another operation has the
    same function name.

    Raises HandlerError (RW219) if two operations have the same operationId, or if `name_operation` does not return a
    str.
    """
    taken = {name for each in operations if (name := each.options.operation_id) is not None}
    ids = [
        each.options.operation_id or (_take(each, taken) if name_operation is None else _named_by(name_operation, each))
        for each in operations
    ]
    _check(operations, ids)
    return ids


def _named_by(name_operation: NameOperation, operation: Operation) -> str:
    made: Any = name_operation(_name(operation), operation.method, operation.template)
    if not isinstance(made, str) or not made:
        what = f"{named(name_operation)} returned {shown(made)} as an operationId."
        raise HandlerError("RW219", what, "Return a str.")
    return made


def _check(operations: Sequence[Operation], ids: list[str]) -> None:
    by_id: dict[str, Operation] = {}
    for operation, name in zip(operations, ids, strict=True):
        former = by_id.setdefault(name, operation)
        if former is not operation:
            both = " and ".join(_written(each) for each in (former, operation))
            what = f"{both} have the operationId {name!r}."
            raise HandlerError("RW219", what, "Give each route a different operation_id, or none.")


def _written(operation: Operation) -> str:
    function = operation.function
    return f"{describe(function)} at {place(function)} ({operation.method} {operation.template})"


def _take(operation: Operation, taken: set[str]) -> str:
    for candidate in _candidates(operation):
        if candidate and candidate not in taken:
            taken.add(candidate)
            return candidate
    raise AssertionError("unreachable: `_candidates` yields names without end")


def _name(operation: Operation) -> str:
    if operation.handler.operation is None:  # the handler is a method of a resource, such as `render_GET`
        return f"{type(getattr(operation.function, '__self__', None)).__name__}_{operation.method.lower()}"
    return name_of(operation.function)


def _candidates(operation: Operation) -> Iterator[str]:
    name = _name(operation)
    yield name
    path = re.sub(r"[^a-zA-Z0-9]+", "_", operation.template).strip("_")
    longer = "_".join(part for part in (name, operation.method.lower(), path) if part)
    yield longer
    number = 2
    while True:
        yield f"{longer}_{number}"
        number += 1
