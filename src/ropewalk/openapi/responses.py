"""Describe the responses of an operation: the handler's responses, and the responses to refused requests."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from ropewalk.errors import HTTPError, phrase
from ropewalk.openapi.error_responses import Refusal, headers_on_errors, refusals_of, refused_body
from ropewalk.openapi.examples import examples_of
from ropewalk.openapi.middleware import added_by_middleware
from ropewalk.openapi.operations import Operation
from ropewalk.openapi.schemas import Schemas
from ropewalk.response import JSON, PROBLEM

_LOCATION: Final = {"Location": "The URL or path of the new resource."}
_PLAIN: Final = "text/plain"
_SHORTHANDS: Final = ("model", "example", "examples")
"""The members of an item of a route's `responses` that do not belong to a Response Object. They are moved to its
Media Type Objects."""


def kinds_in(operation: Operation) -> Iterator[Any]:
    """Yield the types of all response bodies, except the types in the handler's return annotation."""
    for given in operation.options.responses.values():
        kind = _model(given)
        if kind is not None:
            yield kind
    for body in (*(each.body for each in refusals_of(operation)), *_bodies_of_texts(operation)):
        if body not in (None, str):
            yield body


def responses_of(operation: Operation, schemas: Schemas) -> dict[str, Any]:
    """Make the Responses Object of an operation."""
    found = dict(_returned(operation, schemas))
    by_status: dict[str, list[Refusal]] = {}
    for refusal in refusals_of(operation):
        by_status.setdefault(str(refusal.status), []).append(refusal)
    for status, refusals in by_status.items():
        found.setdefault(status, _refused(refusals, schemas))
    for given_status, given in operation.options.responses.items():
        status = str(given_status)
        made = _described(status, given, found.get(status, {}), operation, schemas)
        of_all = {} if operation.webhook else _headers(headers_on_errors(operation))
        found[status] = made if status in found else of_all | made
    return dict(sorted(found.items()))


def _returned(operation: Operation, schemas: Schemas) -> Iterator[tuple[str, dict[str, Any]]]:
    returned, plan = operation.returned, operation.handler.plan
    status = None if plan is None else plan.status
    headers: dict[str, str] = {}
    for added in added_by_middleware(operation):
        headers |= added.description.headers
    fields = _headers(headers)
    created = _headers({**_LOCATION, **headers})
    if returned.other:
        content = {media_type: _content(schemas, kind) for media_type, kind in returned.content.items()}
        yield _response(status or 200, created if status == 201 else fields, content | returned.item_content(schemas))
    for number, kinds in returned.by_status.items():
        yield _response(
            number,
            created if number == 201 else fields,
            {media_type: _content(schemas, kind) for media_type, kind in kinds.items()},
        )
    if returned.empty and (status is None or not returned.other):
        number = status or 204
        yield _response(number, created if number == 201 else fields, {})


def _response(status: int, fields: dict[str, Any], content: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return str(status), {"description": phrase(status)} | fields | ({"content": content} if content else {})


def _content(schemas: Schemas, kind: Any) -> dict[str, Any]:
    schema = schemas.of_raw(kind) or schemas.of(kind, "output")
    return {"schema": schema} if schema else {}


def _refused(refusals: list[Refusal], schemas: Schemas) -> dict[str, Any]:
    """Make the Response Object for all refusals that have the same status."""
    plain = phrase(refusals[0].status)
    said = dict.fromkeys(each.description for each in refusals if each.description != plain)
    headers: dict[str, str] = {}
    for each in refusals:
        headers |= each.headers
    bodies = dict.fromkeys(each.body for each in refusals)
    made = {"description": " ".join(said) or plain} | _headers(headers)
    return made if None in bodies else made | {"content": _bodies(bodies, schemas)}


def _bodies(bodies: Iterable[Any], schemas: Schemas) -> dict[str, Any]:
    """The member `content` of a Response Object, for the body types of refusals."""
    problems = [schemas.of(each, "output") for each in bodies if each is not str]
    content: dict[str, Any] = {}
    if problems:
        content[PROBLEM] = {"schema": problems[0] if len(problems) == 1 else {"anyOf": problems}}
    if str in bodies:
        content[_PLAIN] = {"schema": {"type": "string"}}
    return content


def _headers(headers: Mapping[str, str]) -> dict[str, Any]:
    """A dict with the member `headers`; empty if there are no fields."""
    found = {name: {"description": text, "schema": {"type": "string"}} for name, text in headers.items()}
    return {"headers": found} if found else {}


def _bodies_of_texts(operation: Operation) -> Iterator[Any]:
    """Yield the body types of the responses for which the route's `responses` has only a description."""
    for status, given in operation.options.responses.items():
        if isinstance(given, str):
            yield _body_of_text(str(status), operation)


def _body_of_text(status: str, operation: Operation) -> Any:
    """The body type of a response for which the route's `responses` has only a description, in the form of
    `Refusal.body`. For an error status, it is the body of an HTTPError, because most handlers raise one instead of
    returning a response.
    """
    if status[0] not in "45" or operation.webhook:
        return None
    return refused_body(HTTPError(int(status.replace("X", "0"))), operation.apps)


def _described(
    status: str, given: Any, former: dict[str, Any], operation: Operation, schemas: Schemas
) -> dict[str, Any]:
    """The Response Object for an item of a route's `responses`. `former` is the Response Object that the status has
    without this item."""
    if isinstance(given, str):
        body = None if former else _body_of_text(status, operation)
        return former | {"description": given} | ({} if body is None else {"content": _bodies([body], schemas)})
    kind = _model(given)
    made = former | {"description": _phrase(status)}
    if kind is not None:
        made["content"] = {JSON: {"schema": schemas.of(kind, "output")}}
    if not isinstance(given, Mapping):
        return made
    made |= {name: value for name, value in given.items() if name not in _SHORTHANDS}
    examples = examples_of(given.get("example"), given.get("examples"))
    if examples:
        made["content"] = {name: {**each, **examples} for name, each in made.get("content", {JSON: {}}).items()}
    return made


def _model(given: Any) -> Any:
    """The body type in an item of `responses`; None if it has none."""
    if isinstance(given, Mapping):
        return given.get("model")
    return None if isinstance(given, str) else given


def _phrase(status: str) -> str:
    return phrase(int(status)) if status.isdigit() else "Other responses" if status == "default" else status
