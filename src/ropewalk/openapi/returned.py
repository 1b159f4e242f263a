"""The bodies of a handler's responses, by its return annotation."""

import pathlib
from collections.abc import AsyncIterable, Callable, Iterator
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Any, Final, Union, get_args, get_origin

from ropewalk.resource import Handler
from ropewalk.response import JSON, Response
from ropewalk.typed.outputs import returned_kind

_UNKNOWN: Final = (Response, Iterator, AsyncIterable, pathlib.Path)
"""What these send depends on the value."""


@dataclass(frozen=True, slots=True, eq=False)
class Returned:
    """What a handler returns."""

    content: dict[str, Any]
    """The types of the body by media type; empty if they are not known."""
    empty: bool
    """Whether it may return None."""
    other: bool
    """Whether it may return something else than None."""


def returned_by(handler: Handler, function: Callable[..., Any]) -> Returned:
    """What a handler returns, by the annotation of its function."""
    kind = returned_kind(function) if handler.plan is None else handler.plan.returns
    if kind is Any or isinstance(kind, str):
        return Returned({}, empty=False, other=True)
    kinds = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    kinds = tuple(NoneType if each is None else each for each in kinds)
    others = [each for each in kinds if each is not NoneType]
    content: dict[str, Any] = {}
    for each in others:
        if each is Any or _is_unknown(get_origin(each) or each):
            continue
        if each is str:
            content[_media_type(handler.text_type)] = str
        elif each is bytes:
            content[_media_type(handler.bytes_type)] = bytes
        else:
            content[JSON] = Union[content[JSON], each] if JSON in content else each  # noqa: UP007 - made at run time
    return Returned(content, empty=len(others) < len(kinds), other=bool(others))


def _is_unknown(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, _UNKNOWN)


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip()
