"""The document: everything that describes an API, as OpenAPI 3.1 has it."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ropewalk.errors import HandlerError, describe, place
from ropewalk.openapi.bodies import body_input, request_body
from ropewalk.openapi.docstrings import summary_of
from ropewalk.openapi.operations import Operation, ids_of, operations_of
from ropewalk.openapi.options import OpenAPI
from ropewalk.openapi.parameters import parameters_of
from ropewalk.openapi.responses import kinds_in, problems_in, responses_of
from ropewalk.openapi.schemas import Direction, Schemas
from ropewalk.openapi.security import scheme_objects
from ropewalk.resource import Resource
from ropewalk.typed.values import VALUES

VERSION: Final = "3.1.1"


def document_of(root: Resource, options: OpenAPI) -> dict[str, Any]:
    """The description of the API of a tree.

    Raises HandlerError (RW219) if two operations have one operationId, or two security schemes one name.
    """
    described = bool(options.security_schemes or options.security)  # by the program itself
    operations = operations_of(root, with_security=not described)
    ids = ids_of(operations)
    _check_ids(operations, ids)
    schemas = Schemas(_kinds(operations))
    paths: dict[str, dict[str, Any]] = {}
    for operation, name in zip(operations, ids, strict=True):
        paths.setdefault(operation.template, {})[operation.method.lower()] = _operation(operation, name, schemas)
    info = {"title": options.title, "version": options.version}
    document: dict[str, Any] = {
        "openapi": VERSION,
        "info": info | ({"description": options.description} if options.description else {}),
    }
    if options.servers:
        document["servers"] = [{"url": url} for url in options.servers]
    document["paths"] = paths
    security_schemes = scheme_objects(each.security for each in operations) | dict(options.security_schemes)
    components = {"schemas": schemas.components, "securitySchemes": security_schemes}
    document["components"] = {name: value for name, value in components.items() if value}
    if options.security:
        document["security"] = [{name: list(scopes) for name, scopes in each.items()} for each in options.security]
    tags = dict.fromkeys((*options.tags, *(tag for each in operations for tag in each.options.tags)))
    if tags:
        document["tags"] = [_tag(name, options.tags.get(name)) for name in tags]
    return merged(document, options.extra)


def merged(base: dict[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of an object with the members of another. Objects in both are merged, all else is replaced."""
    result = dict(base)
    for name, value in extra.items():
        former = result.get(name)
        result[name] = merged(former, value) if isinstance(former, dict) and isinstance(value, Mapping) else value
    return result


def _operation(operation: Operation, name: str, schemas: Schemas) -> dict[str, Any]:
    options = operation.options
    made: dict[str, Any] = {}
    if options.tags:
        made["tags"] = list(options.tags)
    made |= summary_of(operation.function, options)
    made["operationId"] = name
    parameters = parameters_of(operation, schemas)
    if parameters:
        made["parameters"] = parameters
    made |= request_body(operation, schemas)
    made["responses"] = responses_of(operation, schemas)
    if operation.security.schemes:
        made["security"] = operation.security.requirements()
    if options.deprecated:
        made["deprecated"] = True
    return merged(made, options.operation)


def _kinds(operations: list[Operation]) -> Iterator[tuple[Any, Direction]]:
    """Every type that needs a schema."""
    for operation in operations:
        body = body_input(operation)
        for each in operation.inputs:
            if each.source in VALUES or each is body:
                yield each.kind, "input"
        for kind in operation.returned.content.values():
            yield kind, "output"
        for kind in kinds_in(operation.options.responses):
            yield kind, "output"
    for problem in dict.fromkeys(problem for operation in operations for problem in problems_in(operation)):
        yield problem, "output"


def _check_ids(operations: list[Operation], ids: list[str]) -> None:
    by_id: dict[str, Any] = {}
    for operation, name in zip(operations, ids, strict=True):
        function = operation.function
        if name in by_id:
            both = " and ".join(f"{describe(each)} at {place(each)}" for each in (by_id[name], function))
            what = f"{both} have the operationId {name!r}."
            raise HandlerError("RW219", what, "Give each a different one, or leave it out.")
        by_id[name] = function


def _tag(name: str, description: str | None) -> dict[str, str]:
    return {"name": name} | ({"description": description} if description else {})
