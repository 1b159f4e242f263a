"""Middleware: functions around handlers. All have one shape.

    async def timed(request, next):
        response = await next(request)
        response.headers["server-timing"] = ...
        return response

`next(request)` always returns a Response, whatever the handler returns or raises: error handlers are called inside all
middleware, directly around the code that raises. So the outermost middleware sees every response of the app.
`response.error` is the exception that it was made for. `response.raise_error()` raises that again, for context managers
that roll back; the response stays the same. Only what ends the handler itself is raised through `next`: the client has
left, or a timeout of a middleware has expired.

The first part of a stream is made before `next` returns, so an exception before it becomes a Response, too.
"""

from ropewalk.middleware.chain import PREFLIGHT, Middleware, Next, chain, check

__all__ = ["PREFLIGHT", "Middleware", "Next", "chain", "check"]
