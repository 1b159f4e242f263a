"""The program that `test_with_middleware` runs: both middlewares with real stores, on a running reactor.

python reactors.py REACTOR URL FILE
"""

import importlib
import sys
import threading
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred

from ropewalk import App, Request
from ropewalk.middleware import IdempotencyOptions, RateLimit, RateLimitOptions, idempotency, rate_limit
from ropewalk.stores import RedisIdempotency, RedisRateLimits, RedisServer, SQLiteIdempotency
from ropewalk.testing import AsyncClient

SLOW = 20


async def main(url: str, file: str) -> list[Any]:
    server = RedisServer(url, timeout=SLOW)
    limited = rate_limit(RateLimitOptions(limits=RateLimit(3, 3600), store=RedisRateLimits(server, prefix=file)))
    found: list[Any] = []
    for store in (RedisIdempotency(server, prefix=file), SQLiteIdempotency(file, timeout=SLOW)):
        app = App(middleware=[limited, idempotency(IdempotencyOptions(store=store))])
        calls: list[Request] = []
        app.post("/")(lambda request, calls=calls: calls.append(request) or f"call {len(calls)}")
        async with AsyncClient(app, timeout=SLOW) as client:
            for _ in range(2):
                response = await client.post("/", headers={"idempotency-key": "a"})
                found.append((response.status, response.text.partition("{")[0]))
        if isinstance(store, SQLiteIdempotency):
            store.close()
    server.close()
    return found


def run(reactor: Any, call: Callable[[], Any]) -> list[Any]:
    """Run a coroutine function on the reactor, and return what it returns."""
    results: list[Any] = []

    def end(result: Any) -> None:
        results.append(result)
        reactor.stop()

    def start() -> None:
        running: Deferred[Any] = ensureDeferred(call())
        running.addBoth(end)

    reactor.callWhenRunning(start)
    reactor.run()
    return results


if __name__ == "__main__":
    kind, url, file = sys.argv[1:]
    importlib.import_module(f"twisted.internet.{kind}reactor").install()
    from twisted.internet import reactor

    print(*run(reactor, lambda: main(url, file)))
    assert threading.active_count() < 20
