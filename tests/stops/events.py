"""Endless event streams of every kind, served in every way.

`ropewalk run events.py` and `events.py run` serve the app, `events.py site` serves it with a Site, and `ropewalk exec
events.py exec` serves a tree of twisted.web.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterable
from typing import Any

from twisted.internet import asyncioreactor
from twisted.internet.task import LoopingCall
from twisted.web.resource import Resource as TwistedResource
from twisted.web.server import NOT_DONE_YET as TWISTED_NOT_DONE_YET
from twisted.web.server import Site as TwistedSite

from ropewalk import NOT_DONE_YET, App, Request, Resource, Response, asgi, wsgi
from ropewalk.dropin import graft
from ropewalk.server import AppListeningPort, run

EVENTS = "text/event-stream"

app = App()


def say(word: str) -> None:
    # One write, because `print` writes the line end separately and threads would mix their lines.
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


@app.on_stopping
async def stopping() -> None:
    say("stopping")
    await asyncio.sleep(0)
    say("still stopping")


app.on_stop(lambda: say("stopped"))


@app.get("/generator", content_type=EVENTS)
async def generator(request: Request) -> AsyncIterator[str]:
    try:
        while True:
            yield "data: news\n\n"
            await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0)
        say("generator closed")


@app.get("/silent")
async def silent(request: Request) -> Response:
    """An async generator. The head of its response is sent with the first part."""

    async def parts() -> AsyncIterator[str]:
        say("silent begun")
        try:
            await asyncio.Event().wait()
            yield "never"
        finally:
            say("silent closed")

    return Response(parts(), content_type=EVENTS)


@app.get("/parting", content_type=EVENTS)
async def parting(request: Request) -> AsyncIterator[str]:
    yield "data: news\n\n"
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        yield "data: bye\n\n"
        say("parting closed")


@app.get("/notified", content_type="text/plain")
async def notified(request: Request) -> AsyncIterator[str]:
    """A response that is not an event stream. It waits for the shutdown itself."""
    yield "begun\n"
    await request.stopping
    assert app.is_stopping
    await app.stopping
    yield "and ended\n"
    say("notified closed")


class Written(Resource):
    """A response that is written by callbacks, as in twisted.web."""

    isLeaf = True

    def render_GET(self, request: Request) -> int:
        request.setHeader("content-type", EVENTS)
        request.write("data: news\n\n")
        writing = LoopingCall(request.write, ": still here\n\n")
        ended = writing.start(0.01, now=False)
        ended.addErrback(lambda failure: say(str(failure)))

        def lost(_: Any) -> None:
            if writing.running:
                writing.stop()
            say("written closed")

        request.notifyFinish().addErrback(lost)
        return NOT_DONE_YET


class Awaited(Resource):
    """A response that is written in a coroutine."""

    isLeaf = True

    async def render_GET(self, request: Request) -> int:
        request.setHeader("content-type", EVENTS)
        request.write("data: news\n\n")
        try:
            await asyncio.Event().wait()
        finally:
            say("awaited closed")
        return NOT_DONE_YET


class Theirs(TwistedResource):
    isLeaf = True

    def render_GET(self, request: Any) -> int:
        request.setHeader(b"content-type", EVENTS.encode())
        request.write(b"data: news\n\n")
        request.notifyFinish().addErrback(lambda _: say("twisted closed"))
        return TWISTED_NOT_DONE_YET


async def by_asgi(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        raise LookupError("no lifespan")
    headers = [(b"Content-Type", EVENTS.encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"data: news\n\n", "more_body": True})
    message = await receive()
    while message["type"] != "http.disconnect":
        message = await receive()
    say("asgi closed")


def by_wsgi(environ: Any, start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", EVENTS)])
    try:
        yield b"data: news\n\n"
        environ["ropewalk.stopping"].wait()
        yield b": ping\n\n"
    finally:
        say("wsgi closed")


async def pass_on(request: Request, next: Any) -> Response:
    response: Response = await next(request)
    return response


def mount_all(parent: App, prefix: str) -> None:
    parent.mount(f"{prefix}/written", Written())
    parent.mount(f"{prefix}/awaited", Awaited())
    parent.mount(f"{prefix}/twisted", Theirs())
    parent.mount(f"{prefix}/asgi", asgi(by_asgi))
    parent.mount(f"{prefix}/wsgi", wsgi(by_wsgi))


mount_all(app, "")
inside = App(middleware=[pass_on])
for function in (generator, silent, parting):
    inside.get(f"/{function.__name__}", content_type=EVENTS)(function)
mount_all(inside, "")
app.mount("/inside", inside)


def ready(address: str) -> None:
    print(f"{address}\nStop with SIGTERM", file=sys.stderr, flush=True)


def main(how: str) -> None:
    if how == "run":
        run(app, listen=["tcp:0:interface=127.0.0.1"], started=_started)
        return
    asyncioreactor.install()
    from twisted.internet import reactor

    from ropewalk import Site

    site: Any = Site(app)
    if how == "exec":
        site = TwistedSite(graft(app))
    port: Any = reactor.listenTCP(0, site, interface="127.0.0.1")
    ready(f"http://127.0.0.1:{port.getHost().port}")
    reactor.run()


def _started(listening: list[AppListeningPort]) -> None:
    ready(str(listening[0]))


if __name__ == "__main__":
    main(sys.argv[1])
