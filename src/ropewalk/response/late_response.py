"""`LateResponse`: a response whose body is made when it is sent, because only then the request is known."""

from collections.abc import Awaitable
from typing import Any

from ropewalk.request import Request
from ropewalk.response.media_types import HTML
from ropewalk.response.response import Response


class LateResponse(Response):
    """A response that a subclass makes with `made`. Its status and header fields can be set before, as those of any
    Response.

    `has_status` says whether its status was given. An error handler that returns a response without a given status
    keeps the status of the error.
    """

    __slots__ = ("has_status",)

    has_status: bool

    def made(self, request: Request) -> Response | Awaitable[Response]:
        """The response with its body, or an awaitable of it."""
        raise NotImplementedError

    def with_body(self, body: Any) -> Response:
        """A plain Response with the status and header fields of this one, and a body."""
        fields = self._headers
        if fields is None and self.status == 200 and self._reason is None and self._kind is HTML:
            return Response.plain(body, HTML) if isinstance(body, str) else Response(body, content_type=HTML)
        headers = self.headers
        made = Response(body, self.status, headers.lines(), content_type=headers.content_type(), reason=self._reason)
        if self.compress is not None:
            made.compress = self.compress
        return made

    def send(self, request: Request) -> Any:
        """Make the response, and send it."""
        response = self.made(request)
        return response.send(request) if isinstance(response, Response) else _send(response, request)


async def _send(response: Awaitable[Response], request: Request) -> None:
    rest = (await response).send(request)
    if rest is not None:
        await rest
