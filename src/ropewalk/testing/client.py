"""`Client`: the test client for plain test functions."""

import asyncio
from asyncio import _get_running_loop as running_loop
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Never, Self, TypeVar, Unpack
from weakref import finalize

from ropewalk.cookie_jar import CookieJar
from ropewalk.headers import Fields, Headers
from ropewalk.testing.async_client import AsyncClient, Cookies, check_client_options
from ropewalk.testing.blocking_stream import BlockingStream
from ropewalk.testing.client_clock import ClientClock
from ropewalk.testing.client_response import ClientResponse
from ropewalk.testing.idle_reactor import Claim, WouldBlock, runs_here
from ropewalk.testing.request_options import RequestOptions, check_request_options
from ropewalk.testing.targets import Address
from ropewalk.testing.timeouts import TIMEOUT

Result = TypeVar("Result")


class Client:
    """A test client for plain test functions.

        client = Client(app)
        assert client.get("/").text == "Hello, World!"

    Asynchronous handlers run on an event loop: the loop of the installed asyncio reactor, or the client's own loop. If
    a reactor is installed but not running, the client runs its timers, threads and `callFromThread` calls during a
    request. Only one thread at a time can do this; clients in other threads raise ReactorInUse (RW223). If an event
    loop or the reactor is running in this thread, requests raise WouldBlock (RW225): use `AsyncClient` then.

    `with` runs the app's start and stop hooks, and closes the client at the end. Without it, the hooks are not called.
    You can use a closed client again. The arguments are the same as for `AsyncClient`.
    """

    def __init__(
        self,
        servable: Any,
        *,
        base_url: str | None = None,
        headers: Fields = (),
        cookies: Cookies = (),
        follow_redirects: bool = False,
        raise_errors: bool = True,
        secure: bool = False,
        timeout: float | None = TIMEOUT,
        wait_for_after: bool = True,
        clock: Any = None,
        address: Address | None = None,
        **others: Never,
    ) -> None:
        check_client_options(type(self).__name__, others)
        self._client = AsyncClient(
            servable,
            base_url=base_url,
            headers=headers,
            cookies=cookies,
            follow_redirects=follow_redirects,
            raise_errors=raise_errors,
            secure=secure,
            timeout=timeout,
            wait_for_after=wait_for_after,
            clock=clock,
            address=address,
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._finalizer: finalize[..., Any] | None = None
        """Closes the client's own event loop. None if the client has no loop."""
        self._entered = False

    @property
    def app(self) -> Any:
        """The app that handles the requests."""
        return self._client.app

    @property
    def clock(self) -> ClientClock:
        """The clock of the client's requests."""
        return self._client.clock

    @property
    def headers(self) -> Headers:
        """The header fields that are sent with each request."""
        return self._client.headers

    @property
    def cookies(self) -> CookieJar:
        """The cookies that the client keeps."""
        return self._client.cookies

    @property
    def decodes(self) -> bool:
        """Whether bodies in gzip, br or zstd are decoded, if the request has an Accept-Encoding. You can change it."""
        return self._client.decodes

    @decodes.setter
    def decodes(self, decodes: bool) -> None:
        self._client.decodes = decodes

    def login(self, user: str | None = None, password: str | None = None, *, token: str | None = None) -> None:
        """Send Authorization with each request, as `AsyncClient.login` does."""
        self._client.login(user, password, token=token)

    def advance(self, seconds: float) -> None:
        """Move the client's clock forward, as `AsyncClient.advance` does. Unless an event loop or the reactor is
        running, this returns only after the tasks that the new time cancels have ended.
        """
        if running_loop() is not None or runs_here():
            self._client.advance(seconds)
        else:
            self._run(self._advance(seconds))

    def logout(self) -> None:
        """Stop sending Authorization, as `AsyncClient.logout` does."""
        self._client.logout()

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
        """Cancel the tasks of the client's own event loop, if it has one, and close the loop.

        This has no effect inside `with`, because the end of `with` closes the client.
        """
        if self._entered:
            return
        loop, finalizer, self._finalizer = self._loop, self._finalizer, None
        self._loop = None
        if loop is not None and finalizer is not None and finalizer.detach():
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                runner.get_loop()

    def request(self, method: str, path: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        """Send a request and read the whole response, as `AsyncClient.request` does."""
        check_request_options(options)
        return self._run(self._client.request(method, path, **options))

    def stream(self, method: str, path: str, **options: Unpack[RequestOptions]) -> BlockingStream:
        """Send a request, and return when the head of the response has arrived, as `AsyncClient.stream` does. Use the
        response in `with`, or close it."""
        check_request_options(options)
        return BlockingStream(self._run(self._client.stream(method, path, **options)), self._run)

    def get(self, path: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        """Send a GET request: see `request`."""
        return self.request("GET", path, **options)

    def head(self, path: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        """Send a HEAD request: see `request`."""
        return self.request("HEAD", path, **options)

    def post(self, path: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        """Send a POST request: see `request`."""
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        """Send a PUT request: see `request`."""
        return self.request("PUT", path, **options)

    def patch(self, path: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        """Send a PATCH request: see `request`."""
        return self.request("PATCH", path, **options)

    def delete(self, path: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        """Send a DELETE request: see `request`."""
        return self.request("DELETE", path, **options)

    def options(self, path: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        """Send an OPTIONS request: see `request`."""
        return self.request("OPTIONS", path, **options)

    def _run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        runner = "event loop" if running_loop() is not None else "reactor" if runs_here() else None
        if runner is not None:
            coroutine.close()
            raise WouldBlock(runner)
        claim = Claim.of_idle()  # before the loop is chosen, because another thread might choose the same loop
        try:
            return self._find_loop(claim).run_until_complete(coroutine)
        finally:
            if claim is not None:
                claim.release()

    async def _advance(self, seconds: float) -> None:
        self._client.advance(seconds)
        await asyncio.sleep(0)  # lets the loop run once, so that the cancelled tasks end

    def _find_loop(self, claim: Claim | None) -> asyncio.AbstractEventLoop:
        """The loop of the installed asyncio reactor if it is not running, or else the client's own loop."""
        if self._loop is None or self._loop.is_closed():
            own_loop = None if claim is None else claim.own_loop
            if own_loop is not None and not own_loop.is_closed() and not own_loop.is_running():
                return own_loop
            self._loop = asyncio.new_event_loop()
            self._finalizer = finalize(self, self._loop.close)
        return self._loop
