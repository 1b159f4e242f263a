"""The service for the tests of the wire."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import ILogObserver, LogEvent, LogLevel, formatEvent, globalLogPublisher
from zope.interface import provider

from ropewalk import App, Limits, Request, Response

# Clients that send single bytes on a slow machine need long timeouts.
app = App(limits=Limits(body_size=100_000, head_timeout=60, body_grace=60, linger_timeout=60))

held: defaultdict[str, "Deferred[str]"] = defaultdict(Deferred)

witnessed: list[bytes] = []

logged: list[str] = []


@provider(ILogObserver)
def observe(event: LogEvent) -> None:
    """Record what `Books` reads: refusals, warnings and errors."""
    line = formatEvent(event)
    if line.startswith("RW510 ") or event["log_level"] > LogLevel.info:
        logged.append(f"{event['log_level'].name} {line}")


globalLogPublisher.addObserver(observe)


@app.get("/")
def hello(request: Request) -> str:
    return "Hello, World!"


@app.route("/facts", methods=["GET", "POST", "OPTIONS"])
def facts(request: Request) -> dict[str, Any]:
    return {
        "method": request.method,
        "target": request.target.decode(),
        "path": request.path,
        "host": request.host,
        "version": request.http_version,
        "headers": [[name.decode(), value.decode("latin-1")] for name, value in request.raw_headers()],
        "length": request.content_length,
        "body": request.content.read().decode("latin-1"),
        "trailers": [[name.decode(), value.decode()] for name, value in request.trailers()],
    }


@app.post("/echo")
def echo(request: Request) -> bytes:
    return request.content.read()


@app.post("/stream", body_limit=100_000_000)
async def stream(request: Request) -> AsyncIterator[bytes]:
    return request.stream()


@app.post("/gather")
async def gather(request: Request) -> bytes:
    return await request.body()


@app.post("/begun")
async def begun(request: Request) -> AsyncIterator[bytes]:
    yield b"begun "
    yield b"%d" % len(await request.body())


@app.post("/ignore")
async def ignore(request: Request) -> str:
    return "ignored"


@app.get("/held/{name}")
def hold(request: Request, name: str) -> "Deferred[str]":
    return held[name]


@app.post("/release/{name}")
def release(request: Request, name: str) -> None:
    held[name].callback(name)


@app.get("/parts")
def parts(request: Request) -> Iterator[str]:
    yield "one "
    yield ""
    yield "two"


@app.get("/large")
def large(request: Request) -> bytes:
    return bytes(range(256)) * 16_384


@app.get("/early")
def early(request: Request) -> str:
    request.interim(103, [("Link", "</style.css>; rel=preload")])
    return "late"


@app.get("/last")
def last(request: Request) -> Response:
    return Response("last", headers={"connection": "close"})


@app.get("/nothing")
def nothing(request: Request) -> None:
    return None


@app.get("/unchanged")
def unchanged(request: Request) -> Response:
    return Response(None, 304, {"etag": '"1"'})


@app.get("/elsewhere")
def elsewhere(request: Request) -> Response:
    return Response.redirect(request.query["to"])


@app.get("/forged")
def forged(request: Request) -> Response:
    return Response("", headers={"x-forged": "a\r\nSet-Cookie: b"})


@app.get("/counters")
def counters(request: Request) -> dict[str, Any]:
    counters: dict[str, Any] = request.service.engine.counters()
    return counters


@app.get("/witness")
def witness(request: Request) -> None:
    witnessed.append(request.target)


@app.get("/books")
def books(request: Request) -> dict[str, Any]:
    engine = request.service.engine
    engine.set_debug(True)
    counters, log = engine.counters(), logged.copy()
    logged.clear()
    return {
        "requests": counters["requests"],
        "refused": counters["refused"],
        "witnessed": len(witnessed),
        "log": log,
    }
