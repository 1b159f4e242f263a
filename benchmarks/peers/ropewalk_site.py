"""Ropewalk as a resource tree: `Site` with `reactor.listenTCP`, on Twisted's epoll reactor."""

from collections.abc import Callable, Iterator
from typing import Any

from contract import BODY_LIMIT, CHUNK, CHUNKS, FILES, HOST, MESSAGE, ROUTES, SLEEP, TEXT, Person, port
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from ropewalk import Files, Limits, Request, Resource, Site


class Text(Resource):
    content_type = "text/plain; charset=utf-8"


class Plaintext(Text):
    def render_GET(self, request: Request) -> str:
        return TEXT


class Coroutine(Text):
    async def render_GET(self, request: Request) -> str:
        return TEXT


class Json(Resource):
    def render_GET(self, request: Request) -> dict[str, str]:
        return dict(MESSAGE)


class User(Text):
    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def render_GET(self, request: Request) -> str:
        return str(self.number)


class Users(Resource):
    def getChild(self, name: Any, request: Request) -> Resource:
        return User(int(name))


class Validate(Resource):
    async def render_POST(self, request: Request) -> Person:
        return await request.json(Person)


class Echo(Resource):
    content_type = "application/octet-stream"

    def render_POST(self, request: Request) -> bytes:
        return request.content.read()


class Download(Resource):
    content_type = "application/octet-stream"

    def render_GET(self, request: Request) -> Iterator[bytes]:
        for _ in range(CHUNKS):
            yield CHUNK


class Upload(Text):
    async def render_POST(self, request: Request) -> str:
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
        return str(size)


class Sleep(Text):
    def render_GET(self, request: Request) -> Deferred[str]:
        return deferLater(reactor, SLEEP, lambda: TEXT)


CHILDREN: dict[str, Callable[[], Resource]] = {
    "plaintext": Plaintext,
    "coroutine": Coroutine,
    "json": Json,
    "users": Users,
    "validate": Validate,
    "echo": Echo,
    "download": Download,
    "upload": Upload,
    "files": lambda: Files(FILES),
    "sleep-deferred": Sleep,
}


def tree() -> Resource:
    root = Resource()
    for name, child in CHILDREN.items():
        root.putChild(name, child())
    routes = Resource()
    for number in range(ROUTES):
        routes.putChild(str(number), Plaintext())
    root.putChild("route", routes)
    return root


if __name__ == "__main__":
    reactor.listenTCP(port(), Site(tree(), limits=Limits(body_size=BODY_LIMIT)), backlog=1024, interface=HOST)
    reactor.run()
