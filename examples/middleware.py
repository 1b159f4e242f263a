"""Middleware and error handlers.

Try these in another terminal:

    curl -i http://127.0.0.1:8080/
    curl -i -H 'Authorization: Bearer open-sesame' http://127.0.0.1:8080/vault
    curl -i http://127.0.0.1:8080/divide/1/0
"""

import time

from ropewalk import App, HTTPError, Request, Response
from ropewalk.middleware import Next


async def timing(request: Request, next: Next) -> Response:
    """Runs for every request of the app. `next` returns a Response, even if the handler raises an exception."""
    began = time.perf_counter()
    response = await next(request)
    milliseconds = (time.perf_counter() - began) * 1000
    response.headers["Server-Timing"] = f"total;dur={milliseconds:.2f}"
    return response


async def guard(request: Request, next: Next) -> Response:
    """Runs for every request of the mounted app. The handler runs only if this middleware calls `next`."""
    if request.headers.get("authorization") != "Bearer open-sesame":
        raise HTTPError(401, "Say the word.", headers=[("WWW-Authenticate", "Bearer")])
    return await next(request)


app = App(middleware=[timing])


@app.get("/")
def index(request: Request) -> str:
    return "Open to all\n"


@app.get("/divide/{dividend:int}/{divisor:int}")
def divide(request: Request, dividend: int, divisor: int) -> str:
    return f"{dividend / divisor}\n"


@app.error(ZeroDivisionError)
def not_by_zero(request: Request, error: ZeroDivisionError) -> Response:
    """Choose the response to an exception."""
    return Response({"error": "The divisor must not be 0."}, status=422)


vault = App(middleware=[guard])


@vault.get("/")
def gold(request: Request) -> str:
    return "Gold\n"


app.mount("/vault", vault)

if __name__ == "__main__":
    app.run(port=8080)
