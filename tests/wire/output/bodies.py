"""Handlers whose bodies have a wrong length or type, or a status that forbids a body."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.wire.output.later import later

from ropewalk import NOT_DONE_YET, App, HTTPError, Request, Resource, Response

app = App()

SAID = 4
"""The Content-Length of every response."""


def said(body: Any, **options: Any) -> Response:
    return Response(body, headers={"content-length": str(SAID)}, **options)


def size(request: Request) -> int:
    return int(request.query["size"])


@app.get("/whole")
def whole(request: Request) -> Response:
    return said("x" * size(request))


@app.get("/whole-bytes")
async def whole_bytes(request: Request) -> Response:
    await later()
    return said(bytes(size(request)))


@app.get("/json")
def json(request: Request) -> Response:
    return said(["x" * size(request)])


@app.get("/prepared")
def prepared(request: Request) -> str:
    request.setHeader("content-length", str(SAID))
    return "x" * size(request)


@app.get("/file")
def file(request: Request) -> Response:
    return said(Path(__file__))


@app.get("/http-error")
def http_error(request: Request) -> None:
    raise HTTPError(404, "x" * size(request), [("content-length", str(SAID))])


@app.get("/by-the-engine")
def by_the_engine(request: Request) -> None:
    request.respond(200, [("Content-Length", str(SAID))], bytes(size(request)))


class FinishedOnly(Resource):
    isLeaf = True

    def render_GET(self, request: Request) -> int:
        request.setHeader("content-length", str(SAID))
        request.finish()
        return NOT_DONE_YET


app.mount("/finished-only", FinishedOnly())


@app.get("/parts")
def parts(request: Request) -> Response:
    return said("x" for _ in range(size(request)))


@app.get("/one-part")
def one_part(request: Request) -> Response:
    return said(iter(["x" * size(request)]))


@app.get("/async-parts")
async def async_parts(request: Request) -> Response:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(size(request)):
            await later()
            yield b"x"

    return said(parts())


@app.get("/begun")
async def begun(request: Request) -> None:
    request.begin(200, (), SAID)
    for _ in range(size(request)):
        await later()
        request.write(b"x")
    request.end()


class Written(Resource):
    isLeaf = True

    def render_GET(self, request: Request) -> int:
        request.setHeader(b"Content-Length", b"%d" % SAID)
        for _ in range(size(request)):
            request.write(b"x")
        request.finish()
        return NOT_DONE_YET


app.mount("/written", Written())


class WrittenLater(Resource):
    """Writes in a callback after its handler has returned. Only Twisted sees the exception, so the exception itself
    must name the handler."""

    isLeaf = True

    def render_GET(self, request: Request) -> int:
        request.setHeader("content-length", str(SAID))
        later().addCallback(self.write, request)
        return NOT_DONE_YET

    def write(self, _: None, request: Request) -> None:
        for _each in range(size(request)):
            request.write("x")
        request.finish()


app.mount("/written-later", WrittenLater())


@app.get("/none/{status:int}/whole")
def none_whole(request: Request, status: int) -> Response:
    return Response("x", status)


@app.get("/none/{status:int}/json")
def none_json(request: Request, status: int) -> Response:
    return Response({}, status)


@app.get("/none/{status:int}/file")
def none_file(request: Request, status: int) -> Response:
    return Response(Path(__file__), status)


@app.get("/none/{status:int}/parts")
def none_parts(request: Request, status: int) -> Response:
    return Response(iter(["x"]), status)


@app.get("/none/{status:int}/prepared")
def none_prepared(request: Request, status: int) -> str:
    request.setResponseCode(status)
    return "x"


class NoneWritten(Resource):
    isLeaf = True

    def __init__(self, status: int) -> None:
        self.status = status

    def render_GET(self, request: Request) -> int:
        request.setResponseCode(self.status)
        request.write("x")
        request.finish()
        return NOT_DONE_YET


for _status in (204, 205, 304):
    app.mount(f"/none/{_status}/written", NoneWritten(_status))


class Unreadable:
    """An object that raises for every attribute."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("not to be read")


class NoParts:
    def __init__(self, part: Any) -> None:
        self.part = part

    def __iter__(self) -> "NoParts":
        return self

    def __next__(self) -> Any:
        return self.part


class NoAsyncParts:
    def __aiter__(self) -> Any:
        return self

    def __anext__(self) -> Any:
        return 5


@dataclass
class Record:
    value: Any


async def forgotten() -> str:
    return "never awaited"


def recursive() -> list[Any]:
    inner: list[Any] = []
    inner.append(inner)
    return inner


no_bodies: dict[str, Callable[[], Any]] = {
    "int": lambda: 5,
    "tuple": lambda: ("x", 404),
    "tuple with headers": lambda: ("x", 404, {"x-one": "1"}),
    "set": lambda: {"x"},
    "object": object,
    "class": lambda: Record,
    "exception": lambda: LookupError("returned"),
    "lone surrogate": lambda: "a\ud800",
    "lone surrogate in a Response": lambda: Response("a\ud800"),
    "lone surrogate in JSON": lambda: {"a": "\ud800"},
    "object in JSON": lambda: {"a": object()},
    "coroutine in JSON": lambda: {"a": forgotten()},
    "object in a dataclass": lambda: Record(object()),
    "recursion in JSON": recursive,
    "int in a Response": lambda: Response(5),
    "coroutine in a Response": lambda: Response(forgotten()),
    "unreadable": Unreadable,
    "parts that are ints": lambda: NoParts(5),
    "parts that are None": lambda: NoParts(None),
    "parts with a lone surrogate": lambda: NoParts("\ud800"),
    "asynchronous parts that cannot be awaited": NoAsyncParts,
    "NUL in a path": lambda: Path("a\0b"),
}


@app.get("/no-body/{name}")
def no_body(request: Request, name: str) -> Any:
    return no_bodies[name]()


@app.get("/changed-body/{number:int}")
def changed_body(request: Request, number: int) -> Response:
    """A Response whose body is replaced later, as middleware may do."""
    response = Response("x")
    response.body = ({"a": 1}, None, 5, bytearray(b"bytes"))[number]
    return response


class NothingWritable(Resource):
    isLeaf = True

    def render_GET(self, request: Request) -> int:
        unfit: list[Any] = [5, None, "\ud800", bytearray(b"x"), ["x"]]
        request.write(unfit[int(request.query["number"])])
        return NOT_DONE_YET


app.mount("/nothing-writable", NothingWritable())


@app.get("/later-part/{name}")
def later_part(request: Request, name: str) -> Iterator[Any]:
    """The head was sent before the generator yields an object that is not a part."""
    yield "x"
    yield {"int": 5, "None": None, "surrogate": "\ud800", "list": ["x"]}[name]
