"""A service whose handlers make every kind of mistake."""

import time
from asyncio import CancelledError, sleep
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from twisted.internet.defer import Deferred

from ropewalk import App, Request, Resource
from ropewalk.resource import NOT_DONE_YET

app = App()

happened: list[str] = []


@app.get("/")
def hello(request: Request) -> str:
    return "Hello, World!"


@app.get("/happened")
def tell(request: Request) -> list[str]:
    return happened


@app.get("/counters")
def counters(request: Request) -> dict[str, Any]:
    counters: dict[str, Any] = request.service.engine.counters()
    return counters


@app.get("/raises")
def raises(request: Request) -> str:
    raise LookupError("lost the rope")


@app.get("/raises-at-once")
async def raises_at_once(request: Request) -> str:
    raise LookupError("lost at once")


@app.get("/raises-in-time")
async def raises_in_time(request: Request) -> str:
    await sleep(0)
    raise LookupError("lost in time")


@app.get("/raises-late")
async def raises_late(request: Request) -> AsyncIterator[str]:
    async def parts() -> AsyncIterator[str]:
        yield "the beginning"
        await sleep(0)
        raise LookupError("lost the end")

    return parts()


@app.get("/fails")
def fails(request: Request) -> "Deferred[str]":
    waiting: Deferred[str] = Deferred()
    waiting.errback(LookupError("lost later"))
    return waiting


@app.get("/wrong")
def wrong(request: Request) -> Any:
    return object()


@app.get("/blocks")
def blocks(request: Request) -> str:
    time.sleep(0.7)
    return "at last"


@app.get("/patient")
async def patient(request: Request) -> str:
    happened.append("patient began")
    await sleep(0.5)
    return "at last"


@app.get("/never")
def never(request: Request) -> "Deferred[str]":
    happened.append("never began")
    return Deferred(lambda _: happened.append("never was cancelled"))


@app.get("/never-async")
async def never_async(request: Request) -> str:
    happened.append("never-async began")
    try:
        await sleep(1000)
    except CancelledError:
        happened.append("never-async was cancelled")
        raise
    return "not reached"


@app.get("/endless")
async def endless(request: Request) -> AsyncIterator[bytes]:
    async def parts() -> AsyncIterator[bytes]:
        happened.append("endless began")
        try:
            while True:
                yield bytes(65_536)
                await sleep(0)
        finally:
            happened.append("endless was closed")

    return parts()


# A sparse file that is too large for any socket buffer.
file = NamedTemporaryFile()  # noqa: SIM115 - it is closed when the app stops
file.truncate(64 << 20)
app.on_stop(file.close)


@app.get("/file")
def send_file(request: Request) -> Path:
    return Path(file.name)


@app.post("/shorten")
def shorten(request: Request) -> None:
    file.truncate(1 << 20)


class Late(Resource):
    """A resource that writes after the end of the response."""

    isLeaf = True

    def render_GET(self, request: Request) -> Any:
        request.write(b"all")
        request.finish()
        request.write(b" and more")
        return NOT_DONE_YET


app.mount("/late", Late())


class Promises(Resource):
    """A resource that sends less than its Content-Length."""

    isLeaf = True

    def render_GET(self, request: Request) -> Any:
        request.setHeader("content-length", "10")
        request.write(b"four")
        request.finish()
        return NOT_DONE_YET


app.mount("/promises", Promises())
