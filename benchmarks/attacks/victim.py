"""The server under attack: one handler of each kind. The command line serves `app`."""

import os
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

from ropewalk import App, Files, Request

TEXT: Final = "Hello, World!"
BIG: Final = bytes(range(256)) * 4096
PARTS: Final = 64
PART: Final = BIG[: 16 * 1024]
BODY_LIMIT: Final = 64 << 20

app = App()

if "ATTACK_FILES" in os.environ:
    app.mount("/files", Files(os.environ["ATTACK_FILES"]))


@app.get("/")
def hello(request: Request) -> str:
    return TEXT


@app.post("/form")
def form(request: Request) -> str:
    """Called when the whole body has arrived: in memory, or beyond `spool_size` in a file."""
    return str(request.content.seek(0, os.SEEK_END))


@app.post("/upload", body_limit=BODY_LIMIT)
async def upload(request: Request) -> str:
    """Reads the body as it arrives."""
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
    return str(size)


@app.get("/big")
def big(request: Request) -> bytes:
    return BIG


@app.get("/stream")
def stream(request: Request) -> Iterator[bytes]:
    for _ in range(PARTS):
        yield PART


@app.post("/echo", body_limit=BODY_LIMIT)
async def echo(request: Request) -> AsyncIterator[bytes]:
    return request.stream()


@app.get("/counters")
def counters(request: Request) -> dict[str, Any]:
    found: dict[str, Any] = request.service.engine.counters()
    return found
