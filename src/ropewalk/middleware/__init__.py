"""Middleware: functions around handlers. All have the same signature.

    async def timed(request, next):
        response = await next(request)
        response.headers["server-timing"] = ...
        return response

`next(request)` always returns a Response, whatever the handler returns or raises: an error handler runs before the
exception reaches the next middleware. So the outermost middleware sees every response that the app sends.
`response.error` is the exception that the response was made from. `response.raise_error()` raises it again, for example
so that a context manager rolls back; it does not change the response. `next` itself raises only two kinds of exception:
the client has disconnected, or the `timeout` middleware has cancelled the handler.

`next` returns after the first part of a stream has been produced. So an exception raised before that part also becomes
a Response.
"""

from ropewalk.middleware.allowed_hosts import AllowedHostsOptions, allowed_hosts
from ropewalk.middleware.body_limit import BodyLimitOptions, body_limit
from ropewalk.middleware.cache_headers import CacheHeadersOptions, cache_headers
from ropewalk.middleware.chain import PREFLIGHT, Middleware, Next, check
from ropewalk.middleware.conditional import ConditionalOptions, conditional
from ropewalk.middleware.cors import CORSOptions, cors
from ropewalk.middleware.describing import (
    HeaderParameter,
    MiddlewareDescription,
    MiddlewareResponse,
    describes,
    description_of,
)
from ropewalk.middleware.engine_handlers import engine_handler_for, refusing_handler
from ropewalk.middleware.idempotency import IdempotencyOptions, idempotency
from ropewalk.middleware.order import check_orders
from ropewalk.middleware.rate_limit import RateLimit, RateLimitOptions, rate_limit
from ropewalk.middleware.request_id import (
    RequestIDFilter,
    RequestIDOptions,
    TraceParent,
    current_request_id,
    current_traceparent,
    request_id,
)
from ropewalk.middleware.security_headers import SecurityHeadersOptions, security_headers
from ropewalk.middleware.timeout import TimeoutOptions, timeout

__all__ = [
    "PREFLIGHT",
    "AllowedHostsOptions",
    "BodyLimitOptions",
    "CORSOptions",
    "CacheHeadersOptions",
    "ConditionalOptions",
    "HeaderParameter",
    "IdempotencyOptions",
    "Middleware",
    "MiddlewareDescription",
    "MiddlewareResponse",
    "Next",
    "RateLimit",
    "RateLimitOptions",
    "RequestIDFilter",
    "RequestIDOptions",
    "SecurityHeadersOptions",
    "TimeoutOptions",
    "TraceParent",
    "allowed_hosts",
    "body_limit",
    "cache_headers",
    "check",
    "check_orders",
    "conditional",
    "cors",
    "current_request_id",
    "current_traceparent",
    "describes",
    "description_of",
    "engine_handler_for",
    "idempotency",
    "rate_limit",
    "refusing_handler",
    "request_id",
    "security_headers",
    "timeout",
]
