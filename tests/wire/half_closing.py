"""Handlers of every kind, for clients that close their sending side.

`python -m tests.wire.half_closing app|site|endpoint [tolerant]`
"""

import asyncio
import sys
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

from fastapi import FastAPI
from fastapi import Request as APIRequest
from fastapi.responses import StreamingResponse
from twisted.internet.defer import CancelledError, Deferred

from ropewalk import App, Request, Resource, Response, Site
from ropewalk.asgi import ASGIOptions, Receive, Scope, Send, asgi
from ropewalk.middleware import Next
from ropewalk.resource import NOT_DONE_YET
from ropewalk.wsgi import wsgi

SECONDS = 20
"""The timeout of a thread that waits."""


class Gate:
    """A gate that handlers of every kind can wait for."""

    def __init__(self) -> None:
        self.thread = threading.Event()
        self.passed: Deferred[None] = Deferred()

    def wait(self) -> None:
        assert self.thread.wait(SECONDS)

    def open(self) -> None:
        self.thread.set()
        self.passed.callback(None)


gates: defaultdict[str, Gate] = defaultdict(Gate)
notified: list[str] = []

app = App()


@app.post("/open/{name}")
def let_pass(request: Request, name: str) -> None:
    gates[name].open()


@app.get("/notified/{name}")
async def has_heard(request: Request, name: str) -> None:
    """Responds when this name has been recorded in `notified`."""
    while name not in notified:
        await asyncio.sleep(0.001)


@app.get("/native/wait/{name}")
async def wait(request: Request, name: str) -> str:
    try:
        await gates[name].passed
    except (asyncio.CancelledError, CancelledError):
        notified.append(name)
        raise
    return "late"


@app.get("/native/stream/{name}")
async def stream(request: Request, name: str) -> AsyncIterator[str]:
    async def parts() -> AsyncIterator[str]:
        yield "one"
        await gates[name].passed
        yield "two"

    return parts()


@app.get("/native/events/{name}", content_type="text/event-stream")
async def events(request: Request, name: str) -> AsyncIterator[str]:
    async def parts() -> AsyncIterator[str]:
        yield "one"
        await gates[name].passed

    return parts()


@app.get("/native/large")
def large(request: Request) -> Iterator[bytes]:
    return (bytes(100_000) for _ in range(100))


class ByItself(Resource):
    """A resource that calls `finish` later, as resources of twisted.web do."""

    isLeaf = True

    def render_GET(self, request: Request) -> int:
        (name,) = request.postpath
        request.notifyFinish().addErrback(lambda _: notified.append(name))
        return NOT_DONE_YET


app.mount("/resource", ByItself())


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """A WSGI application."""
    kind, name = environ["PATH_INFO"].strip("/").split("/")
    if kind == "wait":
        gates[name].wait()
    start_response("200 OK", [])
    if kind == "wait":
        return [b"late"]

    def parts() -> Iterator[bytes]:
        yield b"one"
        gates[name].wait()
        yield b"two"

    return parts()


app.mount("/wsgi", wsgi(application))

guarded = App()
guarded.mount("/", wsgi(application))
app.mount("/guarded", guarded)


@guarded.middleware
async def pass_on(request: Request, next: Next) -> Response:
    try:
        return await next(request)
    finally:
        notified.append(f"{request.path.rpartition('/')[2]}-passed")


api = FastAPI()


@api.get("/wait/{name}")
def wait_in_thread(name: str) -> str:
    gates[name].wait()
    return "late"


@api.get("/coroutine/{name}")
async def wait_in_coroutine(name: str) -> str:
    await gates[name].passed.asFuture(asyncio.get_running_loop())
    return "late"


def parts_in_thread(name: str) -> Iterator[str]:
    yield "one"
    gates[name].wait()
    yield "two"


@api.get("/stream/{name}")
def stream_from_thread(name: str) -> StreamingResponse:
    return StreamingResponse(parts_in_thread(name))


@api.get("/stream_late/{name}")
def stream_when_noticed(name: str) -> StreamingResponse:
    gates[name].wait()
    return StreamingResponse(iter(["one", "two"]))


@api.get("/poll/{name}")
async def poll(request: APIRequest, name: str) -> str:
    while not await request.is_disconnected():
        await asyncio.sleep(0.001)
    notified.append(name)
    return "left"


@api.get("/events/{name}")
async def events_of_application(name: str) -> StreamingResponse:
    async def parts() -> AsyncIterator[str]:
        yield "one"
        await gates[name].passed.asFuture(asyncio.get_running_loop())

    return StreamingResponse(parts(), media_type="text/event-stream")


app.mount("/api", asgi(api))
guarded.mount("/api", asgi(api))


async def listening(scope: Scope, receive: Receive, send: Send) -> None:
    """An ASGI application that waits until its client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
    assert (await receive())["type"] == "http.disconnect"
    notified.append(scope["path"].rpartition("/")[2])


app.mount("/listen", asgi(listening, ASGIOptions(lifespan="off")))
guarded.mount("/listen", asgi(listening, ASGIOptions(lifespan="off")))


async def listening_after_the_start(scope: Scope, receive: Receive, send: Send) -> None:
    """An ASGI application that begins its response, and then waits until its client has left."""
    name = scope["path"].rpartition("/")[2]
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": b"one", "more_body": True})
    notified.append(f"{name}-begun")
    while (await receive())["type"] != "http.disconnect":
        pass
    notified.append(name)


app.mount("/begun", asgi(listening_after_the_start, ASGIOptions(lifespan="off")))
guarded.mount("/begun", asgi(listening_after_the_start, ASGIOptions(lifespan="off")))

collected = App()
collected.mount("/begun", asgi(listening_after_the_start, ASGIOptions(lifespan="off")))
collected.mount("/api", asgi(api))
app.mount("/collected", collected)


@collected.middleware
async def collect(request: Request, next: Next) -> Response:
    """Sends a streamed response only when it is complete."""
    response = await next(request)
    if hasattr(response.body, "__aiter__"):
        response.body = b"".join([part async for part in response.body])
    return response


def main(kind: str, half_close: bool) -> None:
    if kind == "app":
        app.run(port=0, half_close=half_close, started=lambda listening: announce(str(listening[0])))
        return
    from twisted.internet import asyncioreactor

    asyncioreactor.install()
    from twisted.internet import endpoints, reactor

    site = Site(app, half_close=half_close and kind == "site")
    description = "tcp:0:interface=127.0.0.1"
    if kind == "endpoint":
        description = f"ropewalk:halfClose={'yes' if half_close else 'no'}:{description}"
    endpoints.serverFromString(reactor, description).listen(site).addCallback(
        lambda port: announce(f"http://127.0.0.1:{port.getHost().port}")
    )
    reactor.run()


def announce(url: str) -> None:
    print(f"{url} \nStop with SIGTERM", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], "tolerant" in sys.argv)
