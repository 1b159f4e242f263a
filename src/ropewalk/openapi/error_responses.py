"""Describe the responses to refused requests. A request is refused if its input is invalid, if a middleware responds,
if the client may not call the operation, or if the handler raises an HTTPError."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ropewalk.calling import format_of
from ropewalk.calling.error_handlers import find_error_handler
from ropewalk.converters import BY_TYPE, PATH, STR
from ropewalk.errors import HTTPError, phrase
from ropewalk.openapi.form_bodies import form_inputs
from ropewalk.openapi.middleware import added_by_middleware
from ropewalk.openapi.operations import Operation
from ropewalk.openapi.problem_details import InvalidInputProblem, Problem
from ropewalk.openapi.request_bodies import body_input, is_raw
from ropewalk.typed.annotations import without_annotated
from ropewalk.typed.parameter_sources import Input, is_form_data
from ropewalk.typed.patches import JSONPatch
from ropewalk.typed.patches.kinds import patch_kinds
from ropewalk.typed.submitted import is_submitted
from ropewalk.typed.unprocessable_content import InvalidInput

_CHALLENGE: Final = {"WWW-Authenticate": "How to authenticate."}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A response to a refused request: it is sent instead of the handler's response, or for an HTTPError that the
    handler raises."""

    status: int
    description: str
    body: Any
    """The type of the problem details; str for plain text; None for no body, or for a body that an error handler
    makes."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Descriptions of the header fields, by name."""


def refusals_of(operation: Operation) -> Iterator[Refusal]:
    """Yield the refusals of an operation. Several may have the same status.

    A webhook has none, because its receiver responds to it.
    """
    if operation.webhook:
        return
    outside = headers_on_errors(operation)
    for error in _errors(operation):
        body = refused_body(error, operation.apps)
        headers = _CHALLENGE if error.status == 401 and body is not None else {}
        yield Refusal(error.status, phrase(error.status), body, {**headers, **outside})
    outside = {}
    for added in added_by_middleware(operation):
        for each in added.description.responses:
            is_error = each.status >= 400
            body = refused_body(HTTPError(each.status), added.apps) if is_error else None
            by_error_handler = is_error and body is None
            text = each.description or phrase(each.status)
            yield Refusal(each.status, text, body, {**({} if by_error_handler else each.headers), **outside})
        if added.description.headers_on_errors:
            outside |= added.description.headers


def headers_on_errors(operation: Operation) -> dict[str, str]:
    """The header fields that middleware adds to every response, including error responses: descriptions by name."""
    found: dict[str, str] = {}
    for added in added_by_middleware(operation):
        if added.description.headers_on_errors:
            found |= added.description.headers
    return found


def refused_body(error: HTTPError, apps: tuple[Any, ...]) -> Any:
    """The value of `Refusal.body` for an error that is raised inside `apps`, whose error handlers may respond to it."""
    if find_error_handler(error, apps)[0] is not None:
        return None
    if isinstance(error, InvalidInput):
        return InvalidInputProblem
    return str if format_of(apps) == "text" else Problem


def _errors(operation: Operation) -> Iterator[HTTPError]:
    """Yield the errors with which a request is refused before the handler is called."""
    yield from operation.security.errors
    if operation.handler.plan is not None and operation.handler.plan.representations is not None:
        yield HTTPError(406)
    converted = any(each.source == "path" and without_annotated(each.kind) in BY_TYPE for each in operation.inputs)
    if converted or any(each.converter not in (STR, PATH) for each in operation.parameters):
        yield HTTPError(404)
    body = body_input(operation)
    if body is not None:
        if body.kind is not bytes:
            yield HTTPError(400)
        yield HTTPError(413)
        yield HTTPError(415)
        if any(issubclass(each.patch, JSONPatch) for each in patch_kinds(body.kind)):
            yield HTTPError(409)
    forms = form_inputs(operation)
    if forms:
        yield HTTPError(400)
        yield HTTPError(413)
        yield HTTPError(415)
    made = {each.name: each.converter.makes for each in operation.parameters}
    others = [each for each in operation.inputs if each.source not in ("body", "form") or each is body]
    if any(_can_be_invalid(each, made) for each in [*others, *forms]):
        yield InvalidInput([])


def _can_be_invalid(each: Input, made: dict[str, Any]) -> bool:
    """Whether an input can be refused with 422.

    `made` has the types that the converters of the path return, by parameter name.
    """
    if each.source == "body":
        return not is_raw(each)
    if each.source == "form":
        return not (is_form_data(each.kind) or is_submitted(each.kind))
    if each.source == "path":
        return each.kind not in (Any, str, *BY_TYPE) and each.kind is not made.get(each.name)
    if each.source in ("header", "cookie"):
        return each.required or each.kind is not str
    return each.source == "query"  # a client may repeat a query parameter that may occur only once
