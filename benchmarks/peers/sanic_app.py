"""Sanic in one process, on uvloop."""

import asyncio

import msgspec
from contract import BODY_LIMIT, CHUNK, CHUNKS, FILES, HOST, KEEP_ALIVE, MESSAGE, ROUTES, SLEEP, TEXT, Person, port
from sanic import HTTPResponse, Request, Sanic, json, raw, text

app = Sanic("bench")
app.config.KEEP_ALIVE_TIMEOUT = KEEP_ALIVE
app.config.REQUEST_MAX_SIZE = BODY_LIMIT
app.static("/files", FILES)


@app.get("/plaintext")
async def plaintext(request: Request) -> HTTPResponse:
    return text(TEXT)


@app.get("/json")
async def message(request: Request) -> HTTPResponse:
    return json(MESSAGE)


@app.get("/users/<number:int>")
async def user(request: Request, number: int) -> HTTPResponse:
    return text(str(number))


@app.post("/validate")
async def validate(request: Request) -> HTTPResponse:
    try:
        person = msgspec.json.decode(request.body, type=Person)
    except msgspec.ValidationError as error:
        return text(str(error), status=422)
    return raw(msgspec.json.encode(person), content_type="application/json")


@app.post("/echo")
async def echo(request: Request) -> HTTPResponse:
    return raw(request.body)


@app.get("/download")
async def download(request: Request) -> None:
    response = await request.respond(content_type="application/octet-stream")
    for _ in range(CHUNKS):
        await response.send(CHUNK)
    await response.eof()


@app.post("/upload", stream=True)
async def upload(request: Request) -> HTTPResponse:
    size = 0
    while (chunk := await request.stream.read()) is not None:
        size += len(chunk)
    return text(str(size))


@app.get("/sleep")
async def sleep(request: Request) -> HTTPResponse:
    await asyncio.sleep(SLEEP)
    return text(TEXT)


for number in range(ROUTES):
    app.add_route(plaintext, f"/route/{number}", name=f"route{number}")

if __name__ == "__main__":
    app.run(HOST, port(), single_process=True, access_log=False, motd=False, backlog=1024)
