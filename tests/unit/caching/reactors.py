"""A program for `test_reactors.py`: cached responses on a kind of reactor. It prints what the requests got."""

import importlib
import sys
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred, gatherResults
from twisted.internet.task import deferLater
from twisted.logger import LogEvent, formatEvent, globalLogPublisher

from ropewalk import App, Request
from ropewalk.caching import Cache
from ropewalk.middleware import TimeoutOptions, timeout
from ropewalk.testing import AsyncClient

cache = Cache()
app = App(middleware=[timeout(TimeoutOptions(seconds=60)), cache(10, stale_while_revalidate=600)])
calls: list[str] = []
ended: list[str] = []
logged: list[str] = []


def pause(seconds: float) -> Deferred[None]:
    from twisted.internet import reactor

    return deferLater(reactor, seconds)


def note(event: LogEvent) -> None:
    if str(event.get("code")) != "RW306":
        logged.append(formatEvent(event)[:5])


@app.get("/")
async def page(request: Request) -> str:
    calls.append("page")
    await pause(0.01)
    return f"call {len(calls)}"


@app.get("/slow")
async def slow(request: Request) -> str:
    try:
        await Deferred()
    finally:
        ended.append("slow")
    return "never"


async def main() -> list[Any]:
    globalLogPublisher.addObserver(note)  # type: ignore[arg-type] # a function is an observer
    async with AsyncClient(app) as client:

        async def get(path: str) -> str:
            response = await client.get(path)
            return response.text if response.status == 200 else str(response.status)

        found: list[Any] = list(await gatherResults([ensureDeferred(get("/")) for _ in range(5)]))
        client.clock.advance(15)
        found += [await get("/"), await get("/")]
        refused = gatherResults([ensureDeferred(get("/slow")) for _ in range(2)])
        while not cache.flights or [len(each) for each in cache.flights.values()] != [2]:
            await pause(0.001)
        client.clock.advance(60)
        found += await refused
    return [*found, len(calls), ended, len(cache.flights), logged]


def run(reactor: Any) -> None:
    """Run `main` on the reactor, and print its result."""

    def stop(result: Any) -> None:
        print(result)
        reactor.stop()

    reactor.callWhenRunning(lambda: ensureDeferred(main()).addBoth(stop))
    reactor.run()


if __name__ == "__main__":
    importlib.import_module(f"twisted.internet.{sys.argv[1]}reactor").install()
    from twisted.internet import reactor

    run(reactor)
