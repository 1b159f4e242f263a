"""`render`: the value that a handler returns for a page."""

from collections.abc import Awaitable, Mapping
from typing import Any

from ropewalk.calling import apps_around
from ropewalk.headers import Fields, Headers
from ropewalk.request import Request
from ropewalk.response import LateResponse, Response
from ropewalk.templating.content_types import content_type
from ropewalk.templating.errors import TemplateError


class TemplateResponse(LateResponse):
    """A response whose body is a page, made by `render`. The page is rendered when the response is sent.

    `name` is the template, and `variables` are the names that it gets. You can change both, and set the status, header
    fields and cookies, as with any Response.
    """

    __slots__ = ("block", "fragment", "name", "stream", "variables")

    name: str
    variables: dict[str, Any]
    block: str | None
    fragment: str | None
    stream: bool

    def made(self, request: Request) -> Response | Awaitable[Response]:
        """Render the page with the templates of the nearest app."""
        for app in reversed(apps_around(request)):
            if app.templates is not None:
                response: Response | Awaitable[Response] = app.templates.make(self, request)
                return response
        raise TemplateError("RW291", f"render({self.name!r}): no app around the handler has templates.")


def render(
    name: str,
    /,
    *,
    status: int | None = None,
    headers: Fields = (),
    block: str | None = None,
    fragment: str | None = None,
    stream: bool = False,
    context: Mapping[str, Any] | None = None,
    **variables: Any,
) -> TemplateResponse:
    """A page as the return value of a handler: `return render("rooms.html", rooms=rooms)`.

    The templates of the nearest app render it: `App(templates=...)`. The template gets `variables`, the names in
    `context`, and `request`. Use `context` for names that are also parameters of this function, such as `status`.

    With `block`, only this block of the template is rendered. With `fragment`, only this block is rendered if htmx has
    sent the request for a part of a page, and otherwise the whole page; the `Vary` field of the response tells caches
    on which request fields this depends. With `stream`, the page is sent while it is rendered, so a large page is never
    in memory as a whole. Without `status`, the status is 200, or in an error handler the status of the error.
    """
    kind = content_type(name)
    if headers:
        headers = Headers(headers)
        kind = headers.content_type() or kind
    response = TemplateResponse("", 200 if status is None else status, headers, content_type=kind)
    response.has_status = status is not None
    response.name = name
    response.variables = {**context, **variables} if context else variables
    response.block = block
    response.fragment = fragment
    response.stream = stream
    return response
