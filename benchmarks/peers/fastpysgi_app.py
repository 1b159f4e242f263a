"""fastpysgi in its WSGI mode, the fast one. A handler that sleeps would stop its only thread."""

from collections.abc import Callable, Iterable
from typing import Any

import fastpysgi
import msgspec
from contract import BODY_LIMIT, CHUNK, CHUNKS, FILES, HOST, MESSAGE, ROUTES, TEXT_BYTES, Person, port

Environ = dict[str, Any]
Start = Callable[[str, list[tuple[str, str]]], None]
Handler = Callable[[Environ, Start], Iterable[bytes]]

TEXT_TYPE = ("Content-Type", "text/plain; charset=utf-8")
JSON_TYPE = ("Content-Type", "application/json")
BYTES_TYPE = ("Content-Type", "application/octet-stream")
READ_SIZE = 65536


def app(environ: Environ, start: Start) -> Iterable[bytes]:
    path = environ["PATH_INFO"]
    handler = ROUTED.get(path)
    if handler is not None:
        return handler(environ, start)
    if path.startswith("/users/"):
        return answer(start, b"%d" % int(path[7:]), TEXT_TYPE)
    if path.startswith("/files/"):
        return answer(start, (FILES / path[7:]).read_bytes(), BYTES_TYPE)
    return answer(start, b"not found", TEXT_TYPE, "404 Not Found")


def answer(start: Start, body: bytes, content_type: tuple[str, str], status: str = "200 OK") -> list[bytes]:
    start(status, [content_type])
    return [body]


def plaintext(environ: Environ, start: Start) -> list[bytes]:
    return answer(start, TEXT_BYTES, TEXT_TYPE)


def json(environ: Environ, start: Start) -> list[bytes]:
    return answer(start, msgspec.json.encode(MESSAGE), JSON_TYPE)


def validate(environ: Environ, start: Start) -> list[bytes]:
    try:
        person = msgspec.json.decode(environ["wsgi.input"].read(), type=Person)
    except msgspec.ValidationError as error:
        return answer(start, str(error).encode(), TEXT_TYPE, "422 Unprocessable Entity")
    return answer(start, msgspec.json.encode(person), JSON_TYPE)


def echo(environ: Environ, start: Start) -> list[bytes]:
    return answer(start, environ["wsgi.input"].read(), BYTES_TYPE)


def download(environ: Environ, start: Start) -> Iterable[bytes]:
    start("200 OK", [BYTES_TYPE])
    return (CHUNK for _ in range(CHUNKS))


def upload(environ: Environ, start: Start) -> list[bytes]:
    body, size = environ["wsgi.input"], 0
    while chunk := body.read(READ_SIZE):
        size += len(chunk)
    return answer(start, b"%d" % size, TEXT_TYPE)


ROUTED: dict[str, Handler] = {
    "/plaintext": plaintext,
    "/json": json,
    "/validate": validate,
    "/echo": echo,
    "/download": download,
    "/upload": upload,
    **{f"/route/{number}": plaintext for number in range(ROUTES)},
}

if __name__ == "__main__":
    fastpysgi.server.max_content_length = BODY_LIMIT
    fastpysgi.server.tcp_nodelay = 1
    fastpysgi.run(app, host=HOST, port=port())
