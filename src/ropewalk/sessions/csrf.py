"""`csrf`: the middleware that refuses requests which pages of other sites made a browser send."""

from ropewalk.middleware.chain import Middleware, Next
from ropewalk.middleware.describing import MiddlewareDescription, MiddlewareResponse, describes
from ropewalk.middleware.options import check_kind
from ropewalk.request import Request
from ropewalk.response import Response
from ropewalk.sessions.csrf_check import CSRFCheck
from ropewalk.sessions.csrf_options import CSRFOptions

CSRF_DESCRIPTION = MiddlewareDescription(
    responses=[MiddlewareResponse(403, "A page of another site may have sent the request.")],
    methods=("POST", "PUT", "PATCH", "DELETE"),
)
"""What the check adds to the OpenAPI document."""


def csrf(options: CSRFOptions = CSRFOptions()) -> Middleware:  # noqa: B008 - it is frozen
    """A middleware that refuses requests with cookies, of methods other than GET, HEAD, OPTIONS and TRACE, which a page
    of another site may have sent.

    `sessions` does the same by itself. Use this middleware for an app that recognizes its users by other cookies.
    Without `sessions` there is no CSRF token, so a request with a cookie must have `Sec-Fetch-Site` or `Origin`, which
    all current browsers send.
    """
    check_kind(options, CSRFOptions)
    check = CSRFCheck(options)

    @describes(CSRF_DESCRIPTION)
    async def csrf(request: Request, next: Next) -> Response:
        if not check.is_safe(request):
            await check.check(request, has_cookie=request.header("cookie") is not None)
        return await next(request)

    return csrf
