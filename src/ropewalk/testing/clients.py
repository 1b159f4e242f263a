"""The clients of `ropewalk.testing`."""

import asyncio
import sys
from asyncio import _get_running_loop as running_loop
from collections.abc import AsyncIterable, AsyncIterator, Coroutine, Iterable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlencode
from weakref import finalize

from twisted.internet.asyncioreactor import AsyncioSelectorReactor

from ropewalk.calling import Anchor
from ropewalk.headers import Fields, Headers
from ropewalk.response import JSON, encode_json
from ropewalk.server import app_of
from ropewalk.testing.harness import Harness, Wire
from ropewalk.testing.wire import ClientResponse

Body = bytes | str | Iterable[bytes] | AsyncIterable[bytes]
Parameters = Mapping[str, Any]
Result = TypeVar("Result")


class AsyncClient:
    """A client for coroutines: under asyncio, in trial, and on any reactor.

        async with AsyncClient(app) as client:
            response = await client.get("/users/7")

    `async with` runs the app's start and stop hooks; without it they are not called. Every request has a connection of
    its own. `headers` are sent with each.
    """

    def __init__(self, servable: Any, *, headers: Fields = (), secure: bool = False) -> None:
        self.app = app_of(servable)
        self.headers = Headers(headers)
        self._secure = secure
        self._harness = Harness(self.app)
        self._anchor = Anchor()

    async def __aenter__(self) -> Self:
        self._anchor.start()
        await self.app.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self.app.stop()
        finally:
            await self._anchor.stop()

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Parameters | None = None,
        headers: Fields = (),
        body: Body | None = None,
        json: Any = None,
    ) -> ClientResponse:
        """Send a request and read the whole answer. Raises ProtocolError where that breaks a rule of HTTP.

        `path` is sent as it is, `query` is encoded behind it. `body` of str or bytes has a Content-Length, an iterable
        is chunked; `json` is a value to be sent as JSON.
        """
        async with await self.stream(method, path, query=query, headers=headers, body=body, json=json) as response:
            return await response.whole()

    async def stream(
        self,
        method: str,
        path: str,
        *,
        query: Parameters | None = None,
        headers: Fields = (),
        body: Body | None = None,
        json: Any = None,
    ) -> "StreamedResponse":
        """As `request`, but come back with the head of the answer. Close the response, or use it in `async with`."""
        if json is not None:
            body = encode_json(json)
        given = Headers(headers)
        given = Headers([*(line for line in self.headers.lines() if line[0] not in given), *given.lines()])
        if json is not None:
            given.setdefault("content-type", JSON)
        head = _write_head(method, path + ("" if query is None else f"?{urlencode(query, doseq=True)}"), given, body)
        wire = self._harness.connect(method, secure=self._secure)
        response = StreamedResponse(wire)
        try:
            wire.send(head)
            if body is not None:
                await _send_body(wire, body)
            await response.begun()
        except BaseException:
            response.close()
            raise
        return response

    async def get(self, path: str, **options: Any) -> ClientResponse:
        """`request` with GET."""
        return await self.request("GET", path, **options)

    async def head(self, path: str, **options: Any) -> ClientResponse:
        """`request` with HEAD."""
        return await self.request("HEAD", path, **options)

    async def post(self, path: str, **options: Any) -> ClientResponse:
        """`request` with POST."""
        return await self.request("POST", path, **options)

    async def put(self, path: str, **options: Any) -> ClientResponse:
        """`request` with PUT."""
        return await self.request("PUT", path, **options)

    async def patch(self, path: str, **options: Any) -> ClientResponse:
        """`request` with PATCH."""
        return await self.request("PATCH", path, **options)

    async def delete(self, path: str, **options: Any) -> ClientResponse:
        """`request` with DELETE."""
        return await self.request("DELETE", path, **options)

    async def options(self, path: str, **options: Any) -> ClientResponse:
        """`request` with OPTIONS."""
        return await self.request("OPTIONS", path, **options)


class StreamedResponse:
    """An answer whose head has come. `async for part in response` gives the body as it comes; `close` leaves."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._response = wire.reader.response

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        reader = self._wire.reader
        while not reader.parts:
            self._check()
            if reader.done:
                raise StopAsyncIteration
            await self._wire.news()
        return reader.parts.pop(0)

    @property
    def status(self) -> int:
        """The status."""
        return self._response.status

    @property
    def headers(self) -> Headers:
        """The header fields."""
        return self._response.headers

    @property
    def trailers(self) -> Headers:
        """The trailer fields, when the body is over."""
        return self._response.trailers

    async def whole(self) -> ClientResponse:
        """The answer with the rest of its body."""
        self._response.body = b"".join([part async for part in self])
        return self._response

    def pause(self) -> None:
        """Take nothing, as a slow client does."""
        self._wire.pause()

    def resume(self) -> None:
        """Take again."""
        self._wire.resume()

    def close(self) -> None:
        """Close the connection, whether the answer is complete or not."""
        self._wire.leave()

    async def begun(self) -> None:
        """The head has come."""
        while not self._wire.reader.head:
            self._check()
            await self._wire.news()

    def _check(self) -> None:
        if self._wire.error is not None:
            raise self._wire.error


class Client:
    """A client for plain tests.

        client = Client(app)
        assert client.get("/").text == "Hello, World!"

    Handlers that wait run on an event loop: that of the asyncio reactor where it is installed, else one of the client's
    own. `with` runs the app's start and stop hooks; without it they are not called.
    """

    def __init__(self, servable: Any, *, headers: Fields = (), secure: bool = False) -> None:
        self._client = AsyncClient(servable, headers=headers, secure=secure)
        self._loop, own = _find_loop()
        if own:
            finalize(self, self._loop.close)

    @property
    def app(self) -> Any:
        """The app that answers."""
        return self._client.app

    def __enter__(self) -> Self:
        self._run(self._client.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(self._client.__aexit__(kind, error, trace))

    def request(self, method: str, path: str, **options: Any) -> ClientResponse:
        """As `AsyncClient.request`."""
        return self._run(self._client.request(method, path, **options))

    def get(self, path: str, **options: Any) -> ClientResponse:
        """`request` with GET."""
        return self.request("GET", path, **options)

    def head(self, path: str, **options: Any) -> ClientResponse:
        """`request` with HEAD."""
        return self.request("HEAD", path, **options)

    def post(self, path: str, **options: Any) -> ClientResponse:
        """`request` with POST."""
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Any) -> ClientResponse:
        """`request` with PUT."""
        return self.request("PUT", path, **options)

    def patch(self, path: str, **options: Any) -> ClientResponse:
        """`request` with PATCH."""
        return self.request("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> ClientResponse:
        """`request` with DELETE."""
        return self.request("DELETE", path, **options)

    def options(self, path: str, **options: Any) -> ClientResponse:
        """`request` with OPTIONS."""
        return self.request("OPTIONS", path, **options)

    def _run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        if running_loop() is not None:
            coroutine.close()
            raise RuntimeError("A Client waits, which a running event loop must not. In coroutines use AsyncClient.")
        return self._loop.run_until_complete(coroutine)


def _find_loop() -> tuple[asyncio.AbstractEventLoop, bool]:
    """The loop of the installed asyncio reactor, so that its timers work in handlers, else a new one."""
    if "twisted.internet.reactor" in sys.modules:
        from twisted.internet import reactor

        if isinstance(reactor, AsyncioSelectorReactor):
            return reactor._asyncioEventloop, False  # noqa: SLF001 - it has no other name
    return asyncio.new_event_loop(), True


def _write_head(method: str, target: str, headers: Headers, body: Body | None) -> bytes:
    headers.setdefault("host", "localhost")
    if isinstance(body, bytes | str):
        headers.setdefault("content-length", str(len(body if isinstance(body, bytes) else body.encode())))
    elif body is not None:
        headers.setdefault("transfer-encoding", "chunked")
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.lines()), "", ""]
    return "\r\n".join(lines).encode("latin-1")


async def _send_body(wire: Wire, body: Body) -> None:
    if isinstance(body, bytes | str):
        wire.send(body if isinstance(body, bytes) else body.encode())
        return
    if isinstance(body, AsyncIterable):
        async for part in body:
            await _send_chunk(wire, part)
    else:
        for part in body:
            await _send_chunk(wire, part)
    wire.send(b"0\r\n\r\n")


async def _send_chunk(wire: Wire, part: bytes) -> None:
    """As a client whose socket is full, wait while the server does not read."""
    while not wire.flowing and not wire.reader.done:
        await wire.news()
    if part:
        wire.send(b"%x\r\n%b\r\n" % (len(part), part))
