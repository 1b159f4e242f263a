"""Build the OpenAPI 3.1 document."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from ropewalk.openapi.docstrings import summary_of
from ropewalk.openapi.form_bodies import form_body, form_inputs
from ropewalk.openapi.operation_ids import ids_of
from ropewalk.openapi.operations import Operation, operations_of, webhooks_of
from ropewalk.openapi.options import OpenAPI
from ropewalk.openapi.parameters import parameters_of
from ropewalk.openapi.patches import kinds_of_patches
from ropewalk.openapi.request_bodies import body_input, request_body
from ropewalk.openapi.responses import kinds_in, responses_of
from ropewalk.openapi.schemas import Direction, Schemas
from ropewalk.openapi.security import scheme_objects
from ropewalk.openapi.used_schemas import used_schemas
from ropewalk.resource import Resource
from ropewalk.typed import form_kind
from ropewalk.typed.parameter_sources import is_form_data
from ropewalk.typed.patches.kinds import patch_kinds
from ropewalk.typed.raw_values import VALUES

VERSION: Final = "3.1.1"


def document_of(root: Resource, options: OpenAPI) -> dict[str, Any]:
    """The OpenAPI document of a resource tree, as a dict.

    Raises HandlerError (RW219) if two operations have the same operationId, or two security schemes the same name.
    """
    described = bool(options.security_schemes or options.security)  # if so, the schemes of `ropewalk.auth` are omitted
    operations = [*operations_of(root, requirements=options.security if described else None), *webhooks_of(root)]
    ids = ids_of(operations, options.name_operation)
    schemas = Schemas(_kinds(operations))
    paths: dict[str, dict[str, Any]] = {}
    webhooks: dict[str, dict[str, Any]] = {}
    for operation, name in zip(operations, ids, strict=True):
        items = webhooks if operation.webhook else paths
        items.setdefault(operation.template, {})[operation.method.lower()] = _operation(operation, name, schemas)
    document: dict[str, Any] = {"openapi": VERSION, "info": _info(options)}
    if options.servers:
        document["servers"] = [{"url": each} if isinstance(each, str) else dict(each) for each in options.servers]
    document["paths"] = paths
    if webhooks:
        document["webhooks"] = webhooks
    security_schemes = scheme_objects(each.security for each in operations) | dict(options.security_schemes)
    document["components"] = {"securitySchemes": security_schemes} if security_schemes else {}
    if options.security:
        document["security"] = [{name: list(scopes) for name, scopes in each.items()} for each in options.security]
    tags = dict.fromkeys((*options.tags, *(tag for each in operations for tag in each.tags)))
    if tags:
        document["tags"] = [_tag(name, options.tags.get(name)) for name in tags]
    if options.external_docs:
        document["externalDocs"] = dict(options.external_docs)
    return _with_schemas(merged(document, options.extra), schemas.components)


def merged(base: dict[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of `base` with the members of `extra`.

    If both have an object with the same name, the two are merged. Other members of `extra` replace the members of
    `base`.
    """
    result = dict(base)
    for name, value in extra.items():
        former = result.get(name)
        result[name] = merged(former, value) if isinstance(former, dict) and isinstance(value, Mapping) else value
    return result


def _info(options: OpenAPI) -> dict[str, Any]:
    others = {
        "description": options.description,
        "termsOfService": options.terms_of_service,
        "contact": dict(options.contact),
        "license": dict(options.license),
    }
    info = {"title": options.title, "version": options.version}
    return info | {name: value for name, value in others.items() if value}


def _with_schemas(document: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """Add the schemas that the document uses. Schemas that `extra` has put into the document are merged into them."""
    used = used_schemas(document, schemas)
    if used:
        document["components"] = merged({"schemas": used}, document["components"])
    return document


def _operation(operation: Operation, name: str, schemas: Schemas) -> dict[str, Any]:
    options = operation.options
    made: dict[str, Any] = {}
    if operation.tags:
        made["tags"] = list(operation.tags)
    made |= summary_of(operation.function, options)
    made["operationId"] = name
    parameters = parameters_of(operation, schemas)
    if parameters:
        made["parameters"] = parameters
    made |= request_body(operation, schemas) or form_body(operation, schemas)
    made["responses"] = responses_of(operation, schemas)
    if operation.security.schemes:
        made["security"] = operation.security.requirements()
    if options.deprecated:
        made["deprecated"] = True
    extra = dict(options.operation)
    if "parameters" in extra:
        extra["parameters"] = _merged_parameters(parameters, extra["parameters"])
    return merged(made, extra)


def _merged_parameters(own: list[dict[str, Any]], given: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Merge each parameter in `given` into the parameter in `own` that has the same `in` and `name`. Append the other
    parameters."""
    found = {(each["in"], each["name"]): each for each in own}
    others = []
    for each in given:
        key = (each.get("in"), each.get("name"))
        if key in found:
            found[key] = merged(found[key], each)
        else:
            others.append(dict(each))
    return [*found.values(), *others]


def _kinds(operations: list[Operation]) -> Iterator[tuple[Any, Direction]]:
    """Yield every type in the operations that needs a schema, and whether it is input or output."""
    for operation in operations:
        body = body_input(operation)
        forms = form_inputs(operation)
        for each in operation.inputs:
            if each is body and patch_kinds(each.kind):
                for kind in kinds_of_patches(each):
                    yield kind, "input"
            elif each in forms and not is_form_data(each.kind):
                yield form_kind(each.kind), "input"
            elif each.source in VALUES or each is body:
                yield each.kind, "input"
        for kind in (*operation.returned.kinds(), *kinds_in(operation)):
            yield kind, "output"


def _tag(name: str, description: str | Mapping[str, Any] | None) -> dict[str, Any]:
    if isinstance(description, Mapping):
        return {"name": name, **description}
    return {"name": name} | ({"description": description} if description else {})
