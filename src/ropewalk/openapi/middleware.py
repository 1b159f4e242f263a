"""Collect the descriptions that middleware, and the types of an operation, add to the operation."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from ropewalk.middleware import MiddlewareDescription, description_of
from ropewalk.openapi.form_bodies import form_inputs
from ropewalk.openapi.operations import Operation
from ropewalk.openapi.request_bodies import body_input
from ropewalk.openapi.self_described import self_descriptions


class Added(NamedTuple):
    """The description that one middleware adds to an operation."""

    description: MiddlewareDescription
    apps: tuple[Any, ...]
    """The apps whose error handlers receive the middleware's errors, outermost first."""


def added_by_middleware(operation: Operation) -> Iterator[Added]:
    """Yield an Added for each middleware around an operation, outermost first, and then for the types of the
    operation."""
    apps = operation.apps
    for depth, app in enumerate(apps, 1):
        for middleware in app.middlewares:
            yield from _added(middleware, operation, apps[:depth])
    for middleware in operation.handler.middleware:
        yield from _added(middleware, operation, apps)
    yield from (Added(each, apps) for each in self_descriptions(operation) if _applies(each, operation))


def header_parameters(operation: Operation) -> Iterator[dict[str, Any]]:
    """Yield a parameter object for each header field that middleware reads."""
    for added in added_by_middleware(operation):
        for each in added.description.parameters:
            made: dict[str, Any] = {"name": each.name, "in": "header"}
            if each.description:
                made["description"] = each.description
            if each.required:
                made["required"] = True
            yield made | {"schema": dict(each.schema)}


def _added(middleware: Any, operation: Operation, apps: tuple[Any, ...]) -> Iterator[Added]:
    description = description_of(middleware)
    if description is not None and _applies(description, operation):
        yield Added(description, apps)


def _applies(description: MiddlewareDescription, operation: Operation) -> bool:
    if description.methods is not None and operation.method not in description.methods:
        return False
    return not description.with_body or body_input(operation) is not None or bool(form_inputs(operation))
