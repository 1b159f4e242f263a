"""Replaces the transport of Starlette's TestClient with a connection to our engine, in the same event loop.

Requests of the tests go to the engine as bytes of HTTP/1.1, and responses are parsed from its bytes. Starlette's client
also needs facts that a server does not send. These do not pass through the engine: the exception that an application
raised, which the client raises again; the `http.response.debug` messages of templates; and the moment at which the
application returns, for which the client waits.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Any

from starlette import testclient
from starlette.testclient import TestClient, _TestClientTransport

from ropewalk import App, ASGIOptions, asgi
from ropewalk.asgi import Message, Receive, Scope, Send
from ropewalk.errors import HostedError
from ropewalk.testing import AsyncClient, StreamedResponse, harness

httpx: Any = vars(testclient)["httpx"]
"""The library that the client uses: httpx2 in the environment of the tests."""

asked = 0
"""How many requests were sent to the engine."""

TAKES_TRAILERS = (b"te", b"trailers")
"""Starlette's client accepts trailers without a TE field, which the engine requires."""

SECONDS = 2.0
"""The timeout for an application to return after its client has left."""


class Watched:
    """An application, and what the test client needs to know of its call."""

    def __init__(self, application: Any) -> None:
        self.application = application
        self.error: BaseException | None = None
        self.debug: dict[str, Any] | None = None
        self.trailers = False
        self.running: asyncio.Event | None = None
        """Set when the application has returned. None between calls."""

    def begin(self) -> None:
        """Forget the previous call."""
        self.error = self.debug = self.running = None
        self.trailers = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        running = asyncio.Event()
        if scope["type"] == "http":
            self.running = running
            scope["extensions"] = {name: {} for name in ("http.response.debug", "http.response.trailers")}
            scope["headers"].remove(TAKES_TRAILERS)

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.debug":
                self.debug = message["info"]
                return
            if message["type"] == "http.response.start":
                self.trailers = message.get("trailers", False)
            await send(message)

        try:
            await self.application(scope, receive, watched)
        except BaseException as error:
            self.error = error
            raise
        finally:
            running.set()


class Transport(_TestClientTransport):
    """The transport of TestClient: HTTP requests go to the engine, WebSocket requests to Starlette's own transport."""

    def __init__(self, app: Any, portal_factory: Any, *arguments: Any, **options: Any) -> None:
        super().__init__(app, portal_factory, *arguments, **options)
        self.watched = Watched(app)
        self.hosting = App()
        self.resource = asgi(self.watched, ASGIOptions(lifespan="on"))
        self.hosting.mount(self.root_path or "/", self.resource)
        self._client = (
            AsyncClient(self.hosting, raise_errors=False),
            AsyncClient(self.hosting, raise_errors=False, secure=True),
        )
        for client in self._client:
            client.decodes = False  # TestClient decodes bodies itself

    def handle_request(self, request: Any) -> Any:
        """Send a request, and return when the head of the response has arrived."""
        if request.url.scheme in ("ws", "wss"):
            return super().handle_request(request)
        global asked
        asked += 1
        body = request.read()
        with ExitStack() as stack:
            portal = stack.enter_context(self.portal_factory())
            answer = portal.call(self._begin, request, body)
            stack.callback(portal.call, self._end, answer)
            if self.raise_server_exceptions:
                portal.call(asyncio.sleep, 0)
                if self.watched.error is not None and not answer.status < 500:
                    portal.call(self._end, answer)
                    raise self.watched.error
            stream = Body(portal.call, answer, self, stack.pop_all())
        response = httpx.Response(answer.status, headers=answer.headers.lines(), stream=stream, request=request)
        if self.watched.trailers:
            response.extensions["http.response.trailers"] = stream.trailers
        debug = self.watched.debug
        if debug is not None:
            response.extensions["http.response.debug"] = debug
            vars(response).update({name: debug[name] for name in ("template", "context") if name in debug})
        return response

    async def _begin(self, request: Any, body: bytes) -> StreamedResponse:
        self.watched.begin()
        vars(harness)["CLIENT"] = self.client
        headers = [(name.lower(), value) for name, value in request.headers.raw]
        chunked = any(name == b"transfer-encoding" for name, _ in headers)
        given = b"content-length" in dict(headers)
        secure = request.url.scheme == "https"
        client = self._client[secure]
        client.cookies.clear()  # Starlette's client keeps its own cookies
        return await client.stream(
            request.method,
            request.url.raw_path.decode("ascii"),
            headers=[*headers, TAKES_TRAILERS],
            body=[body] if chunked else body if given else None,
        )

    async def _end(self, answer: StreamedResponse) -> None:
        answer.close()
        if self.watched.running is not None:
            async with asyncio.timeout(SECONDS):
                await self.watched.running.wait()

    async def start(self) -> None:
        """Run the lifespan's startup. Raises what the application raised."""
        self.watched.error = None
        try:
            await self.hosting.start()
        except HostedError:
            if self.watched.error is not None:
                raise self.watched.error from None
            raise

    async def stop(self) -> None:
        """Run the lifespan's shutdown. Raises what the application raised."""
        self.watched.error = None
        await self.hosting.stop()
        if self.watched.error is not None:
            raise self.watched.error


class Body(httpx.SyncByteStream):  # type: ignore[misc] # Any
    """The body of the response, as it arrives."""

    def __init__(
        self, call: Callable[..., Any], answer: StreamedResponse, transport: Transport, stack: ExitStack
    ) -> None:
        self._call = call
        self._answer = answer
        self._transport = transport
        self._stack: AbstractContextManager[Any] | None = stack
        self.trailers: list[tuple[bytes, bytes]] = []

    def __iter__(self) -> Iterator[bytes]:
        while part := self._call(self._next):
            yield part
        self.trailers += [(name.encode(), value.encode()) for name, value in self._answer.trailers.lines()]
        self.close()

    async def _next(self) -> bytes:
        return await anext(self._answer, b"")

    def close(self) -> None:
        stack, self._stack = self._stack, None
        if stack is not None:
            stack.__exit__(None, None, None)
            if self._transport.raise_server_exceptions and self._transport.watched.error is not None:
                raise self._transport.watched.error


def put_in_place() -> None:
    """Make every TestClient use the engine, also for its lifespan."""
    vars(testclient)["_TestClientTransport"] = Transport
    for function in (lifespan, wait_startup, wait_shutdown):
        setattr(TestClient, function.__name__, function)


async def lifespan(client: TestClient) -> None:
    """Do nothing: `wait_startup` and `wait_shutdown` run the lifespan."""


async def wait_startup(client: TestClient) -> None:
    transport: Any = client._transport
    await transport.start()
    client.app_state.update(transport.resource.state)


async def wait_shutdown(client: TestClient) -> None:
    transport: Any = client._transport
    await transport.stop()
