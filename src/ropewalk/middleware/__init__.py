"""Middleware: what stands around handlers. There is one shape.

    async def timed(request, next):
        response = await next(request)
        response.headers["server-timing"] = ...
        return response

`next(request)` always gives a Response, whatever the handler returned or raised: error handlers stand inside of all
middleware, right around whatever raises. So the outermost middleware sees every response of the app. `response.error`
is the exception that it was made of, and `response.raise_error()` raises that again, for context managers that roll
back; the response stays the same. Only what ends the handler itself is raised through `next`: that the client has left,
or a timeout of a middleware.

A stream comes with its first part made, so that what it raises before that is seen, too.
"""

from ropewalk.middleware.chain import Middleware, Next, chain, check

__all__ = ["Middleware", "Next", "chain", "check"]
