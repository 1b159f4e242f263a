"""The test clients: `Client` and `AsyncClient`."""

import asyncio
from asyncio import _get_running_loop as running_loop
from collections.abc import AsyncIterable, AsyncIterator, Coroutine, Iterable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlencode
from weakref import finalize

from ropewalk.calling import RootTask
from ropewalk.headers import Fields, Headers
from ropewalk.response import JSON, encode_json
from ropewalk.server import app_of
from ropewalk.testing.harness import Harness, MemoryConnection
from ropewalk.testing.idle_reactor import Claim, ReactorUse
from ropewalk.testing.response_parser import ClientResponse
from ropewalk.testing.timeouts import DEFAULT, TIMEOUT, Default, check_timeout, run_hooks

Body = bytes | str | Iterable[bytes | str] | AsyncIterable[bytes | str]
Parameters = Mapping[str, Any]
Result = TypeVar("Result")


class AsyncClient:
    """A client for coroutines: under asyncio, in trial, and on any reactor.

        async with AsyncClient(app) as client:
            response = await client.get("/users/7")

    `async with` runs the app's start and stop hooks; without it, they are not called. Every request has its own
    connection. `headers` are sent with each request. `timeout` (seconds; None for no limit) applies to each response
    and to each start and stop hook; a request may override it. Raises ValueError unless it is greater than 0.
    """

    def __init__(
        self, servable: Any, *, headers: Fields = (), secure: bool = False, timeout: float | None = TIMEOUT
    ) -> None:
        self.app = app_of(servable)
        self.headers = Headers(headers)
        self.timeout = check_timeout(timeout)
        self._secure = secure
        self._harness = Harness(self.app)
        self._root_task = RootTask()
        self._use: ReactorUse | None = None

    async def __aenter__(self) -> Self:
        loop = running_loop()
        self._use = None if loop is None else ReactorUse.of(loop)
        self._root_task.start()
        try:
            await run_hooks("start", self.app.start(), self.timeout, self._use)
        except BaseException:
            await self._leave()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        seconds = self.timeout if kind is None else 0  # a failed test does not wait for its responses
        try:
            try:
                await run_hooks("stopping", self._harness.begin_stop(), self.timeout, self._use)
            finally:
                await self._harness.drain(seconds)
                await run_hooks("stop", self.app.stop(), self.timeout, self._use)
        finally:
            await self._leave()

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Parameters | None = None,
        headers: Fields = (),
        body: Body | None = None,
        json: Any = None,
        timeout: float | Default | None = DEFAULT,
    ) -> ClientResponse:
        """Send a request and read the whole response. Raises ProtocolError if the response violates HTTP.

        `path` is sent unchanged; `query` is encoded and appended. A `body` of str or bytes has a Content-Length, an
        iterable of them is sent in chunks; `json` is a value to send as JSON. Raises TypeError for a body, or a part of
        one, of another type. Raises ClientTimeout (RW222) if the response is
        not complete within `timeout` seconds (by default the client's). The error names the handler and its wait.
        """
        seconds = self.timeout if timeout is DEFAULT else check_timeout(timeout)
        async with await self._begin(method, path, query, headers, body, json, seconds) as response:
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
        timeout: float | Default | None = DEFAULT,
    ) -> "StreamedResponse":
        """Like `request`, but return after the head of the response. Close the response, or use it in `async with`.

        `timeout` applies to the head, and then to each part.
        """
        seconds = self.timeout if timeout is DEFAULT else check_timeout(timeout)
        response = await self._begin(method, path, query, headers, body, json, seconds)
        response.unlimit()
        return response

    async def _begin(
        self,
        method: str,
        path: str,
        query: Parameters | None,
        headers: Fields,
        body: Body | None,
        json: Any,
        seconds: float | None,
    ) -> "StreamedResponse":
        """Send a request and return after the head of the response. The timeout continues."""
        if json is not None:
            body = encode_json(json)
        elif body is not None:
            _check_body(body)
        given = Headers(headers)
        given = Headers([*(line for line in self.headers.lines() if line[0] not in given), *given.lines()])
        if json is not None:
            given.setdefault("content-type", JSON)
        target = path + ("" if query is None else f"?{urlencode(query, doseq=True)}")
        head = _write_head(method, target, given, body)
        connection = self._harness.connect(method, target, secure=self._secure)
        response = StreamedResponse(connection, seconds)
        try:
            connection.limit(seconds)
            connection.send(head)
            if body is not None:
                await _send_body(connection, body)
            await response.begun()
        except BaseException:
            response.close()
            raise
        return response

    async def _leave(self) -> None:
        try:
            await self._root_task.stop()
        finally:
            use, self._use = self._use, None
            if use is not None:
                use.release()

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
    """A response whose body is still arriving: `async for part in response`. `close` closes the connection."""

    def __init__(self, connection: MemoryConnection, timeout: float | None) -> None:
        self._connection = connection
        self._timeout = timeout
        self._response = connection.parser.response

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if not self._connection.parser.parts:
            self._connection.limit(self._timeout)
        part = await self._part()
        self._connection.limit(None)
        if part is None:
            raise StopAsyncIteration
        return part

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
        """The trailer fields, after the end of the body."""
        return self._response.trailers

    async def whole(self) -> ClientResponse:
        """The response with the rest of its body."""
        parts = []
        while (part := await self._part()) is not None:
            parts.append(part)
        self._response.body = b"".join(parts)
        return self._response

    def pause(self) -> None:
        """Stop reading, as a slow client does."""
        self._connection.pause()

    def resume(self) -> None:
        """Read again."""
        self._connection.resume()

    def close(self) -> None:
        """Close the connection, whether the response is complete or not."""
        self._connection.leave()

    async def begun(self) -> None:
        """Wait for the head."""
        while not self._connection.parser.head:
            self._check()
            await self._connection.news()

    def unlimit(self) -> None:
        """Stop the timeout until the next part is awaited."""
        self._connection.limit(None)

    async def _part(self) -> bytes | None:
        """The next part of the body; None at its end."""
        parser = self._connection.parser
        while not parser.parts:
            self._check()
            if parser.done:
                return None
            await self._connection.news()
        return parser.parts.pop(0)

    def _check(self) -> None:
        if self._connection.error is not None:
            raise self._connection.error


class Client:
    """A client for plain tests.

        client = Client(app)
        assert client.get("/").text == "Hello, World!"

    Asynchronous handlers run on an event loop: that of the installed asyncio reactor, or the client's own. If a reactor
    is installed and not running, the client runs its timers, threads and `callFromThread` meanwhile. Only one thread at
    a time can do this; clients in another thread raise ReactorInUse (RW223).

    `with` runs the app's start and stop hooks, and closes the client at its end; without it, the hooks are not called.
    A closed client may be used again. `timeout` is that of `AsyncClient`.
    """

    def __init__(
        self, servable: Any, *, headers: Fields = (), secure: bool = False, timeout: float | None = TIMEOUT
    ) -> None:
        self._client = AsyncClient(servable, headers=headers, secure=secure, timeout=timeout)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._finalizer: finalize[..., Any] | None = None
        """Closes the loop, if it is the client's own."""
        self._entered = False

    @property
    def app(self) -> Any:
        """The app that handles the requests."""
        return self._client.app

    def __enter__(self) -> Self:
        self._run(self._client.__aenter__())
        self._entered = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._run(self._client.__aexit__(kind, error, trace))
        finally:
            self._entered = False
            self.close()

    def close(self) -> None:
        """Close the event loop and cancel its tasks, if it is the client's own.

        Inside `with`, this has no effect: the end of `with` closes the client.
        """
        if self._entered:
            return
        loop, finalizer, self._finalizer = self._loop, self._finalizer, None
        self._loop = None
        if loop is not None and finalizer is not None and finalizer.detach():
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                runner.get_loop()

    def request(self, method: str, path: str, **options: Any) -> ClientResponse:
        """Like `AsyncClient.request`."""
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
            raise RuntimeError("A Client would block the running event loop. Use AsyncClient in coroutines.")
        claim = Claim.of_idle()  # before the loop is chosen: another thread might choose the same
        try:
            return self._find_loop(claim).run_until_complete(coroutine)
        finally:
            if claim is not None:
                claim.release()

    def _find_loop(self, claim: Claim | None) -> asyncio.AbstractEventLoop:
        """The loop of the installed asyncio reactor if it does not run, else the client's own."""
        if self._loop is None or self._loop.is_closed():
            own_loop = None if claim is None else claim.own_loop
            if own_loop is not None and not own_loop.is_closed() and not own_loop.is_running():
                return own_loop
            self._loop = asyncio.new_event_loop()
            self._finalizer = finalize(self, self._loop.close)
        return self._loop


def _check_body(body: Any) -> None:
    if isinstance(body, Mapping):
        raise TypeError(f"body= is of type {type(body).__name__}. Use json= to send it as JSON.")
    if not isinstance(body, bytes | str | Iterable | AsyncIterable):
        raise TypeError(f"body= is of type {type(body).__name__}, not str, bytes or an iterable of them.")


def _write_head(method: str, target: str, headers: Headers, body: Body | None) -> bytes:
    headers.setdefault("host", "localhost")
    if isinstance(body, bytes | str):
        headers.setdefault("content-length", str(len(body if isinstance(body, bytes) else body.encode())))
    elif body is not None:
        headers.setdefault("transfer-encoding", "chunked")
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.lines()), "", ""]
    return "\r\n".join(lines).encode("latin-1")


async def _send_body(connection: MemoryConnection, body: Body) -> None:
    if isinstance(body, bytes | str):
        connection.send(body if isinstance(body, bytes) else body.encode())
        return
    if isinstance(body, AsyncIterable):
        async for part in body:
            await _send_chunk(connection, part)
    else:
        for part in body:
            await _send_chunk(connection, part)
    connection.send(b"0\r\n\r\n")


async def _send_chunk(connection: MemoryConnection, part: bytes | str) -> None:
    """Send a chunk. While the server does not read, wait, as a client does whose socket is full."""
    if isinstance(part, str):
        part = part.encode()
    elif not isinstance(part, bytes | bytearray | memoryview):
        raise TypeError(f"A part of body= is of type {type(part).__name__}, not str or bytes.")
    while not connection.flowing and not connection.parser.done and connection.error is None:
        await connection.news()
    if part:
        connection.send(b"%x\r\n%b\r\n" % (len(part), part))
