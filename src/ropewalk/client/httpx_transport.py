"""The transport on asyncio reactors: httpx2. Only the transport of httpx2 is used, not its client, so that httpx2 adds
no cookies and follows no redirects."""

import ssl
from collections.abc import AsyncIterator
from typing import Any, Final

from ropewalk.client.errors import CallTimeout, ConnectionBroken, ConnectionFailed, InvalidCall
from ropewalk.client.exchange import OutgoingRequest
from ropewalk.client.options import HTTPClientOptions
from ropewalk.errors import optional_package, shown
from ropewalk.headers import Headers

_FEATURE: Final = "HTTPClient on an asyncio reactor"


class HTTPXTransport:
    """Sends requests with httpx2 on the running event loop."""

    def __init__(self, options: HTTPClientOptions) -> None:
        context = ssl.create_default_context(cafile=options.ca_file) if options.ca_file is not None else True
        self._httpx2: Any = optional_package("httpx2", "httpx2", _FEATURE, extra="client", code="RW360")
        self._transport = self._httpx2.AsyncHTTPTransport(
            verify=context,
            trust_env=False,
            limits=self._httpx2.Limits(
                max_connections=None,
                max_keepalive_connections=options.idle_connections,
                keepalive_expiry=options.idle_timeout,
            ),
        )

    async def send(self, request: OutgoingRequest) -> "HTTPXResponse":
        """Send a request, and return when the head of the response has arrived. Raises ClientError."""
        url = request.url
        fields = [("Host", request.headers.get("host", url.authority))]
        fields += [(name, value) for name, value in request.headers.lines() if name != "host"]
        timeouts = request.timeouts
        body = _Body(request)
        wire = self._httpx2.Request(
            request.method,
            f"{url.scheme}://{url.authority}/",
            headers=[(name.encode("ascii"), value.encode("latin-1")) for name, value in fields],
            content=None if request.body is None else body,
            extensions={
                "target": url.target.encode("ascii"),
                "timeout": {"connect": timeouts.connect, "read": timeouts.read, "write": timeouts.write, "pool": None},
            },
        )
        try:
            response = await self._transport.handle_async_request(wire)
        except Exception as error:
            if body.error is not None:
                raise body.error from None
            translated = self.translated(error, request)
            if translated is error:
                raise
            raise translated from error
        return HTTPXResponse(self, request, response)

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    def translated(self, error: Exception, request: OutgoingRequest) -> Exception:
        """The error of this package for an error of httpx2."""
        kinds = self._httpx2
        if not isinstance(error, (kinds.TransportError, kinds.InvalidURL)):
            return error
        call: Any = {"method": request.method, "url": str(request.url)}
        for kind, phase in (
            (kinds.ConnectTimeout, "connect"),
            (kinds.ReadTimeout, "read"),
            (kinds.WriteTimeout, "write"),
        ):
            if isinstance(error, kind):
                return CallTimeout.of(phase, getattr(request.timeouts, phase), **call)
        what = f"{type(error).__name__}: {shown(str(error))}."
        if isinstance(error, kinds.ConnectError):
            return ConnectionFailed(what, **call)
        if isinstance(error, (kinds.LocalProtocolError, kinds.UnsupportedProtocol, kinds.InvalidURL)):
            return InvalidCall(f"The request cannot be sent: {what}", **call)
        return ConnectionBroken(what, **call)


class HTTPXResponse:
    """A response whose head has arrived."""

    def __init__(self, transport: HTTPXTransport, request: OutgoingRequest, response: Any) -> None:
        self.status = response.status_code
        self.headers = Headers.received([(name.lower(), value) for name, value in response.headers.raw])
        self._transport = transport
        self._request = request
        self._response = response
        stream: Any = response.stream
        self._parts: AsyncIterator[bytes] = aiter(stream)

    async def read(self) -> bytes | None:
        """The next part of the body as it was sent; None at the end. Raises ClientError."""
        try:
            return await anext(self._parts, None)
        except Exception as error:
            translated = self._transport.translated(error, self._request)
            if translated is error:
                raise
            raise translated from error

    async def close(self) -> None:
        """End the exchange."""
        stream: Any = self._response.stream
        connection = _connection_with_more(stream)
        if connection is not None:
            await connection.aclose()
        await stream.aclose()


def _connection_with_more(stream: Any) -> Any:
    """The connection of a response, if it has received bytes after the response; otherwise None.

    httpx2 keeps these bytes, and would read them as the beginning of the response to the next request. So a service, or
    a proxy, that sends a wrong Content-Length could choose the response to another call. These attributes of httpx2 are
    private, so a test checks that they still have these names.
    """
    for name in ("_httpcore_stream", "_stream", "_connection"):
        stream = getattr(stream, name, None)
    state = getattr(stream, "_h11_state", None)
    more = getattr(state, "trailing_data", (b"", False))[0]
    return stream if more else None


class _Body:
    """The body of a request, for httpx2."""

    def __init__(self, request: OutgoingRequest) -> None:
        self._request = request
        self.error: Exception | None = None
        """The exception that the body raised."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for part in self._request.parts():
                yield part
        except Exception as error:
            self.error = error
            raise
