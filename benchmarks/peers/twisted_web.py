"""twisted.web on the default reactor."""

from collections.abc import Callable
from typing import Any

import msgspec
from contract import CHUNK, CHUNKS, FILES, HOST, KEEP_ALIVE, MESSAGE, ROUTES, SLEEP, TEXT_BYTES, Person, port
from twisted.internet import reactor
from twisted.internet.interfaces import IPullProducer
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site
from twisted.web.static import File
from zope.interface import implementer

READ_SIZE = 65536


class Page(Resource):
    isLeaf = True

    def __init__(self, handler: Callable[[Request], Any], content_type: bytes = b"text/plain; charset=utf-8") -> None:
        super().__init__()
        self.handler = handler
        self.content_type = content_type

    def render_GET(self, request: Request) -> Any:
        request.setHeader(b"content-type", self.content_type)
        return self.handler(request)

    render_POST = render_GET


class Users(Resource):
    def getChild(self, path: bytes, request: Request) -> Resource:
        number = int(path)
        return Page(lambda request: b"%d" % number)


@implementer(IPullProducer)
class Download:
    def __init__(self, request: Request) -> None:
        self.request = request
        self.left = CHUNKS

    def resumeProducing(self) -> None:
        self.request.write(CHUNK)
        self.left -= 1
        if self.left == 0:
            self.request.unregisterProducer()
            self.request.finish()

    def stopProducing(self) -> None:
        pass


def plaintext(request: Request) -> bytes:
    return TEXT_BYTES


def json(request: Request) -> bytes:
    return msgspec.json.encode(MESSAGE)


def validate(request: Request) -> bytes:
    try:
        person = msgspec.json.decode(request.content.read(), type=Person)
    except msgspec.ValidationError as error:
        request.setResponseCode(422)
        return str(error).encode()
    return msgspec.json.encode(person)


def echo(request: Request) -> bytes:
    return request.content.read()


def download(request: Request) -> int:
    request.registerProducer(Download(request), False)
    return NOT_DONE_YET


def upload(request: Request) -> bytes:
    size = 0
    while chunk := request.content.read(READ_SIZE):
        size += len(chunk)
    return b"%d" % size


def sleep(request: Request) -> int:
    def wake() -> None:
        request.write(TEXT_BYTES)
        request.finish()

    reactor.callLater(SLEEP, wake)
    return NOT_DONE_YET


def tree() -> Resource:
    root = Resource()
    root.putChild(b"plaintext", Page(plaintext))
    root.putChild(b"json", Page(json, b"application/json"))
    root.putChild(b"users", Users())
    root.putChild(b"validate", Page(validate, b"application/json"))
    root.putChild(b"echo", Page(echo, b"application/octet-stream"))
    root.putChild(b"download", Page(download, b"application/octet-stream"))
    root.putChild(b"upload", Page(upload))
    root.putChild(b"files", File(str(FILES)))
    root.putChild(b"sleep-deferred", Page(sleep))
    routes = Resource()
    for number in range(ROUTES):
        routes.putChild(b"%d" % number, Page(plaintext))
    root.putChild(b"route", routes)
    return root


if __name__ == "__main__":
    reactor.listenTCP(port(), Site(tree(), timeout=KEEP_ALIVE), backlog=1024, interface=HOST)
    reactor.run()
