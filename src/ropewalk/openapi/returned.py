"""The bodies of a handler's responses, by its return annotation."""

import pathlib
from collections.abc import AsyncIterable, Callable, Iterator
from dataclasses import dataclass, field
from types import NoneType, UnionType
from typing import Any, Final, Union, get_args, get_origin

from ropewalk.openapi.schemas import Schemas
from ropewalk.resource import Handler
from ropewalk.response import JSON, TEXT, Response
from ropewalk.typed.item_streams import EVENTS, JSON_LINES, ServerSentEvent, item_kind
from ropewalk.typed.outputs import returned_kind

_UNKNOWN: Final = (Response, Iterator, AsyncIterable, pathlib.Path)
"""What these send depends on the value."""

_TEXT: Final = {"type": "string"}


@dataclass(frozen=True, slots=True, eq=False)
class Returned:
    """What a handler returns."""

    content: dict[str, Any]
    """The types of the body by media type; empty if they are not known."""
    empty: bool
    """Whether it may return None."""
    other: bool
    """Whether it may return something else than None."""
    items: dict[str, Any] = field(default_factory=dict)
    """The types of the items of streams by media type."""

    def item_content(self, schemas: Schemas) -> dict[str, Any]:
        """The media type objects of streams.

        OpenAPI 3.1 has no keyword for the items of a stream. Tools read the schema of `text/event-stream` as that of
        one event. JSON lines are a text, whose content is a sequence of items.
        """
        return {name: _content_of_items(name, kind, schemas) for name, kind in self.items.items()}


def returned_by(handler: Handler, function: Callable[..., Any]) -> Returned:
    """What a handler returns, by the annotation of its function."""
    kind = returned_kind(function) if handler.plan is None else handler.plan.returns
    if kind is Any or isinstance(kind, str):
        return Returned({}, empty=False, other=True)
    kinds = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    kinds = tuple(NoneType if each is None else each for each in kinds)
    others = [each for each in kinds if each is not NoneType]
    content: dict[str, Any] = {}
    items: dict[str, Any] = {}
    for each in others:
        streamed = item_kind(each)
        item = each if streamed is None else streamed
        if item is str:
            content[_media_type(handler.text_type)] = str
        elif item is bytes:
            content[_media_type(handler.bytes_type)] = bytes
        elif streamed is not None:
            if handler.plan is not None and streamed not in (Any, bytes | str):
                items[_stream_type(handler)] = streamed
        elif each is not Any and not _is_unknown(get_origin(each) or each):
            content[JSON] = Union[content[JSON], each] if JSON in content else each  # noqa: UP007 - made at run time
    return Returned(content, empty=len(others) < len(kinds), other=bool(others), items=items)


def _is_unknown(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, _UNKNOWN)


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _stream_type(handler: Handler) -> str:
    """The media type of a stream of typed items."""
    return JSON_LINES if handler.text_type == TEXT else _media_type(handler.text_type)


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
