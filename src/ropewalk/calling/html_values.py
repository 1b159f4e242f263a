"""Responses for objects that are HTML: those with `__html__`, and elements and tags of twisted.web.template."""

import sys
from typing import Any

from msgspec import Struct
from twisted.internet.defer import Deferred

from ropewalk.request import Request
from ropewalk.response import HTML, LateResponse, Response

_JSON = (Struct, dict, list)
"""Values that are sent as JSON, even if they have `__html__`."""


def html_response(value: Any) -> Response | None:
    """The response for an object with `__html__`, such as markupsafe's Markup or an element of htpy, or for an Element
    or Tag of twisted.web.template. None for any other value."""
    kind = type(value)
    if hasattr(kind, "__html__"):
        return None if isinstance(value, (Response, *_JSON)) else Response.html(str(value.__html__()))
    return ElementResponse(value) if is_renderable(value) else None


def is_html(kind: Any) -> bool:
    """Whether the values of a type are sent as HTML, for the description of an API."""
    if not isinstance(kind, type) or issubclass(kind, _JSON):
        return False
    if issubclass(kind, Response):
        return issubclass(kind, LateResponse)
    module = sys.modules.get("twisted.web.template")
    if hasattr(kind, "__html__") or module is None:
        return hasattr(kind, "__html__")
    return issubclass(kind, module.Tag) or bool(sys.modules["twisted.web.iweb"].IRenderable.implementedBy(kind))


def is_renderable(value: Any) -> bool:
    """Whether a value is an Element or a Tag of twisted.web.template.

    If no code has imported twisted.web.template, there are no such objects, so this function does not import it.
    """
    module = sys.modules.get("twisted.web.template")
    if module is None:
        return False
    return isinstance(value, module.Tag) or bool(sys.modules["twisted.web.iweb"].IRenderable.providedBy(value))


class ElementResponse(LateResponse):
    """A page of twisted.web.template. A whole page, which begins with `<html`, gets a doctype."""

    __slots__ = ("_element",)

    def __init__(self, element: Any) -> None:
        super().__init__("", content_type=HTML)
        self.has_status = False
        self._element = element

    async def made(self, request: Request) -> Response:
        """Flatten the element, with this request. Deferreds in it are awaited."""
        flatten: Any = sys.modules["twisted.web.template"].flattenString
        flattened: Deferred[bytes] = flatten(request, self._element)
        text = (await flattened).decode()
        return self.with_body(f"<!DOCTYPE html>\n{text}" if text.startswith("<html") else text)
