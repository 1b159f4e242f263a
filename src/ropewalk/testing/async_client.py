"""`AsyncClient`: the test client for coroutines."""

from asyncio import _get_running_loop as running_loop
from base64 import b64encode
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

from ropewalk.calling import RootTask
from ropewalk.errors import shown
from ropewalk.headers import Fields, Headers
from ropewalk.server import app_of
from ropewalk.testing.after import wait_for_after
from ropewalk.testing.client_clock import ClientClock
from ropewalk.testing.client_response import ClientResponse
from ropewalk.testing.cookie_jar import CookieJar
from ropewalk.testing.harness import Harness
from ropewalk.testing.idle_reactor import ReactorUse
from ropewalk.testing.outgoing import Outgoing, check_redirects
from ropewalk.testing.request_bodies import Body, Files, make_body
from ropewalk.testing.streamed_response import StreamedResponse
from ropewalk.testing.targets import (
    Address,
    Parameters,
    check_address,
    find_target,
    host_name,
    parse_base_url,
    with_host,
)
from ropewalk.testing.timeouts import DEFAULT, TIMEOUT, Default, check_timeout, run_hooks

Cookies = Mapping[str, str] | Iterable[tuple[str, str]]
Result = TypeVar("Result")


class AsyncClient:
    """A client for coroutines: under asyncio, in trial, and on any reactor.

        async with AsyncClient(app) as client:
            response = await client.get("/users/7")

    `async with` runs the app's start and stop hooks; without it, they are not called. Every request has its own
    connection.

    - `base_url` has the scheme and host of all requests, and a prefix of their paths. By default it is
      `http://localhost`, or `https://localhost` if `secure`. Raises ValueError if it is not such a URL.
    - `headers` are sent with each request.
    - `cookies` are the first ones of the jar `client.cookies`, which keeps those that responses set.
    - `follow_redirects` and `timeout` (seconds; None for no limit) are the defaults of requests. The timeout also
      applies to each start and stop hook. Raises ValueError unless it is greater than 0.
    - `raise_errors`: the client raises what is logged as an unexpected exception of the request, with its traceback,
      whatever response it became: that of an error handler for `Exception` or 500, or of a middleware, too. An
      HTTPError, and an exception whose class has an error handler, is a response. False returns every response.
      An exception of a function that runs after the response (`request.after`) is raised, too.
    - `wait_for_after`: a request returns when these functions have ended, within the timeout. `stream` never waits.
    - `clock`: the time of stores in memory and in SQLite, of tokens, cookies and the middleware `timeout`. By default
      it is the system's, which `advance` moves on. Or give a `twisted.internet.task.Clock`, or another client's clock.
    - `address` is the IP address and port of the client, by default `("127.0.0.1", 50000)`. Raises ValueError for
      another form.
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
    ) -> None:
        self.app = app_of(servable)
        self.clock = clock if isinstance(clock, ClientClock) else ClientClock(clock)
        self.headers = Headers(headers)
        self.timeout = check_timeout(timeout)
        self.follow_redirects = follow_redirects
        self.raise_errors = raise_errors
        self.wait_for_after = wait_for_after
        self._base = parse_base_url(base_url, secure=secure)
        self.cookies = CookieJar(cookies, host=host_name(self._base.authority), clock=self.clock.unix_time)
        self._harness = Harness(self.app, self.clock, check_address(address))
        self._root_task = RootTask()
        self._use: ReactorUse | None = None

    async def __aenter__(self) -> Self:
        loop = running_loop()
        self._use = None if loop is None else ReactorUse.of(loop)
        self._root_task.start()
        try:
            await run_hooks("start", self.app.start(), self.timeout, self.clock, self._use)
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
                await run_hooks("stopping", self._harness.begin_stop(), self.timeout, self.clock, self._use)
            finally:
                await self._harness.drain(seconds)
                await run_hooks("stop", self.app.stop(), self.timeout, self.clock, self._use)
        finally:
            await self._leave()

    def login(self, user: str | None = None, password: str | None = None, *, token: str | None = None) -> None:
        """Send Authorization with each request: `login("ada", "secret")` is Basic (RFC 7617), `login(token="...")`
        Bearer (RFC 6750). It replaces an earlier one. A redirect to another origin does not get it.

        Raises TypeError unless either a user and password or a token is given, and ValueError for a user with a colon.
        """
        self.headers["authorization"] = write_credentials(user, password, token)

    def advance(self, seconds: float) -> None:
        """Move the clock of the client on: what expires by then has expired. Timers of the reactor, of asyncio and of
        the engine, and Redis, do not follow. Raises ValueError for a number below 0.
        """
        self.clock.advance(seconds)

    def logout(self) -> None:
        """Send no Authorization any more. Cookies stay: `client.cookies.clear()` removes them."""
        self.headers.pop("authorization", None)

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Parameters | str | None = None,
        query: Parameters | None = None,
        headers: Fields = (),
        cookies: Mapping[str, str] | None = None,
        body: Body | None = None,
        json: Any = None,
        data: Parameters | None = None,
        files: Files | None = None,
        auth: tuple[str, str] | None = None,
        follow_redirects: bool | None = None,
        timeout: float | Default | None = DEFAULT,
    ) -> ClientResponse:
        """Send a request and read the whole response. Raises ProtocolError if the response violates HTTP.

        - `path` is sent unchanged, after the prefix of the base URL; it may be a whole URL. `params` (or `query`) are
          encoded and appended: a list becomes several pairs, None is left out, True is `true`.
        - `cookies` are sent with this request only. A Cookie field in `headers` replaces the cookies of the jar.
        - The body is one of: `body`, str or bytes, or an iterable of them, which is sent in chunks; `json`, a value to
          send as JSON; `data`, the fields of a form; `files`, with or without `data`, a multipart form. A file is
          bytes, str, a Path, a binary file, `(file name, content)` or `(file name, content, Content-Type)`; it is read
          while it is sent. Raises TypeError for more than one body, and one, or a part of one, of another type.
        - `auth`, a user and a password, sends Authorization (Basic) with this request, in place of that of `login`.
        - `follow_redirects` (by default the client's): the response is that of the last request, and its `history` has
          the redirects. Raises RedirectError (RW224) for more than 20, and for one that cannot be followed.
        - `timeout`, in seconds (by default the client's): raises ClientTimeout (RW222) if a response is not complete by
          then. The error names the handler and its wait.
        """
        outgoing = self._make(
            method,
            path,
            params=params,
            query=query,
            headers=headers,
            cookies=cookies,
            body=body,
            json=json,
            data=data,
            files=files,
            auth=auth,
        )
        seconds = self.timeout if timeout is DEFAULT else check_timeout(timeout)
        response = await self._begin(outgoing, seconds, follow_redirects)
        try:
            return await self._whole(response, outgoing, seconds)
        finally:
            response.close()

    async def stream(
        self,
        method: str,
        path: str,
        *,
        params: Parameters | str | None = None,
        query: Parameters | None = None,
        headers: Fields = (),
        cookies: Mapping[str, str] | None = None,
        body: Body | None = None,
        json: Any = None,
        data: Parameters | None = None,
        files: Files | None = None,
        auth: tuple[str, str] | None = None,
        follow_redirects: bool | None = None,
        timeout: float | Default | None = DEFAULT,
    ) -> StreamedResponse:
        """Like `request`, but return after the head of the response. Close the response, or use it in `async with`.

        `timeout` applies to the head, and then to each part.
        """
        outgoing = self._make(
            method,
            path,
            params=params,
            query=query,
            headers=headers,
            cookies=cookies,
            body=body,
            json=json,
            data=data,
            files=files,
            auth=auth,
        )
        seconds = self.timeout if timeout is DEFAULT else check_timeout(timeout)
        response = await self._begin(outgoing, seconds, follow_redirects)
        response.unlimit()
        return response

    def _make(
        self,
        method: str,
        path: str,
        *,
        params: Parameters | str | None,
        query: Parameters | None,
        headers: Fields,
        cookies: Mapping[str, str] | None,
        body: Body | None,
        json: Any,
        data: Parameters | None,
        files: Files | None,
        auth: tuple[str, str] | None,
    ) -> Outgoing:
        """The request for the arguments of a call."""
        if params is not None and query is not None:
            raise TypeError("params= and query= are two names of the same. Leave out one.")
        content, kind = make_body(body, json, data, files)
        given = Headers(headers)
        if auth is not None:
            pair: Any = auth
            if not isinstance(pair, tuple) or len(pair) != 2:
                raise TypeError(f"auth= takes a user and a password, (user, password), not {shown(auth)}.")
            given["authorization"] = write_credentials(*pair, None)
        given = Headers([*(line for line in self.headers.lines() if line[0] not in given), *given.lines()])
        if kind is not None:
            given.setdefault("content-type", kind)
        target = find_target(self._base, path, query if params is None else params)
        return Outgoing(method, with_host(target, given.get("host")), given, content, cookies or {})

    async def _begin(
        self, outgoing: Outgoing, seconds: float | None, follow_redirects: bool | None
    ) -> StreamedResponse:
        """Send a request, follow redirects, and return after the head of the last response. The timeout continues."""
        follow = self.follow_redirects if follow_redirects is None else follow_redirects
        history: list[ClientResponse] = []
        while True:
            response = await self._send(outgoing, seconds)
            try:
                head = response.received
                outgoing.store_cookies(head, self.cookies)
                following = outgoing.redirected(head) if follow else None
                if following is None:
                    head.history = history
                    return response
                history.append(await self._whole(response, outgoing, seconds))
                check_redirects(history, following.target.url)
            except BaseException:
                response.close()
                raise
            response.close()
            outgoing = following

    async def _whole(self, response: StreamedResponse, outgoing: Outgoing, seconds: float | None) -> ClientResponse:
        """The whole response, when what runs after it has ended."""
        whole = await response.whole()
        if self.wait_for_after:
            await wait_for_after(self.app, outgoing, seconds, raise_errors=self.raise_errors)
        return whole

    async def _send(self, outgoing: Outgoing, seconds: float | None) -> StreamedResponse:
        """Send one request and return after the head of the response."""
        target = outgoing.target
        head = outgoing.head(self.cookies)
        connection = self._harness.connect(outgoing.method, target.path, secure=outgoing.secure)
        response = StreamedResponse(connection, seconds, raise_errors=self.raise_errors, url=target.url)
        try:
            connection.limit(seconds)
            connection.send(head)
            await outgoing.send_body(connection)
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


def write_credentials(user: str | None, password: str | None, token: str | None) -> str:
    """The value of Authorization. Raises TypeError and ValueError as `AsyncClient.login` does."""
    if (token is None) == (user is None) or (user is None) != (password is None):
        raise TypeError("login takes a user and a password, or token=.")
    if token is not None:
        return f"Bearer {token}"
    if ":" in str(user):
        raise ValueError("The name of a user must not have a colon (RFC 7617, section 2).")
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"
