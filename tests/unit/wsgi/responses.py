"""Responses of applications, from the first part to the end of the thread."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

from tests.unit.wsgi.applications import SECONDS, Wrap

from ropewalk.testing import AsyncClient
from ropewalk.wsgi import Application, Environ, StartResponse, wsgi

HELLO = "Hello, World!"
LENGTH = ("Content-Length", "13")


def begun(application: Application, wrap: Wrap) -> None:
    """Request a response that begins with "Hello", and read that before the application continues."""
    going = threading.Event()

    def held(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
        for part in application(environ, start_response):
            yield part
            assert going.wait(SECONDS)

    async def run() -> None:
        client = AsyncClient(wsgi(wrap(held)), raise_errors=False)
        async with client, await client.stream("GET", "/") as response:
            assert await anext(aiter(response)) == b"Hello"
            going.set()
            await response.whole()

    asyncio.run(run())


def wait_until_quiet(asked: Any) -> None:
    """Wait until no thread runs a call."""
    asyncio.run(asked.app.stop())
