"""Functions that all scenarios use: a client, a service, and a check of errors."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec

from ropewalk import App, Request, Site
from ropewalk.client import CallTimeout, ClientError, HTTPClient, HTTPClientOptions, Retries
from ropewalk.middleware import RequestIDOptions, request_id

ONCE = Retries(attempts=1)
SHORT = 0.2
"""A timeout in seconds that a scenario waits for. All that happens before this wait takes less."""


class Room(msgspec.Struct):
    id: int


back_end: Any = None
"""The back end of all clients, which the program sets."""


def client(url: str | None = None, **options: Any) -> HTTPClient:
    return HTTPClient(HTTPClientOptions(base_url=url, back_end=back_end, **options))


async def fails(kind: type[ClientError], awaitable: Any, phase: str = "") -> Any:
    raised: ClientError | None = None
    try:
        result = await awaitable
    except kind as error:
        raised = error
    if raised is None:
        raise AssertionError(f"no {kind.__name__} but {result}")
    if phase:
        assert isinstance(raised, CallTimeout)
        assert raised.phase == phase
    return raised


app = App(middleware=[request_id(RequestIDOptions(accept_from=["*"]))])


@app.get("/rooms/{id}")
def room(id: int) -> Room:
    return Room(id)


@app.post("/echo")
async def echo(request: Request) -> Any:
    async def parts() -> AsyncIterator[bytes]:
        async for part in request.stream():
            yield part

    return parts()


@app.get("/ids")
async def ids(request: Request) -> Any:
    return {"id": request.header("x-request-id"), "trace": request.header("traceparent")}


class served:
    """Serves an app on a port."""

    def __init__(self, app: App) -> None:
        self._site = Site(app)

    async def __aenter__(self) -> str:
        from twisted.internet import reactor

        self._port = reactor.listenTCP(0, self._site, interface="127.0.0.1")
        host: Any = self._port.getHost()
        return f"http://127.0.0.1:{host.port}"

    async def __aexit__(self, *_: object) -> None:
        stopped: Any = self._port.stopListening()
        await stopped
