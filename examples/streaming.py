"""Bodies that are never whole in memory: a streamed upload, a streamed download, and both at the same time.

Try these in another terminal:

    curl --data-binary @big.iso http://127.0.0.1:8080/digest
    curl --no-buffer http://127.0.0.1:8080/countdown/5
    curl --no-buffer --data-binary @notes.txt http://127.0.0.1:8080/upper
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator

from ropewalk import App, Request, Response

app = App()


@app.post("/digest", body_limit=1 << 40)
async def digest(request: Request) -> dict[str, str | int]:
    """Hash each part of an upload as it arrives. Meanwhile the client has to wait."""
    sha256 = hashlib.sha256()
    size = 0
    async for part in request.stream():
        sha256.update(part)
        size += len(part)
    return {"sha256": sha256.hexdigest(), "bytes": size}


@app.get("/zeros/{mebibytes:int}")
def zeros(request: Request, mebibytes: int) -> Iterator[bytes]:
    """Return a generator. It produces a part only when the client has read the previous parts."""
    part = bytes(1 << 16)
    for _ in range(mebibytes << 4):
        yield part


@app.get("/countdown/{start:int}")
async def countdown(request: Request, start: int) -> AsyncIterator[str]:
    """An async generator may wait between its parts. It ends if the client disconnects."""
    for number in range(start, 0, -1):
        yield f"{number}\n"
        await asyncio.sleep(0.1)
    yield "Lift-off\n"


@app.post("/upper")
async def upper(request: Request) -> Response:
    """Read and send at the same time: send the body back in capitals."""

    async def capitals() -> AsyncIterator[bytes]:
        async for part in request.stream():
            yield part.upper()

    return Response(capitals(), content_type="text/plain; charset=utf-8")


if __name__ == "__main__":
    app.run(port=8080)
