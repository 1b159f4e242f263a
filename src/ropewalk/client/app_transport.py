"""The transport of tests and of services in one process: an App handles the requests, without a socket."""

from typing import Any

from ropewalk.client.errors import CallTimeout, ConnectionBroken
from ropewalk.client.exchange import OutgoingRequest
from ropewalk.headers import Headers
from ropewalk.testing import AsyncClient, ClientTimeout, ProtocolError, StreamedResponse


class AppTransport:
    """Sends requests to an App. Its start and stop hooks are not called."""

    def __init__(self, app: Any) -> None:
        self._client = AsyncClient(app, raise_errors=False, wait_for_after=False)
        self._client.decodes = False  # the caller of `read` does

    async def send(self, request: OutgoingRequest) -> "AppResponse":
        """Send a request, and return when the head of the response has arrived. Raises ClientError."""
        try:
            response = await self._client.stream(
                request.method,
                str(request.url),
                headers=request.headers.lines(),
                body=request.body if isinstance(request.body, bytes | None) else request.parts(),
                timeout=request.timeouts.read,
            )
        except (ClientTimeout, ProtocolError) as error:
            raise _translated(error, request) from error
        self._client.cookies.clear()  # HTTPClient itself keeps cookies, if its option `cookies` is on
        return AppResponse(request, response)

    async def close(self) -> None:
        """Do nothing: each request has its own connection."""


class AppResponse:
    """A response of the App whose head has arrived."""

    def __init__(self, request: OutgoingRequest, response: StreamedResponse) -> None:
        self.status = response.status
        self.headers = Headers(response.headers.lines())
        self._request = request
        self._response = response

    async def read(self) -> bytes | None:
        """The next part of the body as it was sent; None at the end. Raises ClientError."""
        try:
            return await anext(self._response, None)
        except (ClientTimeout, ProtocolError) as error:
            raise _translated(error, self._request) from error

    async def close(self) -> None:
        """End the exchange."""
        self._response.close()


def _translated(error: Exception, request: OutgoingRequest) -> Exception:
    method, url = request.method, str(request.url)
    if isinstance(error, ClientTimeout):
        return CallTimeout.of("read", request.timeouts.read or 0, method=method, url=url)
    return ConnectionBroken(f"{error}", method=method, url=url)
