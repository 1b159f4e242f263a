"""The operations of a resource tree: each method of each path that OpenAPI can describe."""

from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote

from ropewalk.openapi.response_bodies import Returned, returned_by
from ropewalk.openapi.security import Requirements, Security, security_by_options, security_of
from ropewalk.resource import Handler, Resource
from ropewalk.routing import OperationOptions, Parameter, Pattern, walk_handlers
from ropewalk.routing.patterns import SEGMENT
from ropewalk.typed import layers_of
from ropewalk.typed.dependent_functions import dependents_around
from ropewalk.typed.parameter_sources import Input

METHODS: Final = frozenset(("GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH"))
"""The methods that a Path Item Object can have, except TRACE, which no route can have."""


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One method of one path, as OpenAPI describes it."""

    method: str
    template: str
    """The path in OpenAPI's notation, such as "/rooms/{id}"."""
    parameters: tuple[Parameter, ...]
    """The path parameters, with the names that the handler and the mounts around it use."""
    written: tuple[str, ...]
    """The names of the path parameters as written in the template."""
    handler: Handler
    function: Any
    """The user's function that handles the operation."""
    inputs: tuple[Input, ...]
    """The inputs of a typed handler that are not hidden."""
    returned: Returned
    options: OperationOptions
    tags: tuple[str, ...]
    """The tags of the apps and mounts around the operation, outermost first, then the operation's own tags."""
    apps: tuple[Any, ...]
    security: Security
    webhook: bool = False
    """Whether the operation is a webhook: the app sends such requests instead of handling them."""


def operations_of(root: Resource, *, requirements: Requirements | None = None) -> list[Operation]:
    """The operations of a tree, in the order of their registration.

    `requirements` are the security requirements in the options of `OpenAPI`; None means that they come from
    `ropewalk.auth`. OpenAPI cannot describe resources that handle every method or every path below their own. It also
    cannot distinguish two routes that differ only in the converters of their parameters, so only the route that is
    tried first is described.
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
        if options.hidden or served.hidden or (shape, served.method) in found:
            continue
        template, written = templates.setdefault(shape, _template(served.path))
        function = handler.call if handler.user_code is None else handler.user_code
        inputs = _inputs(handler, served.apps)
        found[shape, served.method] = Operation(
            method=served.method,
            template=template,
            parameters=tuple(part for part in served.path if isinstance(part, Parameter)),
            written=written,
            handler=handler,
            function=function,
            inputs=tuple(each for each in inputs if not each.marker.hidden),
            returned=returned_by(handler, function),
            options=options,
            tags=tuple(dict.fromkeys((*served.tags, *options.tags))),
            apps=served.apps,
            security=security_of(handler, function, served.apps, inputs)
            if requirements is None
            else security_by_options(requirements, options.operation),
        )
    return list(found.values())


def _inputs(handler: Handler, apps: tuple[Any, ...]) -> tuple[Input, ...]:
    """The inputs of a typed handler and of its providers, including the providers that the apps around it register by
    name. The inputs of typed functions in the middleware are included, too."""
    plan = handler.plan
    inputs: tuple[Input, ...] = ()
    if plan is not None:
        inputs = plan.inputs if plan.bind is None else plan.bind(layers_of(apps), complete=False).inputs
    for dependent, around in dependents_around(apps, handler.middleware):
        inputs = (*inputs, *dependent.inputs_inside(around))
    return inputs


def webhooks_of(root: Resource) -> list[Operation]:
    """The webhooks of the app that has this root resource, and of the apps mounted in it."""
    app = root.tree_node.app
    found: dict[tuple[str, str], Operation] = {}
    for each in () if app is None else app.family():
        for operation in operations_of(each.webhooks.resource, requirements=()):
            webhook = replace(operation, template=operation.template.removeprefix("/"), webhook=True)
            found.setdefault((webhook.template, webhook.method), webhook)
    return list(found.values())


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
