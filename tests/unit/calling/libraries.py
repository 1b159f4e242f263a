"""Coroutines that use libraries which need asyncio's current task. They fail if the task lacks an attribute.

`python libraries.py LOOP PLACE` runs all of them in one place of an app that App.run serves.
"""

import asyncio
import io
import sys
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from contextvars import ContextVar
from pathlib import Path
from threading import current_thread, main_thread
from typing import Any

import aiohttp
import anyio
import anyio.from_thread
import anyio.to_thread
import httpx
from asgiref.sync import async_to_sync, sync_to_async
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool

from ropewalk import App, Request, Response

Probe = Callable[[], Awaitable[None]]
Next = Callable[[Request], Awaitable[Response]]

variable: ContextVar[str] = ContextVar("variable", default="unset")


async def anyio_threads() -> None:
    assert await anyio.to_thread.run_sync(current_thread) is not main_thread()
    assert await anyio.Path(__file__).read_text(encoding="utf-8") == Path(__file__).read_text(encoding="utf-8")
    async with await anyio.open_file(__file__) as file:
        assert await file.readline()


async def anyio_from_threads() -> None:
    async def twice(number: int) -> int:
        await anyio.sleep(0)
        return 2 * number

    def work() -> list[int]:
        anyio.from_thread.check_cancelled()
        return [anyio.from_thread.run(twice, 4), anyio.from_thread.run_sync(abs, -5)]

    assert await anyio.to_thread.run_sync(work) == [8, 5]


async def anyio_scopes() -> None:
    with anyio.move_on_after(0.001) as scope:
        await anyio.sleep(60)
    assert scope.cancelled_caught
    try:
        with anyio.fail_after(0.001):
            await anyio.sleep(60)
    except TimeoutError:
        pass
    with anyio.CancelScope(shield=True) as outer, anyio.CancelScope() as inner:
        inner.cancel()
        await anyio.sleep(60)
    assert inner.cancelled_caught
    assert not outer.cancelled_caught
    assert anyio.current_effective_deadline() > anyio.current_time()


async def anyio_groups() -> None:
    async def serve(*, task_status: Any) -> None:
        task_status.started("ready")
        await anyio.sleep(60)

    async with anyio.create_task_group() as group:
        assert await group.start(serve) == "ready"
        group.cancel_scope.cancel()
    lock = anyio.Lock()
    async with lock:
        assert lock.statistics().owner == anyio.get_current_task()


async def anyio_task_info() -> None:
    info = anyio.get_current_task()
    assert info.id == id(asyncio.current_task())
    assert not info.has_pending_cancellation()
    await asyncio.sleep(0)
    assert info.id in {each.id for each in anyio.get_running_tasks()}


async def anyio_blocked_tasks() -> None:
    waiting = asyncio.create_task(asyncio.Event().wait())
    await anyio.wait_all_tasks_blocked()
    waiting.cancel()


async def starlette_threads() -> None:
    assert await run_in_threadpool(current_thread) is not main_thread()
    assert [each async for each in iterate_in_threadpool(iter("ab"))] == ["a", "b"]


async def asyncio_threads() -> None:
    variable.set("mine")
    assert await asyncio.to_thread(variable.get) == "mine"
    assert await asyncio.get_running_loop().run_in_executor(None, abs, -1) == 1


async def asgiref_threads() -> None:
    async def inner() -> str:
        await asyncio.sleep(0)
        return "inner"

    variable.set("mine")
    assert await sync_to_async(variable.get)() == "mine"
    assert await sync_to_async(lambda: async_to_sync(inner)())() == "inner"


async def asyncio_structures() -> None:
    async with asyncio.timeout(60):
        assert await asyncio.wait_for(asyncio.sleep(0, "one"), 60) == "one"
    try:
        async with asyncio.timeout(0.001):
            await asyncio.sleep(60)
    except TimeoutError:
        pass
    async with asyncio.TaskGroup() as group:
        task = group.create_task(asyncio.sleep(0, "two"))
    assert task.result() == "two"
    assert list(await asyncio.gather(asyncio.shield(asyncio.sleep(0, 3)), asyncio.sleep(0, 4))) == [3, 4]
    done, _ = await asyncio.wait({asyncio.ensure_future(asyncio.sleep(0, 5))})
    assert [each.result() for each in done] == [5]


async def asyncio_current_task() -> None:
    task: Any = asyncio.current_task()
    loop = asyncio.get_running_loop()
    assert task is not None
    assert task.get_loop() is task._loop is loop
    assert not task.done()
    assert not task.cancelled()
    assert task.cancelling() == task.uncancel() == 0
    assert task.get_coro() is task._coro
    assert sys.version_info < (3, 12) or task.get_context() is not None
    frames = task.get_stack()
    assert frames[-1].f_code is not None
    printed = io.StringIO()
    task.print_stack(limit=1, file=printed)
    assert printed.getvalue().startswith("Stack for <")
    assert "pending" in repr(task)
    for awaitable in (asyncio.sleep(0), asyncio.sleep(0.001), loop.create_future()):
        if asyncio.isfuture(awaitable):
            loop.call_soon(awaitable.set_result, None)
        await awaitable
        assert asyncio.current_task() is task
        assert task in asyncio.all_tasks()


async def http_clients() -> None:
    """aiohttp and httpx with timeouts, which both clients tie to the current task."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nhere")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    timeout = aiohttp.ClientTimeout(60, connect=30)
    async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as response:
        assert await response.text() == "here"
    async with httpx.AsyncClient(timeout=60) as client:
        assert (await client.get(url)).text == "here"
    server.close()
    await server.wait_closed()


PROBES: dict[str, Probe] = {
    probe.__name__: probe
    for probe in (
        anyio_threads,
        anyio_from_threads,
        anyio_scopes,
        anyio_groups,
        anyio_task_info,
        anyio_blocked_tasks,
        starlette_threads,
        asyncio_threads,
        asgiref_threads,
        asyncio_structures,
        asyncio_current_task,
        http_clients,
    )
}

PLACES = ("handler", "deferred", "middleware", "error_handler", "stream", "start_hook", "stop_hook")


def make_app(place: str, probe: Probe) -> App:
    """Make an app that runs a probe in one place. The response to GET / is "well" if the probe succeeded."""
    app = App()

    if place == "middleware":

        @app.middleware
        async def around(request: Request, next: Next) -> Response:
            await probe()
            response = await next(request)
            await probe()
            return response

    if place == "error_handler":

        @app.error(KeyError)
        async def handle(request: Request, error: KeyError) -> Response:
            await probe()
            return Response("well")

    if place == "start_hook":
        app.on_start(probe)
    if place == "stop_hook":
        app.on_stop(probe)

    @app.get("/")
    async def handler(request: Request) -> Any:
        if place == "error_handler":
            raise KeyError
        if place == "stream":
            return parts()
        if place == "deferred":  # the Deferred resumes the coroutine outside of a callback of the loop
            from twisted.internet.defer import Deferred

            fired: Deferred[None] = Deferred()
            asyncio.get_running_loop().call_soon(fired.callback, None)
            await fired
        if place in ("handler", "deferred"):
            await probe()
        return "well"

    async def parts() -> AsyncIterator[str]:
        await probe()
        yield "we"
        await probe()
        yield "ll"

    return app


def main(kind: str, place: str) -> None:
    loop: asyncio.AbstractEventLoop
    if kind == "uvloop":
        import uvloop

        loop = uvloop.new_event_loop()
    else:
        loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    from twisted.internet import asyncioreactor

    asyncioreactor.install(loop)
    from twisted.internet import reactor
    from twisted.internet.threads import deferToThread

    done: list[str] = []

    async def probe() -> None:
        for name, each in PROBES.items():
            await each()
            done.append(name)

    app = make_app(place, probe)

    def begin(listening: list[Any]) -> None:
        asked = deferToThread(ask, f"http://127.0.0.1:{listening[0].getHost().port}/")
        asked.addCallback(print)
        asked.addErrback(print)
        asked.addBoth(lambda _: reactor.stop())

    app.run(port=0, started=begin)
    assert set(done) == set(PROBES), done


def ask(url: str) -> str:
    with urllib.request.urlopen(url, timeout=60) as response:
        return str(response.read().decode())


if __name__ == "__main__":
    from twisted.logger import globalLogBeginner, textFileLogObserver

    globalLogBeginner.beginLoggingTo([textFileLogObserver(sys.stderr)], redirectStandardIO=False)
    main(sys.argv[1], sys.argv[2])
