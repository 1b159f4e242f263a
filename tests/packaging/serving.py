"""A program that serves with stock twisted.web, or with the engine in one of several ways, until it gets SIGTERM.

python serving.py WAY [ENDPOINT]

It prints the address on which it listens.
"""

import sys
from typing import Any


def stock(endpoint: str) -> None:
    """Serve a site of twisted.web with `reactor.listenTCP`."""
    from twisted.internet import reactor

    announce(reactor.listenTCP(0, site(), interface="127.0.0.1"))
    reactor.run()


def accelerated(endpoint: str) -> None:
    """Serve a site as `stock` does, after a call of `accelerate`."""
    from twisted.internet import reactor

    from ropewalk.dropin import accelerate

    announce(reactor.listenTCP(0, accelerate(site()), interface="127.0.0.1"))
    reactor.run()


def described(endpoint: str) -> None:
    """Serve a site on the endpoint in the command line."""
    from twisted.internet import reactor
    from twisted.internet.endpoints import serverFromString

    serverFromString(reactor, endpoint).listen(site()).addCallback(announce)
    reactor.run()


def mounted(endpoint: str) -> None:
    """Serve a resource of twisted.web that is mounted in an app."""
    from twisted.internet import reactor

    from ropewalk import App

    app = App()
    app.mount("/", hello())
    announce(app.listen(reactor, "tcp:0:interface=127.0.0.1"))
    reactor.run()


def grafted(endpoint: str) -> None:
    """Serve an app that is grafted onto a tree of twisted.web."""
    from twisted.internet import reactor
    from twisted.web.resource import Resource

    from ropewalk import App, Request
    from ropewalk.dropin import accelerate, graft

    app = App()

    @app.get("/")
    def index(request: Request) -> str:
        return "Hello from App"

    root = Resource()
    root.putChild(b"app", graft(app))
    announce(reactor.listenTCP(0, accelerate(site(root)), interface="127.0.0.1"))
    reactor.run()


def websocket(endpoint: str) -> None:
    """A resource of `twisted.web.websocket`."""
    from twisted.internet import reactor
    from twisted.web.resource import Resource
    from twisted.web.websocket import WebSocketProtocol, WebSocketResource

    class Silent(WebSocketProtocol):
        def negotiationStarted(self, transport: Any) -> None: ...
        def negotiationFinished(self) -> None: ...
        def connectionLost(self, reason: Any) -> None: ...

        @classmethod
        def buildProtocol(cls, request: Any) -> "Silent":
            return cls()

    root = Resource()
    root.putChild(b"socket", WebSocketResource(Silent))
    announce(reactor.listenTCP(0, site(root), interface="127.0.0.1"))
    reactor.run()


def encrypted(endpoint: str) -> None:
    """A site on `listenSSL`, whose errors the program does not catch."""
    from twisted.internet import reactor as installed

    reactor: Any = installed
    reactor.listenSSL(0, site(), None)


def site(root: Any = None) -> Any:
    from twisted.web.server import Site

    return Site(root or hello())


def hello() -> Any:
    """A resource that responds with the channel of its request."""
    from twisted.web.resource import Resource

    class Hello(Resource):
        isLeaf = True

        def render_GET(self, request: Any) -> bytes:
            return f"Hello from {type(request.channel).__name__}".encode()

    return Hello()


def announce(port: Any) -> None:
    print(f"http://127.0.0.1:{port.getHost().port}", flush=True)


if __name__ == "__main__":
    globals()[sys.argv[1]](sys.argv[2] if len(sys.argv) > 2 else "")
