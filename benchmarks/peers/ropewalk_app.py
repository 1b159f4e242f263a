"""Ropewalk with decorated routes. The command line serves `app`; as a program, it runs on Twisted's epoll reactor."""

import asyncio
from collections.abc import Iterator

from contract import BODY_LIMIT, CHUNK, CHUNKS, FILES, HOST, MESSAGE, ROUTES, SLEEP, TEXT, Person, port
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from ropewalk import App, Files, Request

app = App()
app.mount("/files", Files(FILES))


@app.get("/plaintext")
def plaintext(request: Request) -> str:
    return TEXT


@app.get("/coroutine")
async def coroutine(request: Request) -> str:
    return TEXT


@app.get("/json")
def json(request: Request) -> dict[str, str]:
    return dict(MESSAGE)


@app.get("/users/{number}")
def user(request: Request, number: int) -> str:
    return str(number)


@app.post("/validate")
async def validate(request: Request) -> Person:
    return await request.json(Person)


@app.post("/echo")
def echo(request: Request) -> bytes:
    return request.content.read()


@app.get("/download")
def download(request: Request) -> Iterator[bytes]:
    for _ in range(CHUNKS):
        yield CHUNK


@app.post("/upload", body_limit=BODY_LIMIT)
async def upload(request: Request) -> str:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
    return str(size)


@app.get("/sleep")
async def sleep(request: Request) -> str:
    await asyncio.sleep(SLEEP)
    return TEXT


@app.get("/sleep-deferred")
def sleep_deferred(request: Request) -> Deferred[str]:
    from twisted.internet import reactor

    return deferLater(reactor, SLEEP, lambda: TEXT)


for number in range(ROUTES):
    app.get(f"/route/{number}")(plaintext)

if __name__ == "__main__":
    from twisted.internet import reactor

    app.listen(reactor, f"tcp:{port()}:interface={HOST}")
    reactor.run()
