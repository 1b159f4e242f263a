"""Klein on the default reactor."""

from typing import Any

import msgspec
from contract import CHUNK, FILES, HOST, KEEP_ALIVE, MESSAGE, ROUTES, SLEEP, TEXT, Person, port
from klein import Klein
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.web.server import Request, Site
from twisted.web.static import File
from twisted_web import Download

TEXT_TYPE = "text/plain; charset=utf-8"
JSON_TYPE = "application/json"
BYTES_TYPE = "application/octet-stream"
READ_SIZE = 65536

app = Klein()


@app.route("/plaintext")
def plaintext(request: Request) -> str:
    request.setHeader("content-type", TEXT_TYPE)
    return TEXT


@app.route("/coroutine")
async def coroutine(request: Request) -> str:
    request.setHeader("content-type", TEXT_TYPE)
    return TEXT


@app.route("/json")
def json(request: Request) -> bytes:
    request.setHeader("content-type", JSON_TYPE)
    return msgspec.json.encode(MESSAGE)


@app.route("/users/<int:number>")
def user(request: Request, number: int) -> str:
    request.setHeader("content-type", TEXT_TYPE)
    return str(number)


@app.route("/validate", methods=["POST"])
def validate(request: Request) -> bytes:
    try:
        person = msgspec.json.decode(request.content.read(), type=Person)
    except msgspec.ValidationError as error:
        request.setResponseCode(422)
        return str(error).encode()
    request.setHeader("content-type", JSON_TYPE)
    return msgspec.json.encode(person)


@app.route("/echo", methods=["POST"])
def echo(request: Request) -> bytes:
    request.setHeader("content-type", BYTES_TYPE)
    return request.content.read()


@app.route("/download")
def download(request: Request) -> Deferred[None]:
    request.setHeader("content-type", BYTES_TYPE)
    finished: Deferred[None] = Deferred()
    request.registerProducer(KleinDownload(request, finished), False)
    return finished


@app.route("/upload", methods=["POST"])
def upload(request: Request) -> str:
    size = 0
    while chunk := request.content.read(READ_SIZE):
        size += len(chunk)
    return str(size)


@app.route("/files/", branch=True)
def files(request: Request) -> File:
    return File(str(FILES))


@app.route("/sleep-deferred")
def sleep(request: Request) -> Deferred[str]:
    request.setHeader("content-type", TEXT_TYPE)
    return deferLater(reactor, SLEEP, lambda: TEXT)


class KleinDownload(Download):
    """Klein finishes the request itself when this Deferred fires."""

    def __init__(self, request: Request, finished: Deferred[None]) -> None:
        super().__init__(request)
        self.finished = finished

    def resumeProducing(self) -> None:
        self.request.write(CHUNK)
        self.left -= 1
        if self.left == 0:
            self.request.unregisterProducer()
            self.finished.callback(None)


def routes(app: Klein) -> None:
    def route(request: Request) -> Any:
        request.setHeader("content-type", TEXT_TYPE)
        return TEXT

    for number in range(ROUTES):
        app.route(f"/route/{number}", endpoint=f"route-{number}")(route)


if __name__ == "__main__":
    routes(app)
    reactor.listenTCP(port(), Site(app.resource(), timeout=KEEP_ALIVE), backlog=1024, interface=HOST)
    reactor.run()
