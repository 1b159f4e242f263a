"""A program of twisted.web with a grafted app, served by the engine, and its clients."""

import io
from collections.abc import Callable
from http.client import HTTPResponse
from typing import Any

import msgspec
from tests.unit.dropin.mounts import tree
from tests.unit.dropin.world import Client as Wire
from tests.unit.dropin.world import World
from twisted.web.server import Site

from ropewalk import App
from ropewalk.dropin import graft


class RecordingSite(Site):
    """A site that records the requests that it logs."""

    def __init__(self, resource: Any, world: World) -> None:
        super().__init__(resource, reactor=world.reactor)
        self.logged: list[Any] = []

    def log(self, request: Any) -> None:
        self.logged.append(request)


class Program:
    """A program of twisted.web that the engine serves."""

    def __init__(self, world: World, way: str) -> None:
        self.world = world
        self._way = way
        self.site: RecordingSite

    def serve(self, root: Any) -> "Program":
        self.site = RecordingSite(root, self.world)
        self.port = self.world.listen(self.site, self._way)
        return self

    def graft(self, app: Any, at: str = "api") -> "Program":
        return self.serve(tree(**{at: graft(app)}))

    def connect(self) -> Wire:
        return self.world.connect(self.port)

    def ask(self, method: str, path: str, *fields: str, body: bytes = b"", version: str = "1.1") -> "Reply":
        client = self.connect()
        lines = [f"{method} {path} HTTP/{version}", "Host: a", "Connection: close", *fields]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        client.send("\r\n".join([*lines, "", ""]).encode() + body)
        return Reply(method, client.rest())

    def shut_down(self) -> None:
        self.world.reactor.fireSystemEvent("shutdown")
        self.world.until(lambda: self._way != "accepted" or not self.port.connected)

    def get(self, path: str, *fields: str) -> "Reply":
        return self.ask("GET", path, *fields)


class Reply:
    def __init__(self, method: str, received: bytes) -> None:
        class Socket:
            def makefile(self, mode: str) -> Any:
                return io.BytesIO(received)

        socket: Any = Socket()
        response = HTTPResponse(socket, method=method)
        response.begin()
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()
        self.text = self.body.decode()


def app_of(call: Callable[..., Any], **options: Any) -> App:
    app = App(**options)
    app.route("/", methods=["GET", "POST"])(call)
    return app


class Room(msgspec.Struct):
    number: int
