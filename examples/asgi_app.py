"""An ASGI application beside a Ropewalk route. Any ASGI framework works in the same way.

Try these in another terminal:

    curl http://127.0.0.1:8080/
    curl http://127.0.0.1:8080/app/hello
    curl --data-binary @notes.txt http://127.0.0.1:8080/app/upper
    curl --no-buffer http://127.0.0.1:8080/app/countdown
"""

import asyncio

from ropewalk import App, Request, asgi
from ropewalk.asgi import Receive, Scope, Send

TEXT = [(b"content-type", b"text/plain; charset=utf-8")]


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Choose a function by the path in the scope, as a framework does."""
    if scope["type"] == "lifespan":
        await live(scope, receive, send)
        return
    match scope["path"].removeprefix(scope["root_path"]):
        case "/hello":
            await answer(send, f"{scope['state']['greeting']}, {scope['client'][0]}!\n".encode())
        case "/upper":
            await upper(receive, send)
        case "/countdown":
            await countdown(send)
        case _:
            await answer(send, b"There is nothing here.\n", status=404)


async def live(scope: Scope, receive: Receive, send: Send) -> None:
    """Handle the start and the stop. Every request gets a copy of the state."""
    await receive()
    scope["state"]["greeting"] = "Hello"
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def answer(send: Send, body: bytes, status: int = 200) -> None:
    """Respond with a whole body."""
    await send({"type": "http.response.start", "status": status, "headers": TEXT})
    await send({"type": "http.response.body", "body": body})


async def upper(receive: Receive, send: Send) -> None:
    """Read and send at the same time: send the body back in capitals."""
    await send({"type": "http.response.start", "status": 200, "headers": TEXT})
    more = True
    while more:
        message = await receive()
        more = message.get("more_body", False)
        await send({"type": "http.response.body", "body": message.get("body", b"").upper(), "more_body": more})


async def countdown(send: Send) -> None:
    """Send several parts, and wait after each."""
    await send({"type": "http.response.start", "status": 200, "headers": TEXT})
    for number in (b"3", b"2", b"1"):
        await send({"type": "http.response.body", "body": number + b"\n", "more_body": True})
        await asyncio.sleep(0.1)
    await send({"type": "http.response.body", "body": b"Lift-off\n"})


app = App()
app.mount("/app", asgi(application))


@app.get("/")
def index(request: Request) -> str:
    return "Ropewalk itself. Below /app it is the application.\n"


if __name__ == "__main__":
    app.run(port=8080)
