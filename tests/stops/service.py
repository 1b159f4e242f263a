"""The service that is stopped under load: handlers of several kinds. Each response has the number of its request."""

from asyncio import sleep
from collections.abc import AsyncIterator

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from ropewalk import App, Request

PARTS = 5
PART = b"x" * 20_000
PAUSE = 0.1

app = App()


@app.get("/plain/{number:int}")
def plain(request: Request, number: int) -> str:
    return f"{number}"


@app.get("/sleeping/{number:int}")
async def sleeping(request: Request, number: int) -> str:
    await sleep(PAUSE * (number % 10))
    return f"{number}"


@app.get("/deferred/{number:int}")
def deferred(request: Request, number: int) -> "Deferred[str]":
    from twisted.internet import reactor

    return deferLater(reactor, PAUSE * (number % 10), lambda: f"{number}")


@app.get("/streamed/{number:int}")
async def streamed(request: Request, number: int) -> AsyncIterator[bytes]:
    for _ in range(PARTS):
        yield PART
        await sleep(PAUSE)
    yield b"%d" % number


@app.post("/upload/{number:int}")
async def upload(request: Request, number: int) -> str:
    size = 0
    async for part in request.stream():
        size += len(part)
    return f"{size} {number}"


@app.post("/whole/{number:int}")
def whole(request: Request, number: int) -> str:
    return f"{len(request.content.read())} {number}"
