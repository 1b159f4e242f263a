"""Middleware: what stands around handlers. There is one shape.

    async def timed(request, next):
        response = await next(request)
        response.headers["server-timing"] = ...
        return response

`next(request)` always gives a Response, whatever the handler returned; an HTTPError, or an exception with a registered
error handler, is a Response too. Any other exception passes through, and is a logged 500 behind the outermost.
"""

from ropewalk.middleware.chain import Middleware, Next, chain, check

__all__ = ["Middleware", "Next", "chain", "check"]
