"""A stop of the server while a response is being sent."""

import asyncio
from collections.abc import Callable

from ropewalk import App
from ropewalk.testing import AsyncClient, ClientResponse

EVENTS = "text/event-stream"


def stop_while(app: App, path: str = "/", *, begun: Callable[[], object] = lambda: True) -> ClientResponse:
    """Return the response that a client receives if a stop begins while it is being sent."""

    async def main() -> ClientResponse:
        client = AsyncClient(app, raise_errors=False)
        await client.__aenter__()
        asking = asyncio.ensure_future(client.get(path))
        while not (asking.done() or begun()):
            await asyncio.sleep(0)
        for _ in range(5):
            await asyncio.sleep(0)
        await client.__aexit__(None, None, None)
        return await asyncio.wait_for(asking, 10)

    return asyncio.run(main())
