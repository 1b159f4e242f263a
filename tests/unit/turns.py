"""Waits in turns of the event loop, in which no time passes: the speed of the machine does not matter."""

import asyncio
from collections.abc import Callable

ENOUGH = 100


async def run_turns(count: int = ENOUGH) -> None:
    """Let the event loop do what is ready. Each turn asks the engine, which is ready as long as it has work."""
    for _ in range(count):
        await asyncio.sleep(0)


async def until(condition: Callable[[], object]) -> None:
    """Let the event loop turn until something has happened. The timeout of the test ends a wait for what does not."""
    while not condition():
        await asyncio.sleep(0)
