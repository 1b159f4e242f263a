"""Waits for what happens in the database."""

import asyncio
from collections.abc import Callable


async def turns(condition: Callable[[], object]) -> None:
    """Let the loop run until something is so."""
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("It did not happen.")
