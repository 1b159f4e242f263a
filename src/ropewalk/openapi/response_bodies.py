"""The bodies of a handler's responses, according to its return annotation."""

import pathlib
from collections.abc import AsyncIterable, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import NoneType
from typing import Any, Final, Union, get_origin

from ropewalk.calling import is_html
from ropewalk.openapi.schemas import Schemas
from ropewalk.resource import Handler
from ropewalk.response import BYTES, HTML, JSON, TEXT, Response
from ropewalk.typed.item_streams import EVENTS, JSON_LINES, ServerSentEvent, item_kind
from ropewalk.typed.outputs import returned_kind
from ropewalk.typed.representations import Representations
from ropewalk.typed.response_shapes import ANY_STATUS, declared_responses
from ropewalk.typed.value_shapes import members_of

_UNKNOWN: Final = (Response, Iterator, AsyncIterable, pathlib.Path)
"""Annotations that do not describe the body, because it depends on the returned value."""

_TEXT: Final = {"type": "string"}


@dataclass(frozen=True, slots=True, eq=False)
class Returned:
    """The types of the bodies that a handler returns, for the OpenAPI document."""

    content: dict[str, Any]
    """The type of the body by media type; empty if it is not known."""
    empty: bool
    """Whether the handler may return None."""
    other: bool
    """Whether the handler may return a value other than None."""
    items: dict[str, Any] = field(default_factory=dict)
    """The item types of streams, by media type."""
    by_status: Mapping[int, dict[str, Any]] = field(default_factory=dict)
    """For response classes with a fixed status: the types of the body by media type, as in `content`, for each
    status."""

    def kinds(self) -> Iterator[Any]:
        """Yield the types of all bodies and of the items of streams."""
        for kinds in (self.content, self.items, *self.by_status.values()):
            yield from kinds.values()

    def item_content(self, schemas: Schemas) -> dict[str, Any]:
        """The Media Type Objects of streams. OpenAPI 3.1 has no keyword for the items of a stream. Tools read the
        schema of `text/event-stream` as the schema of one event. JSON lines are described as a string that contains a
        sequence of items.
        """
        return {name: _content_of_items(name, kind, schemas) for name, kind in self.items.items()}


def returned_by(handler: Handler, function: Callable[..., Any]) -> Returned:
    """The Returned of a handler, according to the return annotation of its function."""
    kind = returned_kind(function) if handler.plan is None else handler.plan.returns
    found = _of_kind(kind, handler)
    representations = None if handler.plan is None else handler.plan.representations
    if representations is None:
        return found
    by_status = {status: _represented(content, representations) for status, content in found.by_status.items()}
    return replace(found, content=_represented(found.content, representations), by_status=by_status)


def _represented(content: dict[str, Any], representations: Representations) -> dict[str, Any]:
    """The types of a body, by media type, for every media type that the client may choose."""
    if not content:
        return {}
    whole: Any = Union.__getitem__(tuple(content.values()))
    return {name: str if representations.makes_text(name) else whole for name in representations.media_types}


def _of_kind(kind: Any, handler: Handler) -> Returned:
    if kind is Any or isinstance(kind, str):
        return Returned({}, empty=False, other=True)
    declared = declared_responses(kind)
    stream_type = None if handler.plan is None else _stream_type(handler)
    if declared is None:
        return _of_values(kind, handler.text_type, handler.bytes_type, stream_type)
    by_status = {
        status: _of_values(body, TEXT, BYTES).content
        for status, body in declared.bodies.items()
        if status != ANY_STATUS
    }
    found = Returned({}, empty=False, other=declared.others, by_status=by_status)
    if declared.values is not None:
        values = _of_values(declared.values, handler.text_type, handler.bytes_type, stream_type)
        found = replace(values, other=values.other or declared.others, by_status=by_status)
    if ANY_STATUS in declared.bodies:
        content = _of_values(declared.bodies[ANY_STATUS], TEXT, BYTES).content
        found = replace(found, content=_joined(found.content, content), other=True)
    return found


def _of_values(kind: Any, text_type: str, bytes_type: str, stream_type: str | None = None) -> Returned:
    kinds = tuple(NoneType if each is None else each for each in members_of(kind))
    others = [each for each in kinds if each is not NoneType]
    content: dict[str, Any] = {}
    items: dict[str, Any] = {}
    for each in others:
        streamed = item_kind(each)
        item = each if streamed is None else streamed
        if is_html(get_origin(each) or each):
            content = _joined(content, {_media_type(HTML): str})
        elif item is str:
            content = _joined(content, {_media_type(text_type): str})
        elif item is bytes:
            content = _joined(content, {_media_type(bytes_type): bytes})
        elif streamed is not None:
            if stream_type is not None and streamed not in (Any, bytes | str):
                items[stream_type] = streamed
        elif each is not Any and not _is_unknown(get_origin(each) or each):
            content = _joined(content, {JSON: each})
    return Returned(content, empty=len(others) < len(kinds), other=bool(others), items=items)


def _joined(content: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Merge two dicts that have types by media type. If both have a media type, its type is the union of the two
    types."""
    made = dict(content)
    for name, kind in more.items():
        made[name] = Union[made[name], kind] if name in made else kind  # noqa: UP007 - made at run time
    return made


def _is_unknown(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, _UNKNOWN)


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _stream_type(handler: Handler) -> str:
    """The media type of a stream of typed items."""
    named = _media_type(handler.text_type)
    of_class = handler.resource is not None and named != EVENTS  # a resource class's `content_type` is only for str
    return JSON_LINES if handler.text_type == TEXT or of_class else named


def _content_of_items(media_type: str, kind: Any, schemas: Schemas) -> dict[str, Any]:
    schema = {} if kind is ServerSentEvent else schemas.of(kind, "output")
    if media_type != EVENTS:
        lines = {"type": "array", "items": schema}
        return {"schema": {**_TEXT, "contentMediaType": media_type, "contentSchema": lines}}
    data: dict[str, Any] = {**_TEXT}
    if schema:
        data |= {"contentMediaType": JSON, "contentSchema": schema}
    properties = {"data": data, "event": _TEXT, "id": _TEXT, "retry": {"type": "integer", "minimum": 0}}
    event: dict[str, Any] = {"type": "object", "properties": properties}
    return {"schema": event if kind is ServerSentEvent else event | {"required": ["data"]}}
