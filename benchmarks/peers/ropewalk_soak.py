"""The app of `ropewalk_app.py` with handlers that fail, for the soak."""

from collections.abc import AsyncIterator, Iterator

from contract import CHUNK
from ropewalk_app import app

from ropewalk import HTTPError, Request

__all__ = ["app"]


@app.get("/raises")
async def raises(request: Request) -> str:
    raise LookupError("lost the rope")


@app.get("/refuses")
def refuses(request: Request) -> str:
    raise HTTPError(403, "Not here.")


@app.get("/breaks")
def breaks(request: Request) -> Iterator[bytes]:
    yield CHUNK
    raise LookupError("lost the end")


@app.get("/events")
async def events(request: Request) -> AsyncIterator[bytes]:
    for number in range(10):
        yield b"data: %d\n\n" % number
