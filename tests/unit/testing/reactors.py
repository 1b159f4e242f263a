"""The program of `test_reactors`: handlers and hooks that need a reactor, which only the client runs.

python reactors.py REACTOR CLIENT
"""

import asyncio
import importlib
import re
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from ropewalk import App, Request
from ropewalk.testing import AsyncClient, Client

REACTORS = {"epoll": "epollreactor", "poll": "pollreactor", "select": "selectreactor", "asyncio": "asyncioreactor"}
CLIENTS = ("client", "entered", "asyncio", "uvloop")


def delayed(request: Request) -> Any:
    from twisted.internet import reactor
    from twisted.internet.task import deferLater

    return deferLater(reactor, 0.001, lambda: "well")


async def in_a_thread(request: Request) -> Any:
    from twisted.internet.threads import deferToThread

    assert await deferToThread(threading.current_thread) is not threading.current_thread()
    return "well"


async def from_a_thread(request: Request) -> Any:
    from twisted.internet import reactor as installed
    from twisted.internet.defer import Deferred
    from twisted.internet.threads import blockingCallFromThread, deferToThread

    reactor: Any = installed
    fired: Deferred[str] = Deferred()
    reactor.callInThread(reactor.callFromThread, fired.callback, "from a thread")
    assert await fired == "from a thread"
    return await deferToThread(blockingCallFromThread, reactor, lambda: "well")


async def repeated(request: Request) -> Any:
    from twisted.internet.task import LoopingCall

    calls: list[int] = []
    looping = LoopingCall(lambda: looping.stop() if len(calls) == 3 else calls.append(1))
    await looping.start(0.001)
    assert len(calls) == 3
    return "well"


async def from_a_database(request: Request) -> Any:
    from twisted.enterprise import adbapi

    database = adbapi.ConnectionPool("sqlite3", ":memory:", check_same_thread=False)
    rows: Any = await database.runQuery("select 'well'")
    database.close()
    return rows[0][0]


async def in_a_pool(request: Request) -> Any:
    """Use a thread pool that starts when the reactor runs, as a program makes one before the reactor runs."""
    from twisted.internet import reactor as installed
    from twisted.internet.threads import deferToThreadPool
    from twisted.python.threadpool import ThreadPool

    reactor: Any = installed
    pool = ThreadPool(0, 1)
    reactor.callWhenRunning(pool.start)
    reached: list[str] = []
    reactor.callWhenRunning(reached.append, await deferToThreadPool(reactor, pool, lambda: "well"))
    pool.stop()
    return reached[0]


async def connected(request: Request) -> Any:
    from twisted.internet import reactor as installed
    from twisted.internet.defer import Deferred
    from twisted.internet.endpoints import TCP4ClientEndpoint
    from twisted.internet.protocol import Factory, Protocol, connectionDone

    class Greet(Protocol):
        transport: Any

        def connectionMade(self) -> None:
            self.transport.write(b"well")
            self.transport.loseConnection()

    class Listen(Protocol):
        def __init__(self) -> None:
            self.heard = b""
            self.lost: Deferred[bytes] = Deferred()

        def dataReceived(self, data: bytes) -> None:
            self.heard += data

        def connectionLost(self, reason: Any = connectionDone) -> None:
            self.lost.callback(self.heard)

    reactor: Any = installed
    port = reactor.listenTCP(0, Factory.forProtocol(Greet), interface="127.0.0.1")
    point = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
    listening: Any = await point.connect(Factory.forProtocol(Listen))
    heard = await listening.lost
    await port.stopListening()
    return heard.decode()


async def by_asyncio(request: Request) -> Any:
    assert await asyncio.to_thread(lambda: "one") == "one"
    assert await anyio.to_thread.run_sync(lambda: "two") == "two"
    async with asyncio.timeout(60):
        await asyncio.sleep(0.001)
    return "well"


async def both(request: Request) -> Any:
    """Wait for Twisted and asyncio alternately."""
    for _ in range(3):
        await delayed(request)
        await by_asyncio(request)
    return await in_a_thread(request)


HANDLERS = (delayed, in_a_thread, from_a_thread, from_a_database, in_a_pool, repeated, connected, by_asyncio, both)


def make_app(hooks: list[str]) -> App:
    app = App()
    for handler in HANDLERS:
        app.get(f"/{handler.__name__}")(handler)

    async def hook() -> None:
        request: Any = None
        hooks.append(await delayed(request))
        hooks.append(await both(request))

    app.on_start(hook)
    app.on_stop(hook)
    return app


def by_client(hooks: list[str]) -> None:
    client = Client(make_app(hooks))
    for handler in HANDLERS:
        check(client.get(f"/{handler.__name__}"))
    client.close()
    client.close()
    for handler in HANDLERS:  # a closed client may be used again
        check(client.get(f"/{handler.__name__}"))
    client.close()
    hooks += ["well"] * 4


def entered(hooks: list[str]) -> None:
    others: list[str] = []
    with Client(make_app(hooks)) as client, Client(make_app(others)) as other:
        for handler in HANDLERS:
            check(client.get(f"/{handler.__name__}"))
            check(other.get(f"/{handler.__name__}"))
    assert others == hooks
    client.close()


async def by_async_client(hooks: list[str]) -> None:
    app = make_app(hooks)
    check(await AsyncClient(app).get("/in_a_thread"))
    others: list[str] = []
    async with AsyncClient(app) as client, AsyncClient(make_app(others)) as other:
        paths = [f"/{handler.__name__}" for handler in HANDLERS] * 3
        for response in await asyncio.gather(*map(client.get, paths), *map(other.get, paths)):
            check(response)
    assert others == hooks
    await asyncio.get_running_loop().shutdown_default_executor()
    loop: Any = asyncio.get_running_loop()
    left = [each for each in getattr(loop, "_scheduled", ()) if not each.cancelled()]
    assert left == [], left


def check(response: Any) -> None:
    assert (response.status, response.text) == (200, "well"), response.text


def main(reactor_kind: str, client_kind: str) -> None:
    if reactor_kind != "none":
        importlib.import_module(f"twisted.internet.{REACTORS[reactor_kind]}").install()
    hooks: list[str] = []
    run(client_kind, hooks)  # the first run opens descriptors that stay open, such as those of the reactor
    descriptors = open_files()
    hooks.clear()
    run(client_kind, hooks)
    assert hooks == ["well"] * 4, hooks
    assert open_files() == descriptors, f"{open_files()} {descriptors}"
    for thread in threading.enumerate():
        if thread.name.startswith("AnyIO"):
            thread.join(60)  # the loop's last turn asks these threads to end
    from twisted.internet import reactor as installed

    reactor: Any = installed
    if reactor_kind == "asyncio" and client_kind in ("client", "entered"):
        loop = reactor._asyncioEventloop  # this executor belongs to the program, so the client has not ended it
        loop.run_until_complete(loop.shutdown_default_executor())
    threads = [each for each in threading.enumerate() if each is not threading.main_thread()]
    assert threads == [], threads
    assert reactor.getDelayedCalls() == []
    assert reactor.threadpool is None
    seen: list[str] = []
    reactor.callWhenRunning(reactor.callInThread, reactor.callFromThread, reactor.stop)
    reactor.addSystemEventTrigger("after", "shutdown", seen.append, "ran")
    reactor.run()  # the reactor can still run, and can start new threads
    assert seen == ["ran"]
    print("well")


def open_files() -> list[str]:
    """The targets of this process's descriptors, except the listed folder itself."""
    found = []
    for link in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            found.append(re.sub(r"\d+", "", str(link.readlink())))
    return sorted(found)


def run(client_kind: str, hooks: list[str]) -> None:
    if client_kind == "client":
        by_client(hooks)
    elif client_kind == "entered":
        entered(hooks)
    else:
        factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
        if client_kind == "uvloop":
            import uvloop

            factory = uvloop.new_event_loop
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(by_async_client(hooks))


if __name__ == "__main__":
    from twisted.logger import globalLogBeginner, textFileLogObserver

    globalLogBeginner.beginLoggingTo([textFileLogObserver(sys.stderr)], redirectStandardIO=False)
    main(sys.argv[1], sys.argv[2])
