"""Starts and stops hosted applications without serving them."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from twisted.logger import LogEvent, LogLevel, formatEvent, globalLogPublisher

from ropewalk import App
from ropewalk.cli.error import CLIError


def try_lifespan(app: App) -> list[str]:
    """Start and stop the hosted applications of an app. Returns the messages that they log meanwhile.

    Raises HostedError (RW711) if the start fails, and `CLIError` (RW712) if the stop fails.
    """
    events: list[LogEvent] = []
    observer: Any = events.append
    globalLogPublisher.addObserver(observer)
    try:
        _complete(_start_and_stop(app))
    finally:
        globalLogPublisher.removeObserver(observer)
    ours = [event for event in events if str(event.get("log_namespace")).startswith("ropewalk.")]
    for event in ours:
        if event["log_level"] >= LogLevel.error:
            text = formatEvent(event)
            if "log_failure" in event:
                text += f"\n{event['log_failure'].getTraceback().rstrip()}"
            raise CLIError("RW712", text.removeprefix("RW712 "))
    return [formatEvent(event) for event in ours if event["log_level"] >= LogLevel.info]


async def _start_and_stop(app: App) -> None:
    await app.start()
    await app.stop()


def _complete(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine to its end. If there is an asyncio reactor, use its event loop, which does not run yet."""
    from twisted.internet import reactor

    loop = getattr(reactor, "_asyncioEventloop", None)
    if loop is None:
        asyncio.run(work)
    else:
        loop.run_until_complete(work)
