"""The program of `test_reactors`: calls under one reactor, to good and to bad services.

python scenarios.py REACTOR [BACK_END] [SCENARIO...]
"""

import asyncio
import gc
import json
import sys
import traceback
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[3]))

from tests.unit.client import bad_services, good_services, steps
from twisted.internet.task import deferLater
from twisted.logger import ILogObserver, globalLogPublisher
from zope.interface import implementer

from ropewalk.calling import start

SCENARIOS = [*good_services.SCENARIOS, *bad_services.SCENARIOS]


def install_reactor(name: str) -> None:
    if name == "epoll":
        from twisted.internet import epollreactor

        epollreactor.install()
        return
    from twisted.internet import asyncioreactor

    if name == "uvloop":
        import uvloop

        asyncioreactor.install(uvloop.new_event_loop())
    else:
        asyncioreactor.install(asyncio.new_event_loop())


async def main(results: dict[str, str]) -> None:
    from twisted.internet import reactor

    for scenario in SCENARIOS:
        if sys.argv[3:] and scenario.__name__ not in sys.argv[3:]:
            continue
        before = set(reactor.getDelayedCalls())
        try:
            await scenario()
            await deferLater(reactor, 0, int)
            left = set(reactor.getDelayedCalls()) - before
            results[scenario.__name__] = f"timers are left: {left}" if left else ""
        except BaseException:  # noqa: BLE001 - the parent process reports it
            results[scenario.__name__] = traceback.format_exc()
    gc.collect()
    await deferLater(reactor, 0.01, int)
    gc.collect()


def run() -> None:
    from twisted.internet import reactor

    results: dict[str, str] = {}
    logged: list[str] = []

    @implementer(ILogObserver)
    def note(event: Any) -> None:
        if event["log_level"].name in ("error", "critical") or "factory" in event:
            logged.append(str(event))

    globalLogPublisher.addObserver(note)
    reactor.callWhenRunning(lambda: reactor.callLater(0, begin))

    def begin() -> None:
        start(main(results)).addBoth(lambda _: reactor.stop())

    reactor.run()
    results["log"] = "\n".join(logged)
    print(json.dumps(results))


if __name__ == "__main__":
    install_reactor(sys.argv[1])
    steps.back_end = sys.argv[2] if sys.argv[2:] and sys.argv[2] else None
    run()
