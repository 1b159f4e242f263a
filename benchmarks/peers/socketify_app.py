"""socketify with its own interface, on its own loop."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from contract import CHUNK, CHUNKS, FILES, HOST, MESSAGE, ROUTES, SLEEP, STREAM_SIZE, TEXT, Person, port
from socketify import App, AppListenOptions, sendfile

app = App()

# Keep a reference to a waiting response: otherwise the collector frees it, and the process ends with a fatal error.
held: set[Any] = set()


def plaintext(res: Any, req: Any) -> None:
    res.end(TEXT)


async def coroutine(res: Any, req: Any) -> None:
    res.end(TEXT)


def json(res: Any, req: Any) -> None:
    res.end(MESSAGE)


def user(res: Any, req: Any) -> None:
    res.end(str(int(req.get_parameter(0))))


def validate(res: Any, req: Any) -> None:
    def parse(res: Any, body: bytes) -> None:
        try:
            person = msgspec.json.decode(body, type=Person)
        except msgspec.ValidationError as error:
            res.write_status(422).end(str(error))
        else:
            res.write_header("content-type", "application/json").end(msgspec.json.encode(person))

    whole(res, parse)


def echo(res: Any, req: Any) -> None:
    whole(res, lambda res, body: res.end(body))


def whole(res: Any, then: Callable[[Any, bytes], Any]) -> None:
    parts: list[bytes] = []
    each_chunk(res, parts.append, lambda res: then(res, b"".join(parts)))


def upload(res: Any, req: Any) -> None:
    size = 0

    def count(chunk: bytes) -> None:
        nonlocal size
        size += len(chunk)

    each_chunk(res, count, lambda res: res.end(str(size)))


def each_chunk(res: Any, take: Callable[[bytes], Any], end: Callable[[Any], Any]) -> None:
    def more(res: Any, chunk: bytes | None, is_end: bool) -> None:
        if chunk:
            take(chunk)
        if is_end:
            held.discard(res)
            end(res)

    held.add(res)
    res.on_aborted(held.discard)
    res.on_data(more)


async def download(res: Any, req: Any) -> None:
    with holding(res):
        for _ in range(CHUNKS):
            ok, done = await res.send_chunk(CHUNK, STREAM_SIZE)
            if not ok or done:
                break


async def file(res: Any, req: Any) -> None:
    with holding(res):
        await sendfile(res, req, str(FILES / req.get_parameter(0)))


@contextmanager
def holding(res: Any) -> Iterator[None]:
    held.add(res)
    try:
        yield
    finally:
        held.discard(res)


async def sleep(res: Any, req: Any) -> None:
    await asyncio.sleep(SLEEP)
    res.cork_end(TEXT)


app.get("/plaintext", plaintext)
app.get("/coroutine", coroutine)
app.get("/json", json)
app.get("/users/:number", user)
app.post("/validate", validate)
app.post("/echo", echo)
app.get("/download", download)
app.post("/upload", upload)
app.get("/files/:name", file)
app.get("/sleep", sleep)
for number in range(ROUTES):
    app.get(f"/route/{number}", plaintext)

if __name__ == "__main__":
    app.listen(AppListenOptions(port=port(), host=HOST))
    app.run()
