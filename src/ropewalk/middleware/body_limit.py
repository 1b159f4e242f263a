"""A limit for the bodies of requests, around an app, a mount or a route."""

from dataclasses import dataclass

from ropewalk.middleware.chain import Middleware, Next
from ropewalk.middleware.describing import MiddlewareDescription, MiddlewareResponse, describes
from ropewalk.middleware.options import check_count, check_kind
from ropewalk.request import Request
from ropewalk.response import Response


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyLimitOptions:
    """The limit. Raises HandlerError (RW230) for an invalid value."""

    size: int
    """The most bytes of a body. A larger one gets a 413."""

    def __post_init__(self) -> None:
        check_count(self, "size")


def body_limit(options: BodyLimitOptions) -> Middleware:
    """A middleware that limits bodies, however they are read, also by mounted applications.

    A body whose Content-Length is over the limit is refused before anything inside runs; one that is sent in chunks,
    when it exceeds the limit. It takes the place of the engine's limit. Where several limits apply (of routes, of
    middleware around each other, of `request.body(limit)`), the smallest counts.
    """
    check_kind(options, BodyLimitOptions)
    size = options.size

    response = MiddlewareResponse(413, f"The body is larger than {size} bytes.")

    @describes(MiddlewareDescription(responses=[response], with_body=True))
    async def body_limit(request: Request, next: Next) -> Response:
        if request.has_body:
            request.limit_body(size)
        return await next(request)

    return body_limit
