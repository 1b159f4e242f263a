"""BlackSheep, which is served by uvicorn."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
from blacksheep import Application, Content, Request, Response, StreamedContent, get, json, post, text
from contract import CHUNK, CHUNKS, FILES, MESSAGE, ROUTES, SLEEP, TEXT, Person

app = Application()
app.serve_files(FILES, root_path="files", extensions={".bin"})


@get("/plaintext")
async def plaintext() -> Response:
    return text(TEXT)


@get("/json")
async def message() -> Response:
    return json(MESSAGE)


@get("/users/{int:number}")
async def user(number: int) -> Response:
    return text(str(number))


@post("/validate")
async def validate(request: Request) -> Response:
    try:
        person = msgspec.json.decode(await request.read() or b"", type=Person)
    except msgspec.ValidationError as error:
        return text(str(error), status=422)
    return Response(200, content=Content(b"application/json", msgspec.json.encode(person)))


@post("/echo")
async def echo(request: Request) -> Response:
    return Response(200, content=Content(b"application/octet-stream", await request.read() or b""))


@get("/download")
async def download() -> Response:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(CHUNKS):
            yield CHUNK

    return Response(200, content=StreamedContent(b"application/octet-stream", chunks))


@post("/upload")
async def upload(request: Request) -> Response:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
    return text(str(size))


@get("/sleep")
async def sleep() -> Response:
    await asyncio.sleep(SLEEP)
    return text(TEXT)


for number in range(ROUTES):
    app.router.add_get(f"/route/{number}", plaintext)
