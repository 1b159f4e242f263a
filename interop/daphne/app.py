"""An ASGI app that responds over HTTP and WebSocket, by path."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

MEBIBYTE = 1024 * 1024

left_with: list[str] = []
"""The events with which clients of `/watched` and of the WebSocket `/echo` have left."""


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    names = {"http": HTTP, "websocket": WEBSOCKET}[scope["type"]]
    await names.get(scope["path"], unknown)(scope, receive, send)


async def unknown(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close"})
    else:
        await respond(send, b"not here", 404)


async def respond(send: Send, body: bytes, status: int = 200, headers: list[tuple[bytes, bytes]] | None = None) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [length, *(headers or [])]})
    await send({"type": "http.response.body", "body": body})


async def body_of(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    await respond(send, b"hello", headers=[(b"x-two", b"1"), (b"x-two", b"2")])


async def scope_(scope: Scope, receive: Receive, send: Send) -> None:
    shown = {key: scope[key] for key in ("type", "method", "path", "http_version", "scheme", "root_path")}
    shown["raw_path"], shown["query_string"] = scope["raw_path"].decode(), scope["query_string"].decode()
    shown["headers"] = sorted(
        (name.decode(), value.decode()) for name, value in scope["headers"] if name.startswith(b"x-")
    )
    shown["client"] = scope["client"][0]
    await respond(send, json.dumps(shown).encode())


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    await respond(send, await body_of(receive))


async def pieces(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for number in range(100):
        await send({"type": "http.response.body", "body": b"%05d" % number * 1000, "more_body": True})
        await asyncio.sleep(0)
    await send({"type": "http.response.body", "body": b"end"})


async def failing(scope: Scope, receive: Receive, send: Send) -> None:
    raise ValueError("as it is meant to")


async def watched(scope: Scope, receive: Receive, send: Send) -> None:
    """Sends half of a response, and waits until the client leaves."""
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"half", "more_body": True})
    left_with.append((await receive())["type"])


async def left(scope: Scope, receive: Receive, send: Send) -> None:
    """Responds when a client has left with the event that the query names."""
    while scope["query_string"].decode() not in left_with:
        await asyncio.sleep(0.01)
    left_with.remove(scope["query_string"].decode())
    await respond(send, b"yes")


async def ws_echo(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    wanted = scope["subprotocols"]
    await send({"type": "websocket.accept", "subprotocol": wanted[-1] if wanted else None})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message.get("text"), "bytes": message.get("bytes")})
    left_with.append(str(message["code"]))


async def ws_flood(scope: Scope, receive: Receive, send: Send) -> None:
    """Sends sixteen messages of a mebibyte, and closes."""
    await receive()
    await send({"type": "websocket.accept"})
    for number in range(16):
        await send({"type": "websocket.send", "bytes": bytes([number]) * MEBIBYTE})
    await send({"type": "websocket.close", "code": 4001})


async def ws_refusing(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.close"})


async def ws_failing(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    raise ValueError("as it is meant to")


HTTP = {
    "/": hello,
    "/scope": scope_,
    "/with space": scope_,
    "/echo": echo,
    "/pieces": pieces,
    "/failing": failing,
    "/watched": watched,
    "/left": left,
}
WEBSOCKET = {"/echo": ws_echo, "/flood": ws_flood, "/refusing": ws_refusing, "/failing": ws_failing}
