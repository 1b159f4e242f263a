"""Waits that are measured in turns of the event loop, so that they do not depend on the speed of the machine."""

import asyncio
from collections.abc import Callable

ENOUGH = 100


async def run_turns(count: int = ENOUGH) -> None:
    """Let the event loop run callbacks that are ready.

    Each turn polls the engine, which is ready as long as it has work.
    """
    for _ in range(count):
        await asyncio.sleep(0)


async def until(condition: Callable[[], object]) -> None:
    """Run turns of the event loop until a condition holds. The test's timeout ends a wait without success."""
    while not condition():
        await asyncio.sleep(0)
