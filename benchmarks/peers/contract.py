"""The endpoints of the peers. A program offers as many of these endpoints as its server can.

Each program in this folder runs in its own process, with this folder on its import path.

| request | response |
|---|---|
| `GET /plaintext` | `TEXT` |
| `GET /coroutine` | `TEXT`, from a coroutine handler that does not suspend |
| `GET /json` | `MESSAGE` as JSON |
| `GET /users/{id}` | the number `id`, as text |
| `POST /validate` | the `Person` of the body, as JSON; 400 or 422 where the body is not one |
| `POST /echo` | the body |
| `GET /download` | `CHUNKS` times `CHUNK`, streamed |
| `POST /upload` | the size of the body as text; the body is read as it comes |
| `GET /files/{name}` | a file of the folder `FILES` |
| `GET /sleep` | `TEXT`, after `SLEEP` seconds of asyncio |
| `GET /sleep-deferred` | `TEXT`, after `SLEEP` seconds of a Deferred |
| `GET /route/{n}` | `TEXT`, from one of `ROUTES` static routes |
"""

import os
import sys
from pathlib import Path
from typing import Annotated, Final

import msgspec

HOST: Final = "127.0.0.1"
TEXT: Final = "Hello, World!"
TEXT_BYTES: Final = TEXT.encode()
MESSAGE: Final = {"message": TEXT}

CHUNK: Final = bytes(range(256)) * 256
CHUNKS: Final = 160
STREAM_SIZE: Final = len(CHUNK) * CHUNKS
BODY_LIMIT: Final = 2 * STREAM_SIZE

FILES: Final = Path(__file__).resolve().parent.parent / "data"
SLEEP: Final = 0.010
ROUTES: Final = int(os.environ.get("BENCH_ROUTES", "10"))
KEEP_ALIVE: Final = 300


class Person(msgspec.Struct):
    """The body of `POST /validate`."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    age: Annotated[int, msgspec.Meta(ge=0, le=150)]


def port() -> int:
    """The port to listen on: the first argument of the program."""
    return int(sys.argv[1])
