"""The module that the worker of the node imports: procedures of WAMP, an app of WSGI, and a resource of twisted.web."""

from collections.abc import Callable, Iterable
from typing import Any

from autobahn.twisted.wamp import ApplicationSession
from autobahn.wamp.exception import ApplicationError
from twisted.internet.defer import inlineCallbacks
from twisted.internet.interfaces import IPullProducer
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET
from zope.interface import implementer

PIECE = b"0123456789abcdef" * 4096
PIECES = 48
"""The number of pieces of 64 KiB that the producer writes."""


class Backend(ApplicationSession):  # type: ignore[misc]  # the environment of the suite has it
    """A component that Crossbar runs in the worker."""

    @inlineCallbacks
    def onJoin(self, details: Any) -> Any:
        yield self.register(lambda first, second: first + second, "example.add")
        yield self.register(lambda size: "x" * size, "example.text")
        yield self.register(self.fail, "example.fail")

    def fail(self) -> None:
        raise ApplicationError("example.error", "as it should")


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Return a description of the request."""
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "application/octet-stream"), ("X-Path", environ["PATH_INFO"])])
    return [environ["REQUEST_METHOD"].encode(), b" ", body]


@implementer(IPullProducer)
class Pieces:
    """Writes a piece whenever there is space."""

    def __init__(self, request: Any) -> None:
        self.request = request
        self.left = PIECES
        request.registerProducer(self, False)

    def resumeProducing(self) -> None:
        self.left -= 1
        self.request.write(PIECE)
        if not self.left:
            self.request.unregisterProducer()
            self.request.finish()

    def stopProducing(self) -> None:
        self.left = 0


class Echo(Resource):
    """Returns the body of a POST, and produces a body for a GET."""

    isLeaf = True

    def __init__(self, *arguments: Any) -> None:
        """Crossbar calls this with the configuration."""
        super().__init__()

    def render_GET(self, request: Any) -> int:
        Pieces(request)
        return NOT_DONE_YET

    def render_POST(self, request: Any) -> bytes:
        return bytes(request.content.read())
