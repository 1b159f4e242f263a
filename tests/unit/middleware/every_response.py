"""An app with every kind of response, for tests of what a middleware adds to all of them."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, succeed

from ropewalk import App, Files, HTTPError, Request, asgi, wsgi
from ropewalk.middleware import Middleware


def every_response(*middleware: Middleware) -> App:
    app = App(middleware=middleware)
    inner = App()

    @app.get("/text")
    def text(request: Request) -> str:
        return "text"

    @app.get("/deferred")
    def deferred(request: Request) -> "Deferred[str]":
        return succeed("text")

    @app.get("/coroutine")
    async def coroutine(request: Request) -> dict[str, int]:
        return {"a": 1}

    @app.get("/parts")
    def parts(request: Request) -> Iterator[str]:
        yield "a"
        yield "b"

    @app.get("/async-parts")
    async def async_parts(request: Request) -> AsyncIterator[str]:
        yield "a"
        yield "b"

    @app.get("/file")
    def file(request: Request) -> Path:
        return Path(__file__)

    @app.get("/error")
    def error(request: Request) -> str:
        raise HTTPError(409)

    @inner.get("/text")
    def mounted(request: Request) -> str:
        return "mounted"

    app.mount("/files", Files(Path(__file__).parent))
    app.mount("/inner", inner)
    app.mount("/asgi", asgi(asgi_application))
    app.mount("/wsgi", wsgi(wsgi_application))
    return app


async def asgi_application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        raise NotImplementedError
    body = b""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message.get("body", b"")
        more = message.get("more_body", False)
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"asgi " + body})


def wsgi_application(environ: Any, start_response: Any) -> list[bytes]:
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"wsgi " + body]


PATHS = {
    "/text": 200,
    "/deferred": 200,
    "/coroutine": 200,
    "/parts": 200,
    "/async-parts": 200,
    "/file": 200,
    "/error": 409,
    "/files/every_response.py": 200,
    "/files/missing": 404,
    "/inner/text": 200,
    "/asgi/x": 200,
    "/wsgi/x": 200,
    "/nowhere": 404,
    "/%ff": 400,
}
"""Paths and the status of their responses."""
