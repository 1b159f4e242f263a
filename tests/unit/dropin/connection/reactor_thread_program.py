"""The program of `test_reactor_thread`: a reactor runs in one thread, and another thread opens its ports.

python reactor_thread_program.py REACTOR WAY RECIPE
"""

import http.client
import importlib
import socket
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ropewalk.errors import EngineError

REACTORS = {"epoll": "epollreactor", "poll": "pollreactor", "select": "selectreactor", "asyncio": "asyncioreactor"}
LIVE = 20
"""The program counts as hanging after this many seconds."""


def stock(reactor: Any, path: str) -> Any:
    from twisted.web.server import Site

    return reactor.listenTCP(0, Site(resource()), interface="127.0.0.1")


def replaced(reactor: Any, path: str) -> Any:
    from ropewalk.dropin.entry.monkeypatch import replace

    replace()
    return stock(reactor, path)


def unix(reactor: Any, path: str) -> Any:
    from twisted.web.server import Site

    from ropewalk.dropin.entry.monkeypatch import replace

    replace()
    return reactor.listenUNIX(path, Site(resource()))


def wrapped(reactor: Any, path: str) -> Any:
    from twisted.protocols.policies import WrappingFactory
    from twisted.web.server import Site

    from ropewalk.dropin.entry.monkeypatch import replace

    replace()
    return reactor.listenTCP(0, WrappingFactory(Site(resource())), interface="127.0.0.1")


def accelerated(reactor: Any, path: str) -> Any:
    from twisted.web.server import Site

    from ropewalk.dropin import accelerate

    return reactor.listenTCP(0, accelerate(Site(resource())), interface="127.0.0.1")


def endpoint(reactor: Any, path: str) -> Any:
    from twisted.internet.endpoints import serverFromString
    from twisted.web.server import Site

    ports: list[Any] = []
    listening = serverFromString(reactor, "ropewalk:tcp:0:interface=127.0.0.1").listen(Site(resource()))
    listening.addCallback(ports.append)
    return ports[0]


def site(reactor: Any, path: str) -> Any:
    from ropewalk import Site

    return reactor.listenTCP(0, Site(app()), interface="127.0.0.1")


def native(reactor: Any, path: str) -> Any:
    from ropewalk import App

    serving: App = app()
    return serving.listen(reactor, "tcp:0:interface=127.0.0.1")


def in_app(reactor: Any, path: str) -> Any:
    from ropewalk import App
    from ropewalk.dropin import mounted

    serving = App()
    serving.mount("/", mounted(resource()))
    return serving.listen(reactor, "tcp:0:interface=127.0.0.1")


def by_wsgi(reactor: Any, path: str) -> Any:
    from ropewalk import App
    from ropewalk.wsgi import wsgi

    def application(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"hello"]

    serving = App()
    serving.mount("/", wsgi(application))
    return serving.listen(reactor, "tcp:0:interface=127.0.0.1")


WAYS: dict[str, Callable[[Any, str], Any]] = {
    "stock": stock,
    "replaced": replaced,
    "unix": unix,
    "wrapped": wrapped,
    "accelerated": accelerated,
    "endpoint": endpoint,
    "site": site,
    "native": native,
    "mounted": in_app,
    "wsgi": by_wsgi,
}


def resource() -> Any:
    """Return a tree of twisted.web."""
    from twisted.internet import reactor
    from twisted.web.resource import Resource
    from twisted.web.server import NOT_DONE_YET

    class Here(Resource):
        isLeaf = True

        def render_GET(self, request: Any) -> Any:
            if request.path == b"/later":
                reactor.callLater(0.001, finish, request)
                return NOT_DONE_YET
            if request.path == b"/thread":
                # Twisted forbids this, but programs do it.
                threading.Thread(target=finish, args=(request,)).start()
                return NOT_DONE_YET
            return b"hello"

    def finish(request: Any) -> None:
        request.write(b"hello")
        request.finish()

    return Here()


def app() -> Any:
    from ropewalk import App

    serving = App()

    @serving.get("/{name}")
    def hello(request: Any, name: str) -> str:
        return "hello"

    return serving


def ask(port: Any, path: str, target: str) -> str:
    """Return the response to a request of a blocking client."""
    if isinstance(port.getHost(), _unix_address()):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(LIVE)
        sock.connect(path)
    else:
        sock = socket.create_connection(("127.0.0.1", port.getHost().port), timeout=LIVE)
    connection = http.client.HTTPConnection("a")
    connection.sock = sock
    try:
        connection.request("GET", target)
        response = connection.getresponse()
        return f"{response.status} {response.read().decode()}"
    except Exception as error:  # noqa: BLE001 - it is printed, and compared
        return repr(error)
    finally:
        connection.close()


def _unix_address() -> type[Any]:
    from twisted.internet.address import UNIXAddress

    return UNIXAddress


def main(kind: str, way: str, recipe: str) -> None:
    importlib.import_module(f"twisted.internet.{REACTORS[kind]}").install()
    import logging

    from twisted.internet import reactor
    from twisted.internet.threads import blockingCallFromThread
    from twisted.python.log import PythonLoggingObserver

    logging.basicConfig(level=logging.WARNING, stream=sys.stdout, format="%(message)s")
    PythonLoggingObserver().start()
    runs: Any = reactor
    port: Any = None
    running = threading.Event()
    thread = threading.Thread(target=runs.run, args=(False,))
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "socket")
        if recipe == "before":
            port = WAYS[way](runs, path)
        # The loop of the reactor makes the inner call, so the reactor runs then. `callWhenRunning` calls earlier.
        runs.callWhenRunning(runs.callLater, 0, running.set)
        thread.start()
        assert running.wait(LIVE)
        if recipe == "from thread":
            port = blockingCallFromThread(runs, WAYS[way], runs, path)
        elif recipe == "elsewhere":  # Twisted forbids this, but programs do it
            try:
                port = WAYS[way](runs, path)
            except EngineError as error:
                print(error.code)
            blockingCallFromThread(runs, lambda: None)
        targets = ["/now"] if way in ("site", "native", "wsgi") else ["/now", "/later", "/thread"]
        for target in targets if port else ():
            print(ask(port, path, target))
        runs.callFromThread(runs.stop)
        thread.join(LIVE)
        print("stopped" if not thread.is_alive() else "hangs", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
