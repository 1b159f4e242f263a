"""A plain ASGI application, without a framework: for uvicorn and granian."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from contract import CHUNK, CHUNKS, FILES, MESSAGE, ROUTES, SLEEP, TEXT_BYTES, Person

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Handler = Callable[[Scope, Receive, Send], Awaitable[None]]

TEXT_TYPE = (b"content-type", b"text/plain; charset=utf-8")
JSON_TYPE = (b"content-type", b"application/json")
BYTES_TYPE = (b"content-type", b"application/octet-stream")


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    path = scope["path"]
    handler = ROUTED.get(path)
    if handler is not None:
        await handler(scope, receive, send)
    elif path.startswith("/users/"):
        await answer(send, b"%d" % int(path[7:]), TEXT_TYPE)
    elif path.startswith("/files/"):
        await file(scope, receive, send)
    else:
        await answer(send, b"not found", TEXT_TYPE, 404)


async def answer(send: Send, body: bytes, content_type: tuple[bytes, bytes], status: int = 200) -> None:
    headers = [content_type, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def whole(receive: Receive) -> bytes:
    message = await receive()
    if not message.get("more_body"):
        return message.get("body", b"")
    parts = [message["body"]]
    while message.get("more_body"):
        message = await receive()
        parts.append(message["body"])
    return b"".join(parts)


async def plaintext(scope: Scope, receive: Receive, send: Send) -> None:
    await answer(send, TEXT_BYTES, TEXT_TYPE)


async def json(scope: Scope, receive: Receive, send: Send) -> None:
    await answer(send, msgspec.json.encode(MESSAGE), JSON_TYPE)


async def validate(scope: Scope, receive: Receive, send: Send) -> None:
    try:
        person = msgspec.json.decode(await whole(receive), type=Person)
    except msgspec.ValidationError as error:
        await answer(send, str(error).encode(), TEXT_TYPE, 422)
    else:
        await answer(send, msgspec.json.encode(person), JSON_TYPE)


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    await answer(send, await whole(receive), BYTES_TYPE)


async def download(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [BYTES_TYPE]})
    for _ in range(CHUNKS):
        await send({"type": "http.response.body", "body": CHUNK, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def upload(scope: Scope, receive: Receive, send: Send) -> None:
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    await answer(send, b"%d" % size, TEXT_TYPE)


async def file(scope: Scope, receive: Receive, send: Send) -> None:
    path = FILES / scope["path"][7:]
    if "http.response.pathsend" not in (scope.get("extensions") or ()):
        await answer(send, path.read_bytes(), BYTES_TYPE)
        return
    headers = [BYTES_TYPE, (b"content-length", b"%d" % path.stat().st_size)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.pathsend", "path": str(path)})


async def sleep(scope: Scope, receive: Receive, send: Send) -> None:
    await asyncio.sleep(SLEEP)
    await answer(send, TEXT_BYTES, TEXT_TYPE)


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
