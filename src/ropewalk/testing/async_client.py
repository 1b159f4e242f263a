"""`AsyncClient`: the test client for coroutines."""

from asyncio import _get_running_loop as running_loop
from base64 import b64encode
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Never, Self, TypeVar, Unpack

from ropewalk.calling import RootTask
from ropewalk.cookie_jar import CookieJar
from ropewalk.errors import shown, unknown_option
from ropewalk.headers import Fields, Headers
from ropewalk.server import app_of
from ropewalk.testing.after import raise_dropped, wait_for_after
from ropewalk.testing.client_clock import ClientClock
from ropewalk.testing.client_response import ClientResponse
from ropewalk.testing.harness import Harness
from ropewalk.testing.idle_reactor import ReactorUse
from ropewalk.testing.outgoing import Outgoing
from ropewalk.testing.redirects import check_redirects, redirected
from ropewalk.testing.request_bodies import Body, Files, make_body
from ropewalk.testing.request_options import RequestOptions, check_request_options
from ropewalk.testing.secure_cookies import SecureCookiesOverHTTP
from ropewalk.testing.streamed_response import StreamedResponse
from ropewalk.testing.targets import (
    Address,
    check_address,
    find_target,
    host_name,
    parse_base_url,
    with_host,
)
from ropewalk.testing.timeouts import DEFAULT, TIMEOUT, Default, check_timeout, run_hooks
from ropewalk.url_encoding import Parameters

Cookies = Mapping[str, str] | Iterable[tuple[str, str]]
Result = TypeVar("Result")


class AsyncClient:
    """A test client for coroutines, under asyncio, in trial, or on any reactor.

        async with AsyncClient(app) as client:
            response = await client.get("/users/7")

    `async with` runs the app's start and stop hooks. Without it, the hooks are not called. Every request uses a new
    connection.

    - `base_url` is the scheme and host of all requests, and a prefix for their paths. By default it is
      `http://localhost`, or `https://localhost` if `secure`. Raises ValueError for any other URL.
    - `headers` are sent with each request.
    - `cookies` are put into the jar `client.cookies`, which also keeps the cookies that responses set.
    - `follow_redirects` and `timeout` (seconds; None for no limit) are the defaults of requests. The timeout also
      applies to each start and stop hook. Raises ValueError unless it is greater than 0.
    - `raise_errors`: the client raises every exception that is logged as unexpected, with its traceback, even if
      an error handler for `Exception` or 500, or a middleware, has made a response from it. It also raises
      exceptions of functions that run after the response (`request.after`), and RW285 for an operation without
      `await` that has failed. It returns the response for an
      HTTPError, and for an exception whose class has an error handler. If False, the client always returns the
      response.
    - `wait_for_after`: a request waits until the functions passed to `request.after` have ended, within the
      timeout. `stream` never waits for them.
    - `clock`: the clock for stores in memory and in SQLite, tokens, cookies and the middleware `timeout`. By default,
      it is the system's time plus the seconds passed to `advance`. You can give a `twisted.internet.task.Clock`, or
      another client's clock.
    - `address` is the client's IP address and port, by default `("127.0.0.1", 50000)`. Raises ValueError if it is
      malformed.

    Raises OptionError (RW270) for an unknown option.
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
        self.app = app_of(servable)
        self.clock = clock if isinstance(clock, ClientClock) else ClientClock(clock)
        self.headers = Headers(headers)
        self.timeout = check_timeout(timeout)
        self.follow_redirects = follow_redirects
        self.raise_errors = raise_errors
        self.wait_for_after = wait_for_after
        self.decodes = True
        """Whether bodies in gzip, br or zstd are decoded, if the request has an Accept-Encoding."""
        self._base = parse_base_url(base_url, secure=secure)
        self.cookies = CookieJar(cookies, host=host_name(self._base.authority), clock=self.clock.unix_time)
        self._secure_cookies = SecureCookiesOverHTTP()
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
        seconds = self.timeout if kind is None else 0  # after a failure of the test, do not wait for running requests
        try:
            try:
                await run_hooks("stopping", self._harness.begin_stop(), self.timeout, self.clock, self._use)
            finally:
                await self._harness.drain(seconds)
                await run_hooks("stop", self.app.stop(), self.timeout, self.clock, self._use)
        finally:
            await self._leave()

    def login(self, user: str | None = None, password: str | None = None, *, token: str | None = None) -> None:
        """Send Authorization with each request: `login("ada", "secret")` for Basic (RFC 7617), `login(token="...")` for
        Bearer (RFC 6750).

        This replaces the credentials of an earlier login. The field is not sent if a redirect leads to another origin.
        Raises TypeError unless you give either a user and password or a token, and ValueError for a user with a colon.
        """
        self.headers["authorization"] = write_credentials(user, password, token)

    def advance(self, seconds: float) -> None:
        """Move the client's clock forward, for example so that tokens and cookies expire.

        Redis and the timers of the reactor, of asyncio and of the engine do not use this clock. Raises ValueError for a
        number below 0.
        """
        self.clock.advance(seconds)

    def logout(self) -> None:
        """Stop sending Authorization. Cookies are kept; `client.cookies.clear()` removes them."""
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
        **others: Never,
    ) -> ClientResponse:
        """Send a request and read the whole response. Raises ProtocolError if the response violates HTTP.

        - `path` is sent unchanged, after the prefix of the base URL; it may be a full URL. `params` (or
          `query`) are encoded and appended as the query: a list becomes several pairs, None is left out, and
          True becomes `true`.
        - `cookies` are sent with this request only. A Cookie field in `headers` replaces the cookies of the
          jar.
        - `body`, `json`, `data` and `files`: the body is one of: `body`, str or bytes, or an iterable of
          them, which is sent in chunks; `json`, a value to send as JSON; `data`, the fields of a form;
          `files`, with or without `data`, a multipart form. A file is bytes, str, a Path, a binary file,
          `(file name, content)` or `(file name, content, Content-Type)`; it is read while it is sent. Raises
          TypeError for more than one body, or for a body or part of another type.
        - `auth`, a user and a password, sends Authorization (Basic) with this request, instead of the one
          from `login`.
        - `follow_redirects` (by default the client's): follow redirects and return the last response, whose
          `history` has the redirects. Raises RedirectError (RW224) for more than 20 redirects, or for one
          that cannot be followed.
        - `timeout`, in seconds (by default the client's): if a response is not complete in time, raise
          ClientTimeout (RW222), which names the handler and what it waits for.

        Raises OptionError (RW270) for an unknown option.
        """
        check_request_options(others)
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
        **others: Never,
    ) -> StreamedResponse:
        """Like `request`, but return when the head of the response has arrived.

        Use the response in `async with`, or close it.

        `timeout` applies to the head, and then to each part.
        """
        check_request_options(others)
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
        """Make an Outgoing request from the arguments of `request` or `stream`."""
        if params is not None and query is not None:
            raise TypeError("params= and query= mean the same. Leave out one of them.")
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
        """Send a request, follow redirects, and return when the head of the last response has arrived.

        The timeout continues to run while the caller reads the body.
        """
        follow = self.follow_redirects if follow_redirects is None else follow_redirects
        history: list[ClientResponse] = []
        while True:
            response = await self._send(outgoing, seconds)
            try:
                head = response.received
                self._secure_cookies.note(outgoing, outgoing.store_cookies(head, self.cookies))
                following = redirected(outgoing, head) if follow else None
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
        """Read the whole response. If `wait_for_after` is set, wait for the functions that run after the response."""
        whole = await response.whole()
        if self.wait_for_after:
            await wait_for_after(response.background, outgoing, seconds, raise_errors=self.raise_errors)
            await raise_dropped(self.clock, seconds, raise_errors=self.raise_errors)
        return whole

    async def _send(self, outgoing: Outgoing, seconds: float | None) -> StreamedResponse:
        """Send one request, and return when the head of the response has arrived."""
        target = outgoing.target
        head = outgoing.head(self.cookies)
        self._secure_cookies.warn_of_unsent(outgoing, self.cookies)
        connection = self._harness.connect(outgoing.method, target.path, secure=outgoing.secure)
        response = StreamedResponse(connection, seconds, raise_errors=self.raise_errors, url=target.url)
        try:
            connection.parser.decodes = self.decodes and "accept-encoding" in outgoing.headers
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

    async def get(self, path: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        """Send a GET request: see `request`."""
        return await self.request("GET", path, **options)

    async def head(self, path: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        """Send a HEAD request: see `request`."""
        return await self.request("HEAD", path, **options)

    async def post(self, path: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        """Send a POST request: see `request`."""
        return await self.request("POST", path, **options)

    async def put(self, path: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        """Send a PUT request: see `request`."""
        return await self.request("PUT", path, **options)

    async def patch(self, path: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        """Send a PATCH request: see `request`."""
        return await self.request("PATCH", path, **options)

    async def delete(self, path: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        """Send a DELETE request: see `request`."""
        return await self.request("DELETE", path, **options)

    async def options(self, path: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        """Send an OPTIONS request: see `request`."""
        return await self.request("OPTIONS", path, **options)


def check_client_options(client: str, options: Iterable[str]) -> None:
    """Raises OptionError (RW270) for the name of an option that test clients do not have. `client` is their class."""
    for name in options:
        known = (AsyncClient.__init__.__kwdefaults__ or {}).keys()
        raise unknown_option(client, name, known)


def write_credentials(user: str | None, password: str | None, token: str | None) -> str:
    """The value of the Authorization field for a login. Raises TypeError and ValueError like `AsyncClient.login`."""
    if (token is None) == (user is None) or (user is None) != (password is None):
        raise TypeError("login takes a user and a password, or token=.")
    if token is not None:
        return f"Bearer {token}"
    if ":" in str(user):
        raise ValueError("The name of a user must not have a colon (RFC 7617, section 2).")
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"
