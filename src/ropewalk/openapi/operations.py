"""The operations of a tree: each method of each path that OpenAPI can describe."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from ropewalk.openapi.docstrings import name_of
from ropewalk.openapi.returned import Returned, returned_by
from ropewalk.openapi.security import OPEN, Security, security_of
from ropewalk.resource import Handler, Resource
from ropewalk.routing import OperationOptions, Parameter, Pattern, walk_handlers
from ropewalk.routing.patterns import SEGMENT
from ropewalk.typed.inputs import Input

METHODS: Final = frozenset(("GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH"))
"""The methods that a path item object has, without TRACE, which no route can have."""


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """A method of a path."""

    method: str
    template: str
    """The path as OpenAPI writes it."""
    parameters: tuple[Parameter, ...]
    """Those of the path, by the names that the handler and the mounts around it give them."""
    written: tuple[str, ...]
    """The names of the same in the template."""
    handler: Handler
    function: Any
    """The user's code."""
    inputs: tuple[Input, ...]
    """Those of a typed handler that are not hidden."""
    returned: Returned
    options: OperationOptions
    apps: tuple[Any, ...]
    security: Security


def operations_of(root: Resource, *, with_security: bool = True) -> list[Operation]:
    """The operations of a tree, in the order of their registration. Without `with_security`, all are open.

    OpenAPI cannot describe resources that take any method or any path below. Of two routes that differ only in the
    converters of their parameters, which OpenAPI cannot distinguish, the one that is tried first is described.
    """
    found: dict[tuple[Any, str], Operation] = {}
    templates: dict[Any, tuple[str, tuple[str, ...]]] = {}
    for served in walk_handlers(root):
        handler = served.handler
        if handler is None or served.below or served.method not in METHODS:
            continue
        if served.method == "OPTIONS" and handler.operation is None:
            continue
        options = OperationOptions() if handler.operation is None else handler.operation
        shape = tuple(None if isinstance(part, Parameter) else part for part in served.path)
        if options.hidden or (shape, served.method) in found:
            continue
        template, written = templates.setdefault(shape, _template(served.path))
        function = handler.call if handler.user_code is None else handler.user_code
        plan = handler.plan
        found[shape, served.method] = Operation(
            method=served.method,
            template=template,
            parameters=tuple(part for part in served.path if isinstance(part, Parameter)),
            written=written,
            handler=handler,
            function=function,
            inputs=() if plan is None else tuple(each for each in plan.inputs if not each.marker.hidden),
            returned=returned_by(handler, function),
            options=options,
            apps=served.apps,
            security=security_of(handler, function, served.apps) if with_security else OPEN,
        )
    return list(found.values())


def ids_of(operations: list[Operation]) -> list[str]:
    """An operationId for each: the name of the function, with the method and path if another operation has it."""
    taken = {str(each.options.operation["operationId"]) for each in operations if _has_id(each)}
    return [str(each.options.operation["operationId"]) if _has_id(each) else _take(each, taken) for each in operations]


def _has_id(operation: Operation) -> bool:
    return "operationId" in operation.options.operation


def _take(operation: Operation, taken: set[str]) -> str:
    for candidate in _candidates(operation):
        if candidate and candidate not in taken:
            taken.add(candidate)
            return candidate
    raise AssertionError("the candidates have no end")


def _candidates(operation: Operation) -> Iterator[str]:
    name = name_of(operation.function)
    if operation.handler.operation is None:  # a method of a resource, such as `render_GET`
        name = f"{type(getattr(operation.function, '__self__', None)).__name__}_{operation.method.lower()}"
    yield name
    path = re.sub(r"[^a-zA-Z0-9]+", "_", operation.template).strip("_")
    longer = "_".join(part for part in (name, operation.method.lower(), path) if part)
    yield longer
    number = 2
    while True:
        yield f"{longer}_{number}"
        number += 1


def _template(path: Pattern) -> tuple[str, tuple[str, ...]]:
    parts: list[str] = []
    names: list[str] = []
    for part in path:
        if isinstance(part, str):
            parts.append(quote(part, safe=SEGMENT))
            continue
        name = part.name or f"segment{len(names) + 1}"
        names.append(name)
        parts.append(f"{{{name}}}")
    return f"/{'/'.join(parts)}", tuple(names)
