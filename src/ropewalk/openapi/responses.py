"""The responses of an operation: those that the handler returns, and those to invalid input."""

from collections.abc import Iterator
from typing import Any, Final, Literal

from msgspec import Struct

from ropewalk.calling import format_of
from ropewalk.calling.error_handlers import find_error_handler
from ropewalk.errors import HTTPError, phrase
from ropewalk.openapi.bodies import body_input, is_raw
from ropewalk.openapi.operations import Operation
from ropewalk.openapi.schemas import Schema, Schemas
from ropewalk.response import JSON, PROBLEM
from ropewalk.typed.inputs import Input
from ropewalk.typed.unprocessable_content import FieldError, InvalidInput

_PLAIN: Final = "text/plain"


class Problem(Struct):
    """Problem details (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str


class InvalidInputProblem(Struct):
    """Problem details (RFC 9457) with every value at fault."""

    type: str
    title: str
    status: Literal[422]
    detail: str
    errors: list[FieldError]


def kinds_in(responses: Any) -> Iterator[Any]:
    """The types in the `responses` of a route."""
    for given in responses.values():
        kind = _model(given)
        if kind is not None:
            yield kind


def responses_of(operation: Operation, schemas: Schemas) -> dict[str, Any]:
    """The responses object of an operation."""
    found = dict(_returned(operation, schemas))
    for error in _errors(operation):
        found.setdefault(str(error.status), _error_response(operation, error, schemas))
    for status, given in operation.options.responses.items():
        found[str(status)] = {**found.get(str(status), {}), **_described(status, given, schemas)}
    return dict(sorted(found.items()))


def problems_in(operation: Operation) -> Iterator[type[Struct]]:
    """The types of the problem details that an operation sends for errors before its handler is called."""
    for error in _errors(operation):
        kind = _problem(error, operation)
        if kind is not None:
            yield kind


def _returned(operation: Operation, schemas: Schemas) -> Iterator[tuple[str, dict[str, Any]]]:
    returned, plan = operation.returned, operation.handler.plan
    status = None if plan is None else plan.status
    if returned.other:
        content = {media_type: _content(schemas, kind) for media_type, kind in returned.content.items()}
        number = status or 200
        yield str(number), {"description": phrase(number)} | ({"content": content} if content else {})
    if returned.empty and (status is None or not returned.other):
        number = status or 204
        yield str(number), {"description": phrase(number)}


def _content(schemas: Schemas, kind: Any) -> dict[str, Any]:
    if kind is bytes:
        return {}
    schema = {"type": "string"} if kind is str else schemas.of(kind, "output")
    return {"schema": schema} if schema else {}


def _errors(operation: Operation) -> Iterator[HTTPError]:
    """The errors with which a request can be refused before the handler is called."""
    yield from operation.security.errors
    body = body_input(operation)
    if body is not None:
        if body.kind is not bytes:
            yield HTTPError(400)
        yield HTTPError(415)
    made = {each.name: each.converter.makes for each in operation.parameters}
    if any(_can_be_invalid(each, made) for each in operation.inputs if each.source != "body" or each is body):
        yield InvalidInput([])


def _can_be_invalid(each: Input, made: dict[str, Any]) -> bool:
    """Whether an input can be refused with 422. `made` has what the converters of the path make."""
    if each.source == "body":
        return not is_raw(each)
    if each.source == "path":
        return each.kind not in (Any, str) and each.kind is not made.get(each.name)
    if each.source in ("header", "cookie"):
        return each.required or each.kind is not str
    return each.source == "query"  # a value may be repeated


def _is_handled(error: HTTPError, operation: Operation) -> bool:
    """Whether an error handler of the program decides what is sent."""
    return find_error_handler(error, operation.apps)[0] is not None


def _error_response(operation: Operation, error: HTTPError, schemas: Schemas) -> dict[str, Any]:
    made: dict[str, Any] = {"description": phrase(error.status)}
    kind = _problem(error, operation)
    if kind is not None:
        return made | {"content": {PROBLEM: {"schema": schemas.of(kind, "output")}}}
    if _is_handled(error, operation):
        return made
    return made | {"content": {_PLAIN: {"schema": {"type": "string"}}}}


def _problem(error: HTTPError, operation: Operation) -> type[Struct] | None:
    """The type of the problem details for an error; None if it is sent in another form."""
    if _is_handled(error, operation):
        return None
    if isinstance(error, InvalidInput):
        return InvalidInputProblem
    return None if format_of(operation.apps) == "text" else Problem


def _described(status: int | str, given: Any, schemas: Schemas) -> dict[str, Any]:
    """A response object for what a route has in its `responses`."""
    if isinstance(given, str):
        return {"description": given}
    kind = _model(given)
    content: dict[str, Schema] = {} if kind is None else {"content": {JSON: {"schema": schemas.of(kind, "output")}}}
    if isinstance(given, dict):
        content = {**content, **{name: value for name, value in given.items() if name != "model"}}
    return {"description": _phrase(status)} | content


def _model(given: Any) -> Any:
    """The type of a response's body; None if there is none."""
    if isinstance(given, dict):
        return given.get("model")
    return None if isinstance(given, str) else given


def _phrase(status: int | str) -> str:
    number = str(status)
    return phrase(int(number)) if number.isdigit() else "Other responses" if number == "default" else number
