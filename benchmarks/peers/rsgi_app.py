"""The application of `asgi_app.py` in RSGI, granian's own interface."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from contract import CHUNK, CHUNKS, FILES, MESSAGE, ROUTES, SLEEP, TEXT, Person

Handler = Callable[[Any, Any], Awaitable[None]]

TEXT_TYPE = [("content-type", "text/plain; charset=utf-8")]
JSON_TYPE = [("content-type", "application/json")]
BYTES_TYPE = [("content-type", "application/octet-stream")]


async def app(scope: Any, proto: Any) -> None:
    path = scope.path
    handler = ROUTED.get(path)
    if handler is not None:
        await handler(scope, proto)
    elif path.startswith("/users/"):
        proto.response_str(200, TEXT_TYPE, str(int(path[7:])))
    elif path.startswith("/files/"):
        proto.response_file(200, BYTES_TYPE, str(FILES / path[7:]))
    else:
        proto.response_str(404, TEXT_TYPE, "not found")


async def plaintext(scope: Any, proto: Any) -> None:
    proto.response_str(200, TEXT_TYPE, TEXT)


async def json(scope: Any, proto: Any) -> None:
    proto.response_bytes(200, JSON_TYPE, msgspec.json.encode(MESSAGE))


async def validate(scope: Any, proto: Any) -> None:
    try:
        person = msgspec.json.decode(await proto(), type=Person)
    except msgspec.ValidationError as error:
        proto.response_str(422, TEXT_TYPE, str(error))
    else:
        proto.response_bytes(200, JSON_TYPE, msgspec.json.encode(person))


async def echo(scope: Any, proto: Any) -> None:
    proto.response_bytes(200, BYTES_TYPE, await proto())


async def download(scope: Any, proto: Any) -> None:
    transport = proto.response_stream(200, BYTES_TYPE)
    for _ in range(CHUNKS):
        await transport.send_bytes(CHUNK)


async def upload(scope: Any, proto: Any) -> None:
    size = 0
    async for chunk in proto:
        size += len(chunk)
    proto.response_str(200, TEXT_TYPE, str(size))


async def sleep(scope: Any, proto: Any) -> None:
    await asyncio.sleep(SLEEP)
    proto.response_str(200, TEXT_TYPE, TEXT)


ROUTED: dict[str, Handler] = {
    "/plaintext": plaintext,
    "/json": json,
    "/validate": validate,
    "/echo": echo,
    "/download": download,
    "/upload": upload,
    "/sleep": sleep,
    **{f"/route/{number}": plaintext for number in range(ROUTES)},
}
