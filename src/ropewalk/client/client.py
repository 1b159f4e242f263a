"""`HTTPClient`: calls other services over HTTP."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import Any, Final, Never, Self, TypedDict, TypeVar, Unpack, overload

from ropewalk.client.call import Call, make_call
from ropewalk.client.errors import CallTimeout, ClientClosed
from ropewalk.client.exchange import Body, Transport
from ropewalk.client.options import Auth, HTTPClientOptions
from ropewalk.client.response import HTTPResponse
from ropewalk.client.running import RunningCalls, run
from ropewalk.client.sender import Sender
from ropewalk.client.stream import HTTPStream
from ropewalk.client.timeouts import Timeouts
from ropewalk.client.urls import parse_base_url
from ropewalk.errors import OptionError, check_options, shown, unknown_option
from ropewalk.headers import Fields
from ropewalk.url_encoding import Parameters
from ropewalk.waiting import Waiter

Kind = TypeVar("Kind")

_DEFAULTS: Final = HTTPClientOptions()


class CallOptions(TypedDict, total=False):
    """The arguments of a call: see `HTTPClient.request`."""

    path: Mapping[str, Any] | None
    query: Parameters | None
    headers: Fields
    body: Body | None
    json: Any
    form: Parameters | None
    auth: Auth | None
    timeouts: Timeouts | None
    redirects: int | None
    body_limit: int | None


class HTTPClient:
    """Calls other services over HTTP, on every reactor.

        client = HTTPClient(HTTPClientOptions(base_url="https://rooms.internal"))
        room = await client.get("/rooms/{id}", path={"id": 7}, type=Room)

    Each call returns a Waiter: a Deferred that asyncio tasks can await, too. Cancelling it ends the call.

    Connections are kept open for the next calls. `close` closes them and ends running calls: register it with
    `app.on_stop(client.close)`, or use the client in `async with`. You can use a closed client again.

    `app` is an App that handles the requests in this process, without a socket; its start and stop hooks are not
    called. `transport` is another object that sends the requests instead, such as a `ropewalk.testing.FakeService`.
    With an app or a transport, and without a base URL, paths are below `http://localhost`.

    Raises OptionError: RW359 for a wrong value, and RW270 for an unknown option.
    """

    def __init__(
        self,
        options: HTTPClientOptions = _DEFAULTS,
        *,
        app: Any = None,
        transport: Transport | None = None,
        **others: Never,
    ) -> None:
        for other in others:
            if other in HTTPClientOptions.__dataclass_fields__:
                what = f"HTTPClient has no option {other!r}."
                raise OptionError("RW270", what, f"Write HTTPClient(HTTPClientOptions({other}=...)).")
            raise unknown_option("HTTPClientOptions", other, HTTPClientOptions.__dataclass_fields__)
        check_options(options, HTTPClientOptions, "RW359")
        self._options = options
        if app is not None and transport is not None:
            raise OptionError("RW359", "HTTPClient got app and transport.", "Give one of them.")
        if transport is not None:
            _check_transport(transport)
        if app is not None:
            transport = _app_transport(app)
        base = options.base_url or (None if transport is None else "http://localhost")
        self._base = None if base is None else parse_base_url(base)
        self._sender = Sender(options, transport)
        self._running = RunningCalls()

    def __repr__(self) -> str:
        return f"<HTTPClient {'of any URL' if self._base is None else self._base}>"

    @overload
    def request(self, method: str, url: str, *, type: type[Kind], **options: Unpack[CallOptions]) -> Waiter[Kind]: ...

    @overload
    def request(
        self, method: str, url: str, *, type: None = None, **options: Unpack[CallOptions]
    ) -> Waiter[HTTPResponse]: ...

    def request(self, method: str, url: str, *, type: Any = None, **options: Unpack[CallOptions]) -> Waiter[Any]:
        """Send a request and read the whole response. Raises ClientError, and at once InvalidCall (RW357) for a wrong
        argument, and OptionError (RW270) for an unknown one.

        - `type`: return the body of the response as this type, such as `Room` or `list[Room]`, instead of the response.
          Raises BadStatus (RW353) if the status is not 200 to 299, and BadResponse (RW354) if the body does not fit.
        - `url`: a path below the base URL of the client, or an absolute URL. The values of `path` replace `{name}` in
          it, percent-encoded, so that a value cannot lead to another path. The pairs of `query` are appended: a list
          becomes several pairs, None is left out, True becomes `true`.
        - `headers`: fields of this request. They replace those of the client with the same name.
        - `body`, `json` or `form`: bytes, str, or an (async) iterable of them, which is sent in chunks; a value to send
          as JSON; or the fields of a form.
        - `auth`, `timeouts`, `redirects`, `body_limit`: instead of those in `HTTPClientOptions`.
        """
        call = self._make(method, url, options, expects_json=type is not None)
        limit = call.body_limit

        async def finish(stream: HTTPStream) -> HTTPResponse:
            return await stream.whole(limit)

        async def sent() -> Any:
            response = await self._sender.send(call, finish)
            return response if type is None else response.raise_for_status().json(type)

        return self._run(call, sent())

    @overload
    def get(self, url: str, *, type: type[Kind], **options: Unpack[CallOptions]) -> Waiter[Kind]: ...

    @overload
    def get(self, url: str, *, type: None = None, **options: Unpack[CallOptions]) -> Waiter[HTTPResponse]: ...

    def get(self, url: str, *, type: Any = None, **options: Unpack[CallOptions]) -> Waiter[Any]:
        """Send a GET request: see `request`."""
        return self.request("GET", url, type=type, **options)

    @overload
    def post(self, url: str, *, type: type[Kind], **options: Unpack[CallOptions]) -> Waiter[Kind]: ...

    @overload
    def post(self, url: str, *, type: None = None, **options: Unpack[CallOptions]) -> Waiter[HTTPResponse]: ...

    def post(self, url: str, *, type: Any = None, **options: Unpack[CallOptions]) -> Waiter[Any]:
        """Send a POST request: see `request`."""
        return self.request("POST", url, type=type, **options)

    @overload
    def put(self, url: str, *, type: type[Kind], **options: Unpack[CallOptions]) -> Waiter[Kind]: ...

    @overload
    def put(self, url: str, *, type: None = None, **options: Unpack[CallOptions]) -> Waiter[HTTPResponse]: ...

    def put(self, url: str, *, type: Any = None, **options: Unpack[CallOptions]) -> Waiter[Any]:
        """Send a PUT request: see `request`."""
        return self.request("PUT", url, type=type, **options)

    @overload
    def patch(self, url: str, *, type: type[Kind], **options: Unpack[CallOptions]) -> Waiter[Kind]: ...

    @overload
    def patch(self, url: str, *, type: None = None, **options: Unpack[CallOptions]) -> Waiter[HTTPResponse]: ...

    def patch(self, url: str, *, type: Any = None, **options: Unpack[CallOptions]) -> Waiter[Any]:
        """Send a PATCH request: see `request`."""
        return self.request("PATCH", url, type=type, **options)

    @overload
    def delete(self, url: str, *, type: type[Kind], **options: Unpack[CallOptions]) -> Waiter[Kind]: ...

    @overload
    def delete(self, url: str, *, type: None = None, **options: Unpack[CallOptions]) -> Waiter[HTTPResponse]: ...

    def delete(self, url: str, *, type: Any = None, **options: Unpack[CallOptions]) -> Waiter[Any]:
        """Send a DELETE request: see `request`."""
        return self.request("DELETE", url, type=type, **options)

    def head(self, url: str, **options: Unpack[CallOptions]) -> Waiter[HTTPResponse]:
        """Send a HEAD request: see `request`."""
        return self.request("HEAD", url, **options)

    def options(self, url: str, **options: Unpack[CallOptions]) -> Waiter[HTTPResponse]:
        """Send an OPTIONS request: see `request`."""
        return self.request("OPTIONS", url, **options)

    def stream(self, method: str, url: str, **options: Unpack[CallOptions]) -> Waiter[HTTPStream]:
        """Send a request, and return when the head of the response has arrived. The arguments are those of `request`.

        Use the response in `async with`: `async with await client.stream("GET", "/rooms.csv") as response`.
        """
        call = self._make(method, url, options, expects_json=False)
        return self._run(call, self._sender.send(call, _unread))

    def close(self) -> Waiter[None]:
        """End running calls with ClientClosed (RW358), and close all connections."""
        self._running.end_all(lambda: ClientClosed("The client was closed while a call was running."))
        return run(self._sender.close())

    def using(self, transport: Transport) -> AbstractContextManager[None]:
        """Send the requests in the block with another transport, such as a `FakeService`. Meant for tests. Raises
        OptionError (RW359) for an object that is not a transport."""
        _check_transport(transport)  # checked here, and not in `_using`, so that the error names the line of the caller
        return self._using(transport)

    @contextmanager
    def _using(self, transport: Transport) -> Iterator[None]:
        former, self._sender.transport = self._sender.transport, transport
        try:
            yield
        finally:
            self._sender.transport = former

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _make(self, method: str, url: str, options: CallOptions, *, expects_json: bool) -> Call:
        for name in options:
            if name not in CallOptions.__annotations__:
                raise unknown_option("A call of HTTPClient", name, CallOptions.__annotations__)
        return make_call(self._options, self._base, method, url, expects_json=expects_json, **options)

    def _run(self, call: Call, coroutine: Any) -> Waiter[Any]:
        request = call.request
        seconds = request.timeouts.total
        where = {"method": request.method, "url": str(request.url)}
        return self._running.run(coroutine, seconds, lambda: CallTimeout.of("total", seconds or 0, **where), _drop)


async def _unread(stream: HTTPStream) -> HTTPStream:
    return stream


async def _drop(result: Any) -> None:
    if isinstance(result, HTTPStream):
        await result.release()


def _check_transport(transport: object) -> None:
    """Raises OptionError (RW359) unless an object has the methods of a Transport."""
    methods = (getattr(transport, name, None) for name in ("send", "close"))
    if isinstance(transport, type) or not all(map(callable, methods)):
        what = f"HTTPClient got the transport {shown(transport)}."
        raise OptionError("RW359", what, "Give an object with `send` and `close`, such as FakeService().")


def _app_transport(app: Any) -> Transport:
    from ropewalk.client.app_transport import AppTransport

    return AppTransport(app)
