"""The program of `test_forks`: servers that fork.

python forks_program.py SCENE REACTOR WAY
"""

import importlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.unit.dropin.connection import reactor_thread_program
from tests.unit.dropin.connection.reactor_thread_program import LIVE, REACTORS

from ropewalk.errors import EngineError, RopewalkError

LIFE = 90
"""Seconds after which a hanging process is ended."""
HOLD: list[int] = []
"""A descriptor that a child of a handler keeps open."""


def tree() -> Any:
    """Return a tree of twisted.web that forks."""
    from twisted.internet import reactor
    from twisted.web.resource import Resource

    class Here(Resource):
        isLeaf = True

        def render_GET(self, request: Any) -> bytes:
            return respond(request.path.decode(), reactor, request)

    return Here()


def app() -> Any:
    """Return an app that forks."""
    from twisted.internet import reactor

    from ropewalk import App

    serving = App()

    @serving.get("/{name}")
    def handle(request: Any, name: str) -> bytes:
        return respond(f"/{name}", reactor, request)

    return serving


reactor_thread_program.resource = tree
reactor_thread_program.app = app


def by_unix(reactor: Any, path: str) -> Any:
    return app().listen(reactor, f"unix:{path}")


def site_on_unix(reactor: Any, path: str) -> Any:
    from ropewalk import Site

    return reactor.listenUNIX(path, Site(app()))


def stock_on_unix(reactor: Any, path: str) -> Any:
    from twisted.web.server import Site

    return reactor.listenUNIX(path, Site(tree()))


WAYS = reactor_thread_program.WAYS | {"native unix": by_unix, "site unix": site_on_unix, "stock unix": stock_on_unix}


TWISTEDS = ("stock", "stock unix", "accelerated", "wrapped")
"""Ways in which Twisted's own ports accept. With these, the first process that stops closes the socket for all."""


def respond(path: str, reactor: Any, request: Any) -> bytes:
    """Do what a handler does."""
    if path == "/stop":
        reactor.callLater(0, reactor.stop)
    elif path == "/fork":
        child = os.fork()
        if not child:
            os._exit(0)
        os.waitpid(child, 0)
    elif path == "/multiprocessing":
        import multiprocessing

        context = multiprocessing.get_context("fork")
        child_process = context.Process(target=os.getpid)
        child_process.start()
        child_process.join()
        child_process.close()
    elif path == "/meddle":
        child = os.fork()
        if not child:
            os._exit(meddle(request))
        return b"%d" % os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    elif path == "/hold":
        reading, writing = os.pipe()
        if not os.fork():
            os.close(writing)
            os.read(reading, 1)
            os._exit(0)
        os.close(reading)
        HOLD.append(writing)
    elif path == "/spawn":
        listing = ["ls", "-l", "/proc/self/fd"]
        found = subprocess.run(listing, capture_output=True, close_fds=False, check=True).stdout
        return b"%d" % sum(found.count(kind) for kind in (b"socket:", b"eventpoll", b"eventfd"))
    return b"%d" % os.getpid()


def meddle(request: Any) -> int:
    """Respond to a request of the parent. Returns the last two digits of the error's code."""
    from twisted.logger import globalLogPublisher

    codes: list[str] = []
    observer: Any = lambda event: codes.extend(_code_of(event))  # noqa: E731 - of a type that Twisted names
    globalLogPublisher.addObserver(observer)
    try:
        request.write(b"from the child")
        request.finish()
    except RopewalkError as error:
        codes.append(error.code)
    return int(codes[0][-2:]) if codes else 0


def _code_of(event: dict[str, Any]) -> list[str]:
    error = getattr(event.get("log_failure"), "value", None)
    return [error.code] if isinstance(error, RopewalkError) else []


class Wire:
    """A connection of a blocking client."""

    def __init__(self, port: Any, path: str) -> None:
        if Path(path).exists():
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(LIVE)
            self.socket.connect(path)
        else:
            self.socket = socket.create_connection(("127.0.0.1", port.getHost().port), timeout=LIVE)

    def get(self, target: str) -> str:
        """Return the body of a response with a length."""
        close = "Connection: close\r\n" if target == "/hold" else ""
        self.socket.sendall(f"GET {target} HTTP/1.1\r\nHost: a\r\n{close}\r\n".encode())
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._receive()
        head, _, body = received.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        while len(body) < int(fields[b"content-length"]):
            body += self._receive()
        return body.decode() if head.startswith(b"HTTP/1.1 200") else head.decode()

    def ended(self) -> bool:
        """Wait for the end of the connection."""
        return not self.socket.recv(1)

    def _receive(self) -> bytes:
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the end")
        return data


def get(port: Any, path: str, target: str) -> str:
    """Return the response to a request on a new connection."""
    wire = Wire(port, path)
    try:
        return wire.get(target)
    except OSError as error:
        return repr(error)
    finally:
        wire.socket.close()


def prefork(reactor: Any, way: str, path: str) -> None:
    """Children run the reactor, get some requests, and stop one by one."""
    count = 1 if way == "wsgi" else 2  # the children share Twisted's wakeup pipe, so threads may wake the wrong child
    port = WAYS[way](reactor, path)
    children = []
    for _ in range(count):
        child = os.fork()
        if not child:
            signal.alarm(LIFE)
            reactor.run()
            sys.stdout.flush()
            os._exit(0)
        children.append(child)
    if way == "wsgi":
        print("responses", {get(port, path, "/now") for _ in range(20)})
        os.kill(children[0], signal.SIGTERM)
    else:
        pids = [get(port, path, "/now") for _ in range(60)]
        print("from children", set(pids) <= set(map(str, children)))
        if way not in TWISTEDS:
            while len(children) > 1:
                stopped = int(get(port, path, "/stop"))
                print("stopped", os.waitpid(stopped, 0)[1])
                children.remove(stopped)
                print("the other", {get(port, path, "/now") for _ in range(20)} == {str(children[0])})
            get(port, path, "/stop")
    if way in TWISTEDS:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        return
    print("stopped", os.waitpid(children[0], 0)[1])
    if "unix" in way:
        print("the file is its maker's", Path(path).exists())


def helper(reactor: Any, way: str, path: str) -> None:
    """A child that never runs the reactor outlives its parent."""
    port = WAYS[way](reactor, path)
    address = ("127.0.0.1", port.getHost().port)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(writing)
        os.read(reading, 1)
        os._exit(0)
    os.close(reading)
    running(reactor, port, lambda: print("served", get(port, path, "/now") == str(os.getpid())))
    try:
        socket.create_connection(address, timeout=LIVE).close()
    except OSError as error:
        print("after", type(error).__name__)
    with socket.socket() as successor:
        successor.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        successor.bind(address)
        successor.listen()
        print("a successor listens")
    os.close(writing)
    os.waitpid(child, 0)


def master(reactor: Any, way: str, path: str) -> None:
    """The parent of a worker runs the reactor too, and stops first."""
    host = WAYS[way](reactor, path).getHost()
    # Keeps the address, because the real port is closed before the last request.
    port = SimpleNamespace(getHost=lambda: host)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        signal.alarm(LIFE)
        # The byte is written in the second of two delayed calls: an App starts in a call from the event loop, and must
        # have started before.
        reactor.callWhenRunning(reactor.callLater, 0, reactor.callLater, 0, os.write, writing, b"x")
        reactor.run()
        os._exit(0)
    os.read(reading, 1)  # wait until the child runs its reactor
    reactor.callWhenRunning(reactor.callLater, 0, reactor.stop)
    reactor.run()
    print("the worker", {get(port, path, "/now") for _ in range(20)} == {str(child)})
    get(port, path, "/stop")
    print("stopped", os.waitpid(child, 0)[1])


def daemon(reactor: Any, way: str, path: str) -> None:
    """A process listens. Its child continues to serve as a daemon."""
    reading, writing = os.pipe()
    parent = os.fork()
    if not parent:
        signal.alarm(LIFE)
        WAYS[way](reactor, path)
        os.close(reading)
        if os.fork():
            os._exit(0)
        signal.alarm(LIFE)
        reactor.run()
        sys.stdout.flush()
        os._exit(0)
    os.close(writing)
    print("parent", os.waitpid(parent, 0)[1])
    print("served", get(None, path, "/stop").isdecimal())
    os.read(reading, 1)  # until the daemon has ended
    print("the file is left", Path(path).exists())


def short(reactor: Any, way: str, path: str) -> None:
    """The child has no free descriptors."""
    port = WAYS[way](reactor, path)
    taken = []
    reading, writing = os.pipe()
    import resource

    resource.setrlimit(resource.RLIMIT_NOFILE, (256, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    try:
        while True:
            taken.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        pass
    child = os.fork()
    if not child:
        engine = port.factory._ropewalk.engine if hasattr(port, "factory") else port.server.engine
        try:
            engine.turn()
        except EngineError as error:
            os.write(writing, error.code.encode())
        os._exit(0)
    os.waitpid(child, 0)
    for each in taken:
        os.close(each)
    print("child", os.read(reading, 100).decode())
    running(reactor, port, lambda: print("parent", get(port, path, "/now") == str(os.getpid())))


def handlers(reactor: Any, way: str, path: str) -> None:
    """Handlers that fork."""
    port = WAYS[way](reactor, path)
    address = ("127.0.0.1", port.getHost().port)
    own = str(os.getpid())

    def ask() -> None:
        quiet, busy = Wire(port, path), Wire(port, path)
        print("before", quiet.get("/now") == own)
        for target in ("/fork", "/multiprocessing", "/fork"):
            print(target, busy.get(target) == own, busy.get("/now") == own, quiet.get("/now") == own)
        print("descriptors", busy.get("/spawn"))
        if way in ("replaced", "native"):
            print("meddling", busy.get("/meddle"), busy.get("/now") == own)
        print("held", quiet.get("/hold") == own, quiet.ended(), busy.get("/now") == own)
        for wire in (quiet, busy):
            wire.socket.close()

    running(reactor, port, ask)
    # The waiting child has copies of all sockets, and no process accepts.
    try:
        socket.create_connection(address, timeout=LIVE).close()
    except OSError as error:
        print("after", type(error).__name__)
    os.close(HOLD.pop())
    os.wait()


def running(reactor: Any, port: Any, ask: Callable[[], None]) -> None:
    """Run the reactor until a client has its responses."""

    def go() -> None:
        try:
            ask()
        except Exception as error:  # noqa: BLE001 - it is printed, and compared
            print(repr(error))
        reactor.callFromThread(reactor.stop)

    thread = threading.Thread(target=go)
    reactor.callWhenRunning(thread.start)
    reactor.run()
    thread.join()


SCENES = {scene.__name__: scene for scene in (prefork, helper, master, daemon, short, handlers)}


def main(scene: str, kind: str, way: str) -> None:
    signal.alarm(LIFE)
    importlib.import_module(f"twisted.internet.{REACTORS[kind]}").install()
    from twisted.internet import reactor

    with tempfile.TemporaryDirectory() as folder:
        SCENES[scene](reactor, way, str(Path(folder) / "socket"))


if __name__ == "__main__":
    main(*sys.argv[1:])
