"""socketify with its own interface, on its own loop."""

import asyncio
from typing import Any

import msgspec
from contract import CHUNK, CHUNKS, FILES, HOST, MESSAGE, ROUTES, SLEEP, STREAM_SIZE, TEXT, Person, port
from socketify import App, AppListenOptions, sendfile

app = App()


def plaintext(res: Any, req: Any) -> None:
    res.end(TEXT)


async def coroutine(res: Any, req: Any) -> None:
    res.end(TEXT)


def json(res: Any, req: Any) -> None:
    res.end(MESSAGE)


def user(res: Any, req: Any) -> None:
    res.end(str(int(req.get_parameter(0))))


async def validate(res: Any, req: Any) -> None:
    body = await res.get_data()
    try:
        person = msgspec.json.decode(body.getvalue(), type=Person)
    except msgspec.ValidationError as error:
        message = str(error)
        res.cork(lambda res: res.write_status(422).end(message))
        return
    res.cork(lambda res: res.write_header("content-type", "application/json").end(msgspec.json.encode(person)))


async def echo(res: Any, req: Any) -> None:
    body = await res.get_data()
    res.cork_end(body.getvalue())


async def download(res: Any, req: Any) -> None:
    for _ in range(CHUNKS):
        ok, done = await res.send_chunk(CHUNK, STREAM_SIZE)
        if not ok or done:
            break


def upload(res: Any, req: Any) -> None:
    size = 0

    def more(res: Any, chunk: bytes | None, is_end: bool) -> None:
        nonlocal size
        size += len(chunk or b"")
        if is_end:
            res.end(str(size))

    res.on_data(more)


async def file(res: Any, req: Any) -> None:
    await sendfile(res, req, str(FILES / req.get_parameter(0)))


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
