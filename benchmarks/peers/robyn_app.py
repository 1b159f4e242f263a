"""Robyn with one process and one worker. No route is `const`, because such a route responds without Python."""

import asyncio
from collections.abc import Iterator

import msgspec
from contract import CHUNK, CHUNKS, FILES, HOST, KEEP_ALIVE, MESSAGE, ROUTES, SLEEP, TEXT, Person, port
from robyn import Request, Response, Robyn, StreamingResponse
from robyn.argument_parser import Config
from robyn.responses import FileResponse

config = Config()
config.disable_openapi = True
config.log_level = "ERROR"
app = Robyn(__file__, config=config)

TEXT_TYPE = {"content-type": "text/plain; charset=utf-8"}
JSON_TYPE = {"content-type": "application/json"}
BYTES_TYPE = {"content-type": "application/octet-stream"}


@app.get("/plaintext")
def plaintext() -> str:
    return TEXT


@app.get("/coroutine")
async def coroutine() -> str:
    return TEXT


@app.get("/json")
def json() -> dict[str, str]:
    return MESSAGE


@app.get("/users/:number")
def user(request: Request) -> str:
    return str(int(request.path_params["number"]))


@app.post("/validate")
def validate(request: Request) -> Response:
    try:
        person = msgspec.json.decode(request.body, type=Person)
    except msgspec.ValidationError as error:
        return Response(422, TEXT_TYPE, str(error))
    return Response(200, JSON_TYPE, msgspec.json.encode(person))


@app.post("/echo")
def echo(request: Request) -> Response:
    return Response(200, BYTES_TYPE, request.body)


@app.get("/download")
def download() -> StreamingResponse:
    def chunks() -> Iterator[bytes]:
        for _ in range(CHUNKS):
            yield CHUNK

    return StreamingResponse(chunks(), media_type="application/octet-stream")


@app.post("/upload")
def upload(request: Request) -> str:
    return str(len(request.body))


@app.get("/files/:name")
def file(request: Request) -> FileResponse:
    return FileResponse(str(FILES / request.path_params["name"]))


@app.get("/sleep")
async def sleep() -> str:
    await asyncio.sleep(SLEEP)
    return TEXT


for number in range(ROUTES):
    app.get(f"/route/{number}")(plaintext)

if __name__ == "__main__":
    app.start(host=HOST, port=port(), _check_port=False, keep_alive_timeout=KEEP_ALIVE)
