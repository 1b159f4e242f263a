"""The service behind the proxies. It numbers requests when their heads arrive. Each response has the number."""

from ropewalk import App, HTTPError, Request, Response
from ropewalk.middleware import Next

STAMP = "x-front-request"
"""A field that the proxy sets on each request that it forwards, replacing any value from the client."""
SERIAL = "x-serial"
"""A field of each response: the number of its request."""

seen: list[tuple[str, str, str | None]] = []
"""Method, target and stamp of every request, by its number."""


app = App()


@app.middleware
async def count(request: Request, next: Next) -> Response:
    if request.path == "/-/seen":
        return Response(seen[int(request.query["from"]) :])
    request.state.serial = number(request)
    body = await request.body()
    facts = {
        "target": request.target.decode(),
        "length": len(body),
        "client": request.client,
        "peer": request.peer,
        "url": request.url,
    }
    return Response(facts, headers={SERIAL: str(request.state.serial)})


@app.error(HTTPError)
def fail(request: Request, error: HTTPError) -> Response:
    """Called for a bad body, and for requests that the router refuses before any middleware."""
    serial = getattr(request.state, "serial", None)
    return Response(None, error.status, headers={SERIAL: str(number(request) if serial is None else serial)})


def number(request: Request) -> int:
    """Records a request and returns its number."""
    seen.append((request.method, request.target.decode(), request.header(STAMP)))
    return len(seen) - 1
