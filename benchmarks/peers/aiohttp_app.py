"""aiohttp on uvloop."""

import asyncio

import msgspec
import uvloop
from aiohttp import web
from contract import BODY_LIMIT, CHUNK, CHUNKS, FILES, HOST, KEEP_ALIVE, MESSAGE, ROUTES, SLEEP, TEXT, Person, port


async def plaintext(request: web.Request) -> web.Response:
    return web.Response(text=TEXT)


async def json(request: web.Request) -> web.Response:
    return web.json_response(MESSAGE)


async def user(request: web.Request) -> web.Response:
    return web.Response(text=str(int(request.match_info["number"])))


async def validate(request: web.Request) -> web.Response:
    try:
        person = msgspec.json.decode(await request.read(), type=Person)
    except msgspec.ValidationError as error:
        return web.Response(text=str(error), status=422)
    return web.Response(body=msgspec.json.encode(person), content_type="application/json")


async def echo(request: web.Request) -> web.Response:
    return web.Response(body=await request.read())


async def download(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": "application/octet-stream"})
    await response.prepare(request)
    for _ in range(CHUNKS):
        await response.write(CHUNK)
    await response.write_eof()
    return response


async def upload(request: web.Request) -> web.Response:
    size = 0
    async for chunk in request.content.iter_any():
        size += len(chunk)
    return web.Response(text=str(size))


async def sleep(request: web.Request) -> web.Response:
    await asyncio.sleep(SLEEP)
    return web.Response(text=TEXT)


def application() -> web.Application:
    app = web.Application(client_max_size=BODY_LIMIT)
    app.router.add_get("/plaintext", plaintext)
    app.router.add_get("/json", json)
    app.router.add_get(r"/users/{number:\d+}", user)
    app.router.add_post("/validate", validate)
    app.router.add_post("/echo", echo)
    app.router.add_get("/download", download)
    app.router.add_post("/upload", upload)
    app.router.add_static("/files", FILES)
    app.router.add_get("/sleep", sleep)
    for number in range(ROUTES):
        app.router.add_get(f"/route/{number}", plaintext)
    return app


if __name__ == "__main__":
    web.run_app(
        application(),
        host=HOST,
        port=port(),
        access_log=None,
        print=None,
        backlog=1024,
        keepalive_timeout=KEEP_ALIVE,
        loop=uvloop.new_event_loop(),
    )
