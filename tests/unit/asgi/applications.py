"""Applications for tests, and functions to serve them."""

from collections.abc import Sequence
from typing import Any

from ropewalk import App
from ropewalk.asgi import Application, ASGIOptions, Message, Receive, Scope, Send, asgi

PLAIN = [(b"content-type", b"text/plain")]


def hosting(application: Any, path: str = "/", **options: Any) -> App:
    """An app in which only this application is mounted."""
    app = App()
    app.mount(path, asgi(application, ASGIOptions(**options)))
    return app


def start(status: Any = 200, headers: Any = PLAIN, **more: Any) -> Message:
    return {"type": "http.response.start", "status": status, "headers": headers, **more}


def body(data: Any = b"", more_body: bool = False) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": more_body}


def sending(*messages: Message) -> Application:
    """Make an application that sends these messages."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    return application


def keeping(scopes: list[Scope], *messages: Message) -> Application:
    """Make an application as `sending` does, which also records every scope."""
    inner = sending(*(messages or (start(), body(b"kept"))))

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)
        await inner(scope, receive, send)

    return application


def lived(*messages: str, state: dict[str, Any] | None = None, seen: list[str] | None = None) -> Application:
    """Make an application that responds to each lifespan message with one of these messages, and to a request with its
    state."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            scope["state"].update(state or {})
            for message in messages:
                kind = (await receive())["type"]
                if seen is not None:
                    seen.append(kind)
                await send({"type": message, "message": "because"})
            return
        await send(start())
        await send(body(repr(scope["state"]).encode()))

    return application


LIFE: Sequence[str] = ("lifespan.startup.complete", "lifespan.shutdown.complete")
