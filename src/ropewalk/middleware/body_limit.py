"""A size limit for request bodies, for an app, a mount or a route."""

from dataclasses import dataclass

from ropewalk.errors import KnownOptions
from ropewalk.middleware.chain import Middleware, Next
from ropewalk.middleware.describing import MiddlewareDescription, MiddlewareResponse, describes
from ropewalk.middleware.options import check_count, check_kind
from ropewalk.request import Request
from ropewalk.response import Response


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyLimitOptions(KnownOptions):
    """The options of `body_limit`. Raises HandlerError (RW230) for an invalid value."""

    body_limit: int
    """The maximum size in bytes of a request body. A request with a larger body gets a 413."""

    def __post_init__(self) -> None:
        check_count(self, "body_limit")


def body_limit(options: BodyLimitOptions) -> Middleware:
    """A middleware that limits the size of request bodies, including bodies that a mounted application reads.

    A body whose Content-Length is over the limit is refused before the handler runs. A chunked body is refused as soon
    as it exceeds the limit. This limit replaces the engine's limit. If several limits apply (from routes, nested
    middleware or `request.body(body_limit)`), the smallest counts.
    """
    check_kind(options, BodyLimitOptions)
    most = options.body_limit

    response = MiddlewareResponse(413, f"The body is larger than {most} bytes.")

    @describes(MiddlewareDescription(responses=[response], with_body=True))
    async def body_limit(request: Request, next: Next) -> Response:
        if request.has_body:
            request.limit_body(most)
        return await next(request)

    return body_limit
