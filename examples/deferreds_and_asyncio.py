"""Use Twisted and asyncio libraries in one handler, and notice that a client disconnects.

Run it with `ropewalk run deferreds_and_asyncio.py`: asyncio's awaitables need the asyncio reactor, which that command
and `app.run()` install.
"""

import asyncio
import time
from typing import TypeVar

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from ropewalk import App, HTTPError, Request

app = App()

Result = TypeVar("Result")


def later(seconds: float, result: Result) -> Deferred[Result]:
    """Wait with Twisted's timer. The import is inside the function because it installs a reactor."""
    from twisted.internet import reactor

    return deferLater(reactor, seconds, lambda: result)


@app.get("/deferred")
def deferred(request: Request) -> Deferred[str]:
    """A plain handler may return a Deferred: its result is the response."""
    return later(0.01, "from a Deferred\n")


@app.get("/both")
async def both(request: Request) -> dict[str, str]:
    """A coroutine may await a Deferred and an asyncio awaitable, one after the other."""
    first = await later(0.01, "Deferred")
    then = await asyncio.sleep(0.01, "asyncio")
    return {"first": first, "then": then}


@app.get("/side-by-side")
async def side_by_side(request: Request) -> list[str]:
    """Wait for several things at once, with Twisted and with asyncio."""
    ours = gatherResults([later(0.01, "one"), later(0.01, "two")])
    async with asyncio.TaskGroup() as group:
        theirs = group.create_task(asyncio.sleep(0.01, "three"))
    return [*await ours, theirs.result()]


@app.get("/slow")
async def slow(request: Request) -> str:
    """Limit the time of a Twisted wait with asyncio."""
    try:
        async with asyncio.timeout(0.02):
            await later(60, None)
    except TimeoutError:
        raise HTTPError(504, "That took too long.") from None
    return "never"


@app.get("/blocking")
async def blocking(request: Request) -> str:
    """Run blocking code in a thread, so that the reactor serves other clients meanwhile."""
    await deferToThread(time.sleep, 0.01)
    return "done in a thread\n"


@app.get("/patient")
async def patient(request: Request) -> str:
    """If the client disconnects, the await raises `CancelledError`: clean up in `finally`."""
    try:
        await later(60, None)
    finally:
        departures.append(request.path)
    return "never"


departures: list[str] = []


@app.get("/departures")
def departed(request: Request) -> list[str]:
    """Return the paths of requests whose client disconnected while the handler waited."""
    return departures


if __name__ == "__main__":
    app.run(port=8080)
